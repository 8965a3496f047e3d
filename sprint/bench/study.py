"""Measured throughput: training steps of both stages and sampling, medians over repeats, with nothing else running.

    sprint bench study methods --preset digits

Runs of a study take turns, repeat by repeat, so that a machine that slows down slows all of them.
"""

from collections.abc import Callable
from pathlib import Path

import torch

from sprint import data
from sprint.bench import clock
from sprint.bench.sampling import fastest, one_step, ways
from sprint.diffusion.guidance import compared_kinds
from sprint.methods import METHODS, YARDSTICK
from sprint.plan.schedule import sparse_steps
from sprint.plan.schema import Measuring, Run, Study
from sprint.runtime import provenance
from sprint.runtime.files import write_json
from sprint.training.batches import draw_batch
from sprint.training.step import State, start, train_step


def measure_study(study: Study, measuring: Measuring, threads: int, out: Path) -> dict:
    """Measure one run per setting (seeds cost the same) and write `out`."""
    torch.set_num_threads(threads)
    chosen = {_setting(run): run for run in reversed(study.runs)}
    images = data.load(study.runs[0].data, study.runs[0].image_size)
    tasks = {
        ((key, name), way): once
        for key, run in chosen.items()
        for (name, way), once in _tasks(run, images, measuring).items()
    }
    seconds = clock.in_turns(tasks, measuring.repeats, "measuring throughput")
    rates: dict[str, dict] = {key: {} for key in chosen}
    for (key, name), (way, taken) in fastest(seconds).items():
        rates[key][name] = clock.spread([measuring.batch / one for one in taken]) | ({"calls": way} if way else {})
    result = {
        "study": study.name,
        "machine": provenance.machine(),
        "threads": threads,
        "batch": measuring.batch,
        "base": YARDSTICK,
        "unit": "images per second",
        "peak_memory_bytes": provenance.peak_memory(),
        "runs": {run.name: rates[_setting(run)] for run in study.runs},
    }
    write_json(out, result)
    return result


def _setting(run: Run) -> str:
    return run.name.replace(f"-seed{run.seed}-{run.hash}", "")


def _tasks(run: Run, images: data.Images, measuring: Measuring) -> dict[tuple[str, str], Callable[[], object]]:
    """What is timed of a run, by name and, where there are several, way: each call handles one batch."""
    state = start(run)
    steps = {"train": 0, "finetune": run.train.steps - 1}
    if sparse_steps(run) in (0, run.train.steps):
        steps.pop("train" if sparse_steps(run) == 0 else "finetune")
    tasks = {(stage, ""): _stepper(run, state, images, step) for stage, step in steps.items()}
    for kind in compared_kinds(METHODS[run.method]):
        for way in ways(kind):
            tasks[f"sample_{kind}", way] = one_step(state.model.image, run, kind, measuring.batch, way)
    return tasks


def _stepper(run: Run, state: State, images: data.Images, step: int) -> Callable[[], None]:
    def once() -> None:
        train_step(run, state, state.model, draw_batch(run, images, step, state.model.method.skip_rate))

    return once
