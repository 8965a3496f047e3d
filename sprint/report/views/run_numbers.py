"""Every evaluation of a run: milestones and guidances, with every metric."""

from sprint.diffusion import samplers
from sprint.metrics import is_metric, metric_of
from sprint.report.blocks import Block, Cell, Column, Table
from sprint.report.format import arrow, drawn_text, logarithmic, metric_name, metric_text
from sprint.report.read import Run
from sprint.report.views import Report, RunView


class RunNumbers(RunView):
    title = "Numbers"
    order = 30

    def applies(self, run: Run, report: Report) -> bool:
        return bool(run.evaluations)

    def blocks(self, run: Run, report: Report) -> list[Block]:
        names = {name for entry in run.evaluations for name in entry["metrics"] if is_metric(name)}
        metrics = sorted(names, key=lambda name: (metric_of(name).place, name))
        columns = [Column("step"), Column("guidance")]
        columns += [Column(metric_name(name), arrow(name), ratio=logarithmic(name)) for name in metrics]
        rows = tuple((_row(entry, metrics),) for entry in run.evaluations)
        return [Table(tuple(columns), rows, self.title, caption=_caption(run), label=f"All metrics of {run.name}")]


def _row(entry: dict, metrics: list[str]) -> tuple[Cell, ...]:
    values = (Cell(metric_text(name, entry["metrics"].get(name))) for name in metrics)
    return (Cell(str(entry["step"]), head=True), Cell(drawn_text(entry)), *values)


def _caption(run: Run) -> str:
    entry = run.evaluations[-1]
    return f"Sampler {samplers.text(entry['sampler'])}, {entry['images']:,} images, labels {entry['labels']}."
