"""Verdicts on the claims of papers, by the rules of statistics/claims.py, on this preset's numbers."""

from dataclasses import dataclass

from sprint.diffusion.guidance import kind_name
from sprint.metrics import metric_of
from sprint.report.blocks import Block, Cell, text_table
from sprint.report.format import listed, metric_name, metric_text
from sprint.report.learned import nothing_learned
from sprint.report.published import FILE
from sprint.report.read import Run, Study
from sprint.report.summary import Line, lines
from sprint.report.views import Report, ReportView
from sprint.statistics.claims import Claim, Rule, Selector, holds, read_claims
from sprint.statistics.intervals import Estimate, Sample, difference, ratio

SUPPORTED, CONTRADICTED, UNDECIDED, UNTESTED = "supported", "contradicted", "undecided", "not tested"
HEADERS = ["claim", "verdict", "effect", "rule"]
CAPTION = (
    "Each claim as a rule (ablations/published.yaml) on this preset's numbers. The 95% interval of the effect decides; "
    "an interval that meets neither condition leaves the claim undecided, and so does one seed. The rules were written "
    "after the schedule of preset digits had been tuned on runs that several of them judge: on that preset they are no "
    "test on fresh data. A verdict speaks of its preset, not of the scale of the claim. Guidance best: each side with "
    "the guidance, of those evaluated, at which its own metric is best."
)


@dataclass(frozen=True)
class Outcome:
    """One rule on the data: the verdict, the effect with its interval, and what else is to be known."""

    verdict: str
    effect: str
    interval: str
    why: str


@dataclass(frozen=True)
class Verdict:
    """One claim with the outcome of each of its rules."""

    claim: Claim
    verdict: str
    outcomes: list[tuple[Rule, Outcome]]


class Untested(Exception):
    """Why a rule cannot be applied: a sentence without a full stop."""


@dataclass(frozen=True)
class Side:
    """What a selector found: the setting, the line of it (None for costs), its runs."""

    study: Study
    setting: str
    line: Line | None
    runs: list[Run]


def verdicts(studies: list[Study], claims: list[Claim]) -> list[Verdict]:
    """The verdict on every claim, in the order of the file."""
    found = []
    for claim in claims:
        outcomes = [(rule, outcome(studies, rule)) for rule in claim.rules]
        found.append(Verdict(claim, together([one.verdict for _, one in outcomes]), outcomes))
    return found


def together(parts: list[str]) -> str:
    """Supported when all parts are; contradicted when one is; not tested when one is not and none is contradicted."""
    for one in (CONTRADICTED, UNTESTED, UNDECIDED):
        if one in parts:
            return one
    return SUPPORTED if parts else UNTESTED


def outcome(studies: list[Study], rule: Rule) -> Outcome:
    """A rule applied to the studies of a report."""
    try:
        sides = [select(studies, rule, selector) for selector in (rule.of, rule.over)]
        found = _effect(rule, *sides)
    except Untested as reason:
        return Outcome(UNTESTED, "–", "–", str(reason))
    compared = f"{_said(rule, sides[0], rule.of)} against {_said(rule, sides[1], rule.over)}"
    effect = f"{found.mean:.2f}×" if rule.effect == "ratio" else f"{found.mean:+.3f}"
    if found.low is None:
        return Outcome(UNDECIDED, effect, "one seed: no interval", compared)
    interval = "exact, modelled" if found.low == found.high else f"{found.low:.2f} to {found.high:.2f}"
    return Outcome(judge(rule, found.low, found.high), effect, interval, compared)


def judge(rule: Rule, low: float, high: float) -> str:
    """The verdict of a rule on an interval; a rule that would say both says nothing."""
    yes, no = holds(rule.supported, low, high), holds(rule.contradicted, low, high)
    return UNDECIDED if yes == no else SUPPORTED if yes else CONTRADICTED


def select(studies: list[Study], rule: Rule, selector: Selector) -> Side:
    """The setting that a selector means. Raises Untested when there is none, several, or it has no number."""
    known = [study for study in studies if rule.study in ("", study.name)]
    if not known:
        raise Untested(
            f"study {rule.study} is not part of this report; `snakemake --cores all {rule.study}` makes its own"
        )
    for study in known:
        if settings := [
            name for name, runs in study.settings.items() if any(_meant(rule, selector, run) for run in runs)
        ]:
            if len(settings) > 1:
                raise Untested(f"{selector.text()} means several settings: {listed(settings)}")
            return _side(study, settings[0], rule, selector)
    where = f"study {rule.study}" if rule.study else "the studies of this report"
    raise Untested(f"no run of {selector.text()} in {where}")


def _meant(rule: Rule, selector: Selector, run: Run) -> bool:
    """Whether a run is what a selector names. Steps need no naming where a study is: they are its budget."""
    config, asked = run.config, {**selector.settings, **selector.train}
    if (config.get("method"), config.get("drop")) != (selector.method, selector.drop):
        return False
    if selector.subsampling and config.get("subsampling") != selector.subsampling:
        return False
    free = {*asked, *(("subsampling",) if selector.subsampling else ()), *(("steps",) if rule.study else ())}
    if set(config.get("overrides", {})) - free:
        return False
    has = {**config.get("settings", {}), **config.get("train", {})}
    return all(has.get(key) == value for key, value in asked.items())


def _side(study: Study, setting: str, rule: Rule, selector: Selector) -> Side:
    runs = study.settings[setting]
    if rule.metric.startswith("cost/"):
        return Side(study, setting, None, runs)
    if study.conflicts:
        raise Untested(f"evaluations of study {study.name} differ in {listed(study.conflicts)}")
    if nothing_learned(study):
        raise Untested(f"most networks of study {study.name}, or its base, are hardly better than untrained ones")
    metric = _metric(study, rule)
    found = [line for line in lines(study, setting) if metric in line.metrics]
    if selector.guidance != "best":
        found = [line for line in found if line.kind == selector.guidance]
    if not found:
        states = listed(sorted({run.fate for run in runs if run.state != "done"})) or "nothing was evaluated"
        raise Untested(f"{setting} has no {metric_name(metric)} with guidance {selector.guidance}: {states}")
    better = min if metric_of(metric).better == "lower" else max
    return Side(study, setting, better(found, key=lambda line: line.metrics[metric].mean), runs)


def _metric(study: Study, rule: Rule) -> str:
    return study.primary if rule.metric == "fd" else rule.metric


def _effect(rule: Rule, of: Side, over: Side) -> Estimate:
    pair = [_samples(rule, side, selector) for side, selector in ((of, rule.of), (over, rule.over))]
    found = (ratio if rule.effect == "ratio" else difference)(*pair)
    if found is None:
        raise Untested("the two share no seed, or a value is not positive")
    if rule.metric.startswith("cost/"):
        return Estimate(found.mean, found.seeds, found.mean, found.mean)
    return found


def _samples(rule: Rule, side: Side, selector: Selector) -> dict[object, Sample]:
    """By seed, or one modelled number that no seed moves."""
    if side.line is not None:
        return side.line.metrics[_metric(side.study, rule)].samples
    return {"modelled": Sample(_cost(rule, side, selector))}


def _cost(rule: Rule, side: Side, selector: Selector) -> float:
    key = rule.metric.partition("/")[2]
    value = next((run.cost[key] for run in side.runs if key in run.cost), None)
    if isinstance(value, dict):
        value = value.get(selector.guidance)
    if value is None:
        raise Untested(f"{side.setting} has no cost called {key}" + (f" with {selector.guidance}" if value else ""))
    return float(value)


def _said(rule: Rule, side: Side, selector: Selector) -> str:
    if side.line is None:
        return side.setting if selector.guidance == "best" else f"{side.setting}, {kind_name(selector.guidance)}"
    metric = _metric(side.study, rule)
    value = metric_text(metric, side.line.metrics[metric].mean)
    return f"{side.setting}, {side.line.guidance}: {metric_name(metric)} {value}"


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
