"""The leaderboard: every setting of the first study at the guidance of its own best, the best first."""

from pathlib import Path

from sprint.report.blocks import Block, Cell, Column, Picture, Row, Table
from sprint.report.figures.pictures import kept, strip
from sprint.report.format import arrow, bounded, metric_name, metric_text
from sprint.report.learned import nothing_learned
from sprint.report.read import Run, Study
from sprint.report.summary import AT_BEST, Line, best_against_best, target_of
from sprint.report.tables import cost_columns, share_text, sign_of, table_metrics
from sprint.report.views import Report, ReportView

CAPTION = f"{AT_BEST}; below: 95% interval."


class Leaderboard(ReportView):
    title = "Leaderboard"
    order = 2
    page = "index"

    def applies(self, report: Report) -> bool:
        return report.whole and bool(report.studies) and bool(_ranked(report.studies[0]))

    def blocks(self, report: Report) -> list[Block]:
        study = report.studies[0]
        rows = [(_row(study, line, report.results),) for _, line in _ranked(study)]
        caption = CAPTION.format(metric_name(study.primary))
        return [Table(_columns(study), tuple(rows), self.title, caption=caption, label=f"{study.title}, leaderboard")]


def _ranked(study: Study) -> list[tuple[str, Line]]:
    return [] if study.conflicts or nothing_learned(study) else best_against_best(study)


def _metrics(study: Study) -> list[str]:
    return [study.primary, *(name for name in table_metrics(study) if "/" not in name)]


def _columns(study: Study) -> tuple[Column, ...]:
    metrics = [Column(metric_name(name), arrow(name), ratio=name == study.primary) for name in _metrics(study)]
    spent = [Column("training FLOP", "of dense", ratio=True), Column("speed", "images / s, measured", ratio=True)]
    return (Column("setting"), *metrics, Column("guidance"), *spent, Column("runs", "seeds"), Column("samples"))


def _row(study: Study, line: Line, results: Path) -> Row:
    runs = study.settings[line.setting]
    done = [run for run in runs if run.state == "done"]
    head = Cell(line.setting, head=True, target=target_of(study, line.setting), key=sign_of(runs[0]))
    seeds = Cell(f"{len(done)}", links=tuple((str(run.seed), f"run:{run.name}") for run in runs))
    speed = next(
        (cell(runs) for column, cell in cost_columns(study, headline=True) if column.name == "speed"), Cell("")
    )
    share = Cell(share_text(study, runs))
    pictures = Cell("", picture=_strip(line, done, results), style="strip")
    return (head, *(_value(line, one) for one in _metrics(study)), Cell(line.guidance), share, speed, seeds, pictures)


def _value(line: Line, metric: str) -> Cell:
    spread = line.metrics.get(metric)
    if spread is None:
        return Cell(metric_text(metric, None))
    ends = bounded(metric, *spread.interval) if spread.interval else ()
    return Cell(metric_text(metric, spread.mean), ("–".join(metric_text(metric, end) for end in ends),) if ends else ())


def _strip(line: Line, runs: list[Run], results: Path) -> Picture | None:
    found = ((run, kept(results, run.name, line.keys.get(run.name))) for run in runs)
    first = next(((run, images) for run, images in found if images is not None), None)
    return strip(first[1], f"{line.setting}, seed {first[0].seed}, {line.guidance}") if first else None
