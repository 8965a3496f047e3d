"""Verdicts on the claims of papers, by the rules of statistics/claims.py, on this preset's numbers."""

from sprint.report.blocks import Block, Cell, text_table
from sprint.report.format import listed
from sprint.report.judging.outcomes import Outcome, Verdict, verdicts
from sprint.report.pairs import ONE_SEED
from sprint.report.published import FILE
from sprint.report.views import Report, ReportView
from sprint.statistics.claims import Claim, read_claims
from sprint.statistics.decide import MOST_SEEDS, NOT_ENOUGH

HEADERS = ["claim", "outcome", "effect", "rule"]
CAPTION = (
    "Each claim as a rule with one threshold (ablations/published.yaml) on this preset's numbers. The interval is a "
    "95% one of the single effect, over seeds. A rule is met, or not met, where the effect lies surely on one side of "
    "its threshold, at 5% for all rules together (Holm); otherwise there is not enough data, and it says how many "
    "seeds would decide four times in five, if effect and noise are as estimated. Modelled costs are exact. Rules that "
    "need depth are not testable where few blocks do as well as all of them. Each rule carries the date since which it "
    "stands as it is, and a hash of what it says. An outcome speaks of its preset, not of the scale of the claim. "
    "Guidance best: each side, in each seed, with the guidance at which its own metric is best in the other seeds, so "
    "that no image judges the guidance that it chose; with one seed it does."
)


class Verdicts(ReportView):
    title = "Verdicts on published claims"
    order = 20
    page = "claims"

    def applies(self, report: Report) -> bool:
        return bool(_claims(report))

    def blocks(self, report: Report) -> list[Block]:
        rows = [_row(one) for one in judged(report)]
        caption = f"{CAPTION} {tuning_text(report)}"
        return [text_table(HEADERS, rows, caption=caption, title=self.title, style="words")]


def tuning_text(report: Report) -> str:
    """Whether the seeds that judge chose anything before."""
    if report.tuned:
        seeds = f"seed{'s' * (len(report.tuning_seeds) > 1)} {listed([*map(str, report.tuning_seeds)])}"
        return f"Learning rates were chosen on {seeds} ({report.tuned}); none judges."
    return (
        "No learning rate was chosen on seeds kept apart for it: where the schedule was chosen on seeds that judge, as "
        "on preset digits, they are no test on fresh data."
    )


def judged(report: Report) -> list[Verdict]:
    """The verdict on every claim that a report is asked about."""
    return verdicts(report.studies, _claims(report), report.tuning_seeds)


def _claims(report: Report) -> list[Claim]:
    """All claims for the report of many studies; for that of one, those that it can test."""
    names, claims = {study.name for study in report.studies}, read_claims(FILE)
    return claims if len(names) > 1 else [one for one in claims if {rule.study for rule in one.rules} & {"", *names}]


def _row(one: Verdict) -> list[Cell]:
    several = len(one.outcomes) > 1
    rules = []
    for found in one.outcomes:
        rules.append(found.rule.text() + (f": {found.outcome}" if several else ""))
        rules.append(f"fixed {one.claim.fixed}, {found.rule.hash}")
    style = f"verdict {one.outcome.replace(' ', '-')}"
    return [
        Cell(one.claim.claim, (one.claim.method,)),
        Cell(one.outcome, style=style),
        _effects(one),
        Cell("", tuple(rules)),
    ]


def _effects(one: Verdict) -> Cell:
    """The effect stands large where there is one; those of a claim of several rules stand line by line."""
    if not one.outcomes:
        return Cell(one.claim.untested)
    if len(one.outcomes) == 1 and one.outcomes[0].effect is not None:
        value, *rest = _said(one.outcomes[0])
        return Cell(value, tuple(rest))
    return Cell("", tuple(text for found in one.outcomes for text in _said(found)))


def _said(found: Outcome) -> list[str]:
    """The effect, its interval, what was compared, and what would decide."""
    if found.effect is None:
        return [found.why]
    return [text for text in (effect_text(found), interval_text(found), found.why, needed_text(found)) if text]


def effect_text(found: Outcome) -> str:
    return f"{found.effect.value:.3g}×" if found.effect.ratio else f"{found.effect.value:+.3g}"


def interval_text(found: Outcome) -> str:
    if found.rule.exact:
        return "exact, modelled"
    if found.effect.low is None:
        return ONE_SEED
    noise = f"noise of {found.effect.settings} settings" if found.effect.pooled else "noise of these two alone"
    return f"{found.effect.low:.3g} to {found.effect.high:.3g}; {found.effect.seeds} seeds, {noise}"


def needed_text(found: Outcome) -> str:
    if found.outcome != NOT_ENOUGH or found.effect is None or found.effect.low is None:
        return ""
    if found.seeds_needed is None:
        return f"more than {MOST_SEEDS} seeds would decide, if any"
    return f"{found.seeds_needed} seeds would decide"
