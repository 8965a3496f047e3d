"""A table of settings as a block of a page, and what captions say of how numbers were made."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from sprint.report import blocks
from sprint.report.blocks import Cell, Column, Row
from sprint.report.format import listed
from sprint.report.read import Run, Study
from sprint.report.summary import best_against_best
from sprint.report.tables import Group, Table


def as_block(study: Study, table: Table, label: str, folded: str = "") -> blocks.Table:
    """A table of settings with its caption, as a page has it."""
    columns = (Column("setting"), *table.columns, Column("seeds"), Column("rerun"))
    groups = tuple(tuple(_rows(group, len(columns))) for group in table.groups)
    return blocks.Table(columns, groups, label=label, folded=folded, notes=tuple(table.notes))


def _rows(group: Group, width: int) -> list[Row]:
    """A row for each line of a setting: what holds of all its lines stands in each, pale in all but the first."""
    head = Cell(
        group.head, head=True, target=group.target, key=group.key, style="" if group.key or group.state else "reference"
    )
    rerun = Cell("", commands=tuple(group.commands), style="rerun")
    before, after = [head, *group.factors], [*group.costs, group.seeds, rerun]
    if group.state:
        return [(*before, Cell(group.state, style="state", columns=width - len(before) - len(after)), *after)]
    first, *more = group.lines
    again = lambda cells: [replace(one, style=f"{one.style} again".strip()) for one in cells]  # noqa: E731
    return [(*before, *first, *after), *((*again(before), *line, *again(after)) for line in more)]


def protocol(study: Study) -> str:
    """How the final numbers of a study were made: samplers, number of images, labels, extractors."""
    final = study.final
    if final.empty:
        return "nothing evaluated yet"
    images = listed([f"{count:,}" for count in sorted(final["images"].unique())])
    samplers = listed(sorted(final["sampler"].unique()))
    labels = listed(sorted(str(value) for value in final["labels"].unique()))
    extractors = f"extractor{'s' * (len(study.extractors) > 1)} {listed(study.extractors)}"
    return f"sampler {samplers}; {images} images, labels {labels}; {extractors}"


def wall_clock(studies: Iterable[Study]) -> str:
    """Whether the trainings whose seconds are told had the machine to themselves."""
    runs = {run.name: run for study in studies for run in study.runs}
    spans = {name: span for name, span in ((name, _span(run)) for name, run in runs.items()) if span is not None}
    if not spans:
        return "Seconds are wall clock; which trainings ran side by side was not recorded."
    beside = sum(
        any(begun < end and start < ended for other, (begun, ended) in spans.items() if other != name)
        for name, (start, end) in spans.items()
    )
    if not beside:
        return "Seconds are wall clock, of one training at a time."
    return (
        f"Seconds are wall clock: {beside} of {len(spans)} trainings ran while another did, and are slower for it. "
        "Speeds are compared in images per second, measured with nothing beside them."
    )


def _span(run: Run) -> tuple[datetime, datetime] | None:
    """When a training ran, as far as it was recorded: from its end backwards."""
    if "ended" not in run.train or run.trained_seconds is None:
        return None
    ended = datetime.fromisoformat(run.train["ended"])
    return ended - timedelta(seconds=run.trained_seconds), ended


def sentence(text: str) -> str:
    """The same with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def seeds_text(study: Study) -> str:
    """What the small numbers below the large ones mean, with the number of seeds."""
    counts = sorted({line.metrics[study.primary].seeds for _, line in best_against_best(study)})
    if not counts:
        return "nothing evaluated yet"
    if counts == [1]:
        return "n = 1 seed: no interval can be shown"
    span = "–".join(str(count) for count in sorted({counts[0], counts[-1]}))
    return f"n = {span} seeds: mean, below it the 95% interval, seeds and images resampled"
