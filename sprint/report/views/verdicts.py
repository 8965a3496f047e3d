"""Verdicts on published claims, by rules that can be read beside them."""

from sprint.report.blocks import Block, Cell, text_table
from sprint.report.published import FILE
from sprint.report.verdicts import UNTESTED, Verdict, verdicts
from sprint.report.views import Report, ReportView
from sprint.statistics.claims import Claim, read_claims

HEADERS = ["claim", "verdict", "effect", "rule"]
CAPTION = (
    "Each claim as a rule (ablations/published.yaml) on this preset's numbers. The 95% interval of the effect decides; "
    "an interval that meets neither condition leaves the claim undecided, and so does one seed. The rules were written "
    "after the schedule of preset digits had been tuned on runs that several of them judge: on that preset they are no "
    "test on fresh data. A verdict speaks of its preset, not of the scale of the claim. Guidance best: each side with "
    "the guidance, of those evaluated, at which its own metric is best."
)


class Verdicts(ReportView):
    title = "Verdicts on published claims"
    order = 20

    def applies(self, report: Report) -> bool:
        return bool(_claims(report))

    def blocks(self, report: Report) -> list[Block]:
        rows = [_row(one) for one in verdicts(report.studies, _claims(report))]
        return [text_table(HEADERS, rows, caption=CAPTION, label=self.title, style="words")]


def _claims(report: Report) -> list[Claim]:
    """All claims for the report of many studies; for that of one, those that it can test."""
    names, claims = {study.name for study in report.studies}, read_claims(FILE)
    return claims if len(names) > 1 else [one for one in claims if {rule.study for rule in one.rules} & {"", *names}]


def _row(one: Verdict) -> list[Cell]:
    several = len(one.outcomes) > 1
    rules = [rule.text() + (f": {outcome.verdict}" if several else "") for rule, outcome in one.outcomes]
    style = f"verdict {one.verdict.replace(' ', '-')}"
    return [
        Cell(one.claim.claim, (one.claim.method,)),
        Cell(one.verdict, style=style),
        _effects(one),
        Cell("", tuple(rules)),
    ]


def _effects(one: Verdict) -> Cell:
    """The effect stands large where there is one; those of a claim of several rules stand line by line."""
    outcomes = [outcome for _, outcome in one.outcomes]
    if not outcomes:
        return Cell(one.claim.untested)
    tested = [outcome.verdict != UNTESTED for outcome in outcomes]
    if tested == [True]:
        return Cell(outcomes[0].effect, (outcomes[0].interval, outcomes[0].why))
    said = [[f"{outcome.effect} {outcome.interval}", outcome.why] for outcome in outcomes]
    return Cell("", tuple(text for has, texts in zip(tested, said, strict=True) for text in texts[not has :]))
