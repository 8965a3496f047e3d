"""A run's images label by label: how many the classifier of real ones takes for what was asked."""

from sprint.metrics import metric_of
from sprint.report.blocks import Block, Cell, Column, Table
from sprint.report.format import arrow, drawn_text, metric_name, metric_text
from sprint.report.read import Run
from sprint.report.views import Report, RunView

METRIC = "accuracy"
SHOWN = 20  # labels; of more as many, those that fare worst and those that fare best


class RunClasses(RunView):
    title = "Label by label"
    order = 32

    def applies(self, run: Run, report: Report) -> bool:
        return bool(_last(run))

    def blocks(self, run: Run, report: Report) -> list[Block]:
        entries = _last(run)
        labels = _shown(entries[-1]["by_label"])
        heads = [Column("label"), Column("images")]
        heads += [Column(f"{metric_name(METRIC)}, {drawn_text(one)}", arrow(METRIC)) for one in entries]
        rows = tuple((_row(label, entries),) for label in labels)
        every = len(entries[-1]["by_label"]["images"])
        some = "" if len(labels) == every else f" {len(labels)} of {every} labels: those that fare worst, and best."
        caption = f"At step {entries[-1]['step']}: {metric_of(METRIC).meaning}.{some}"
        return [Table(tuple(heads), rows, self.title, caption=caption, label=f"Label by label, {run.name}")]


def _last(run: Run) -> list[dict]:
    """The evaluations at the end of training that tell of labels, one for each guidance."""
    last = [entry for entry in run.evaluations if entry["step"] == run.evaluations[-1]["step"]]
    told = [entry for entry in {entry["key"]: entry for entry in last}.values() if "by_label" in entry]
    lengths = {len(column) for entry in told for column in entry["by_label"].values()}
    return told if len(lengths) == 1 else []


def _shown(found: dict) -> list[int]:
    known = [label for label, images in enumerate(found["images"]) if images]
    if len(known) <= SHOWN:
        return known
    ranked = sorted(known, key=lambda label: found["right"][label] / found["images"][label])
    return ranked[: SHOWN // 2] + ranked[-SHOWN // 2 :]


def _row(label: int, entries: list[dict]) -> tuple[Cell, ...]:
    shares = []
    for entry in entries:
        images, right = (entry["by_label"][key][label] for key in ("images", "right"))
        shares.append(Cell(metric_text(METRIC, right / images if images else None)))
    return (Cell(str(label), head=True), Cell(f"{entries[-1]['by_label']['images'][label]:,}"), *shares)
