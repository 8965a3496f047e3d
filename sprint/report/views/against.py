"""Another folder of results beside this one: what differs in configuration, numbers with intervals, and speed."""

from sprint.report.blocks import Block, Cell, Column, Prose, Row, Table
from sprint.report.format import arrow, metric_name, metric_text, significant
from sprint.report.pages.beside import Matched, matched, unlike
from sprint.report.read import Run, Study
from sprint.report.summary import line_under, lines, target_of
from sprint.report.tables import UNKNOWN, sign_of
from sprint.report.views import Report, ReportView

CAPTION = (
    "Here over there, seed by seed where both have a seed; below the ratio its 95% interval over the seeds in common. "
    "Seconds are wall clock of one training each."
)
ALIKE = "The configurations of all settings that both have are the same."


class Against(ReportView):
    title = "Against other results"
    order = 1
    page = "against"

    def applies(self, report: Report) -> bool:
        return report.other is not None

    def blocks(self, report: Report) -> list[Block]:
        pairs = [matched(study, report.other) for study in report.studies]
        found: list[Block] = [Prose(f"Here: {report.results}. There: {report.other.folder}.", style="protocol")]
        changes = list(dict.fromkeys(text for pair in pairs for text in unlike(pair)))
        words = "What differs in configuration, here against there:" if changes else ALIKE
        found.append(Prose(words, tuple(changes), title="Configurations"))
        return found + [_table(pair) for pair in pairs if pair.settings] + _missing(pairs)


def _table(pair: Matched) -> Table:
    study, metric = pair.here, pair.here.primary
    heads = [Column("setting"), Column("guidance"), Column(f"{metric_name(metric)}, here", arrow(metric))]
    heads += [Column("there", arrow(metric)), Column("here / there"), Column("training s, here"), Column("there")]
    heads += [Column("images / s, here"), Column("there")]
    groups = tuple(tuple(_rows(pair, setting, metric)) for setting in pair.settings)
    return Table(tuple(heads), groups, study.title, caption=CAPTION, label=f"{study.title}, here against there")


def _rows(pair: Matched, setting: str, metric: str) -> list[Row]:
    here, there, name = pair.here, pair.there, pair.settings[setting]
    head = Cell(setting, head=True, target=target_of(here, setting), key=sign_of(here.settings[setting][0]))
    spent = [cell for of in (_seconds, _speed) for cell in (of(here, setting), of(there, name))]
    rows = []
    for line in lines(here, setting):
        other = line_under(there, name, line.guidance)
        mine, theirs = (one.metrics.get(metric) if one else None for one in (line, other))
        values = [Cell(metric_text(metric, one.mean if one else None)) for one in (mine, theirs)]
        rows.append((head, Cell(line.guidance), *values, pair.ratio(metric, mine, theirs), *spent))
    return rows or [(head, Cell("not evaluated here", style="state", columns=4), *spent)]


def _seconds(study: Study, setting: str) -> Cell:
    done = [run for run in study.settings[setting] if run.state == "done"]
    taken = [run.trained_seconds for run in done if run.trained_seconds is not None]
    return Cell(significant(sum(taken) / len(taken)) if taken else UNKNOWN)


def _speed(study: Study, setting: str) -> Cell:
    runs: list[Run] = study.settings[setting]
    rates = [run.throughput["train"]["median"] for run in runs if "train" in run.throughput]
    return Cell(significant(rates[0]) if rates else UNKNOWN)


def _missing(pairs: list[Matched]) -> list[Block]:
    items = [f"{pair.here.title}: {', '.join(pair.only_here)}" for pair in pairs if pair.only_here]
    return [Prose("Not there, so not compared:", tuple(items), title="Only here")] if items else []
