"""`sprint forecast`: what the runs of a preset will take, before anything is trained."""

import json
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from sprint.bench.workload import works
from sprint.cost.forecast import Forecast, Speed, at_rate, forecast, from_file
from sprint.plan.reading import load_plan
from sprint.plan.schema import Preset
from sprint.runtime.errors import UserError
from sprint.runtime.progress import console


def print_forecast(
    study: str, preset: str, devices: int | None, rate: float | None, bench: Path | None, as_json: bool
) -> None:
    """Print the forecast of a study, or of the preset's core studies, and what it assumes."""
    if (rate is None) == (bench is None):
        raise UserError("forecast takes either --rate, TFLOP/s of a device, or --bench, a file of measured speeds")
    if rate is not None and rate <= 0:
        raise UserError(f"--rate is {rate:g}; allowed: a number of TFLOP/s above 0")
    plan = load_plan(preset, data_too=False)
    studies = [plan.study(name) for name in ([study] if study else plan.preset.studies)]
    count = devices or plan.preset.devices * plan.preset.nodes
    found = works(plan, studies, count)
    speed = at_rate(rate) if rate is not None else from_file(bench, found)
    rows = [forecast(work, speed) for work in found]
    said = assumptions(plan.preset, rows, speed, count)
    if as_json:
        runs = [{**asdict(row), "hours": row.hours} for row in rows]
        print(json.dumps({"devices": count, "runs": runs, "assumptions": said}, indent=1, ensure_ascii=False))
        return
    _print(rows, count)
    for number, sentence in enumerate(said, start=1):
        print(f"{number}. {sentence}")


def _print(rows: list[Forecast], devices: int) -> None:
    table = Table(
        "runs", "seeds", "training GPU-h", "sampling GPU-h", "all GPU-h", f"hours on {devices}", "memory GiB",
        "checkpoints GiB", "kept GiB", box=None, padding=(0, 2, 0, 0),
    )  # fmt: skip
    for label in dict.fromkeys(row.label for row in rows):
        alike = [row for row in rows if row.label == label]
        table.add_row(label, str(len(alike)), *_cells(alike, devices))
    table.add_row("all", str(len(rows)), *_cells(rows, devices))
    console().print(table)


def _cells(rows: list[Forecast], devices: int) -> list[str]:
    """Hours of runs together, the most memory and checkpoints of one, and what all of them keep."""
    hours = [sum(getattr(row, key) for row in rows) for key in ("training_hours", "evaluation_hours", "hours")]
    sizes = (max(row.memory for row in rows), max(row.checkpoints for row in rows), sum(row.kept for row in rows))
    return [f"{one:,.3g}" for one in (*hours, hours[-1] / devices)] + [f"{size / 2**30:,.3g}" for size in sizes]


def assumptions(preset: Preset, rows: list[Forecast], speed: Speed, devices: int) -> list[str]:
    """What the numbers stand on, a sentence each."""
    measured = sum(row.measured for row in rows)
    passes = preset.passes
    whole_part = f"at most {passes.micro_batch} images" if passes.micro_batch else f"1/{devices} of a batch"
    return [
        f"Speed: {speed.source}.",
        f"Of {len(rows)} runs {measured} were measured themselves; the others take the time of their FLOPs.",
        f"{devices} devices share a run evenly and lose nothing by it; runs follow each other.",
        "Sampling: every evaluation of the preset and its studies; decoding, features, metrics, encoding of data and "
        "trained extractors come on top.",
        f"Memory: 20 bytes a parameter (itself, average, moments, gradient in float32) and the activations of "
        f"{whole_part}{', computed again in the backward pass' if passes.recompute else ''}; kernels' buffers and the "
        "allocator's waste come on top.",
        "Checkpoints: two of 16 bytes a parameter and one being written, of the run that is being trained; memory "
        "and checkpoints of several runs are those of the largest.",
        "Kept: the averaged weights of each milestone in float32, and of each evaluation its features and the pictures "
        "that are shown.",
        _of_data(preset),
    ]


def _of_data(preset: Preset) -> str:
    """Bytes of the data set, where it is there to be asked."""
    examples = preset.examples()
    try:
        count = len(examples)
    except UserError as error:
        return f"Data: their size is not known before they are there ({str(error).partition(';')[0]})."
    size = examples.data_set.channels * examples.data_set.size**2
    return f"Data: {count:,} examples of {size:,} numbers, {count * size / 2**30:.3g} GiB for each byte of a number."
