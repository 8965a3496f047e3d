"""What this preset can and cannot test, before any result: whether depth matters, and whether deep parts are used."""

from sprint.report.blocks import Block, Prose, text_table
from sprint.report.format import listed, metric_name, metric_text
from sprint.report.judging.gate import CONTROL, Gate, Skip, gate_of, worse
from sprint.report.pairs import effect_lines
from sprint.report.views import Report, ReportView

CAPTION = (
    "Each, in each seed, at the guidance at which its own metric is best in the other seeds. 95% intervals over seeds, "
    "which hold for all settings of the study at once. A claim about the deep path is testable only by metrics in "
    "which few blocks are surely worse."
)
SKIPS = (
    "The same weights, images, noise and times, once with all parts and once with the deep part skipped; 95% intervals "
    "over seeds. What skipping does not harm is not used."
)


class WhatCanBeTested(ReportView):
    title = "What this preset can test"
    order = 5
    page = "claims"

    def applies(self, report: Report) -> bool:
        return report.whole or any(study.name == CONTROL for study in report.studies)

    def blocks(self, report: Report) -> list[Block]:
        gate = gate_of(report.studies)
        first, *more = sentences(gate)
        blocks: list[Block] = [Prose(first, tuple(more), style="answer", title=self.title)]
        if gate.effects:
            head, rows = ["metric", f"{gate.few} against {gate.full}", "worse"], [*_depth_rows(gate)]
            blocks.append(text_table(head, rows, title="Few blocks against all", caption=CAPTION))
        if gate.skips:
            head, rows = ["setting", "metric", "all parts", "skipped, minus that"], [*map(_skip_row, gate.skips)]
            blocks.append(text_table(head, rows, title="The deep part skipped", caption=SKIPS))
        return blocks


def sentences(gate: Gate) -> list[str]:
    """What can be tested, and what not, from the numbers."""
    if gate.why:
        return [
            f"Whether depth matters to this task is not known: {gate.why}. Claims about the deep path are not testable "
            "here.",
            *map(_skip_sentence, gate.skips),
        ]
    told = [metric for metric, found in gate.effects.items() if worse(metric, found)]
    rest = [metric for metric in gate.effects if metric not in told]
    said = []
    if told:
        effects = [f"{metric_name(metric)} {' ('.join(effect_lines(metric, gate.effects[metric]))})" for metric in told]
        said.append(
            f"Depth matters to this task: {gate.few} is surely worse than {gate.full} in {listed(effects)}. Claims "
            "about the deep path are testable by these."
        )
    if rest:
        said.append(
            f"In {listed([metric_name(metric) for metric in rest])} {gate.few} cannot be told from {gate.full}, or is "
            "better: claims about the deep path are not testable by them."
        )
    return [*(said or [f"{gate.few} and {gate.full} share no number."]), *map(_skip_sentence, gate.skips)]


def _skip_sentence(skip: Skip) -> str:
    name, effect = metric_name(skip.metric), skip.effect
    if effect.low is None:
        return f"{skip.setting}: one seed says nothing on whether its deep part is used."
    if not worse(skip.metric, effect):
        return f"{skip.setting} makes no sure use of its deep part: skipped, its {name} is not surely higher."
    text = metric_text(skip.metric, effect.value)
    return f"{skip.setting} uses its deep part: skipped, its {name} is {text} higher."


def _depth_rows(gate: Gate) -> list[list[str]]:
    return [
        [metric_name(metric), ", ".join(effect_lines(metric, found)), "yes" if worse(metric, found) else "not surely"]
        for metric, found in gate.effects.items()
    ]


def _skip_row(skip: Skip) -> list[str]:
    mean = metric_text(skip.metric, skip.line.metrics[skip.metric].mean)
    return [skip.setting, metric_name(skip.metric), mean, ", ".join(_lines(skip))]


def _lines(skip: Skip) -> list[str]:
    return effect_lines(skip.metric, skip.effect)
