"""Does small predict large? Published ratios to the dense model beside ours of the same methods and drop ratios."""

import math
from dataclasses import dataclass

from sprint.report.blocks import Block, Prose, text_table
from sprint.report.format import listed, percent
from sprint.report.learned import nothing_learned
from sprint.report.pairs import base_of, compared, effect_lines
from sprint.report.read import Study
from sprint.report.summary import best_line, drops_nothing
from sprint.report.views import Report, ReportView
from sprint.statistics.effects import Effect
from sprint.statistics.ranks import FEWEST, Order, order_of

HEADERS = ["method", "published, over dense", "ours, over dense", "published where"]
CAPTION = (
    "Distances over the dense model's. Published: the geometric mean of what is known of a method at a drop ratio, of "
    "whatever model, length, guidance and distance, with its range (ablations/published.yaml). Ours: best guidance "
    "against best, small: 95% interval over seeds."
)
NONE = "no method that this page compares with a dense model has a published ratio to one"


@dataclass(frozen=True)
class Pair:
    """A method at a drop ratio: published ratios with their sources, and ours."""

    method: str
    drop: float
    published: list[float]
    sources: list[str]
    ours: Effect

    @property
    def mean(self) -> float:
        return math.exp(sum(map(math.log, self.published)) / len(self.published))


class Transfer(ReportView):
    title = "Does small predict large?"
    order = 25
    page = "claims"

    def applies(self, report: Report) -> bool:
        return bool(report.facts.get("ratios")) and report.whole

    def blocks(self, report: Report) -> list[Block]:
        found = pairs_of(report)
        said = Prose(sentence(found), style="answer", title=self.title)
        rows = [_row(pair, report) for pair in found]
        return [said, text_table(HEADERS, rows, caption=CAPTION, label=self.title, style="words")] if rows else [said]


def pairs_of(report: Report) -> list[Pair]:
    """Methods and drop ratios with a published ratio and one of ours, in the order of the file."""
    rows: dict[tuple, list[dict]] = {}
    for row in report.facts.get("ratios", []):
        rows.setdefault((row["method"], row["drop"]), []).append(row)
    ours = {place: _ours(report.studies, *place) for place in rows}
    return [
        Pair(*place, [one["value"] / one["base"] for one in said], _sources(said), ours[place])
        for place, said in rows.items()
        if ours[place] is not None
    ]


def _sources(rows: list[dict]) -> list[str]:
    return list(dict.fromkeys(f"{row['model']}, {row['metric']}, {row['at']}: {row['source']}" for row in rows))


def _ours(studies: list[Study], method: str, drop: float) -> Effect | None:
    """The ratio of a method, set as the preset has it, to the dense model of the first study that has both."""
    for study in studies:
        base = base_of(study)
        if study.sweep or study.conflicts or base is None or nothing_learned(study):
            continue
        if not drops_nothing(study.settings[base][0]):
            continue
        for setting, runs in study.settings.items():
            about = runs[0].config
            if (about.get("method"), about.get("drop")) == (method, drop) and not about.get("overrides"):
                found = _compared(study, setting, base)
                if found is not None:
                    return found
    return None


def _compared(study: Study, setting: str, base: str) -> Effect | None:
    mine, theirs = (best_line(study, name, study.primary) for name in (setting, base))
    found = compared(study, study.primary, mine, theirs) if mine and theirs else None
    return found if found is not None and found.ratio else None


def sentence(found: list[Pair]) -> str:
    """How far the order of ours is that of the published ones; too few points are said to be too few."""
    if len(found) < FEWEST:
        known = f"{len(found)} of the {FEWEST} points that it would take" if found else NONE
        return f"Whether this scale predicts the published one cannot be said: {known}."
    order = order_of([pair.mean for pair in found], [pair.ours.value for pair in found])
    return _said(order) if order else "The published ratios, or ours, are all alike: they have no order."


def _said(order: Order) -> str:
    verdict = "is not shown to predict the published one"
    if order.p < 0.05:
        verdict = "agrees with the published one" if order.tau > 0 else "is the reverse of the published one"
    return (
        f"Over {order.points} methods and drop ratios the order of ours {verdict}: Kendall's τ {order.tau:.2f} "
        f"(95% interval {order.low:.2f} to {order.high:.2f}, points drawn again; p = {order.p:.2g}), Spearman's ρ "
        f"{order.rho:.2f}."
    )


def _row(pair: Pair, report: Report) -> list[str]:
    ends = f" ({min(pair.published):.2f}× to {max(pair.published):.2f}×)" if len(pair.published) > 1 else ""
    metric = report.studies[0].primary
    ours = ", ".join(effect_lines(metric, pair.ours))
    return [f"{pair.method} {percent(pair.drop)}", f"{pair.mean:.2f}×{ends}", ours, listed(pair.sources)]
