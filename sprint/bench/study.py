"""Measured throughput: training steps of both stages and sampling, medians over repeats, with nothing else running.

    sprint bench methods --preset digits

Runs of a study take turns, repeat by repeat, so that a machine that slows down slows all of them.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from sprint import data, provenance
from sprint.batches import draw_batch, sparse_steps
from sprint.config import Measuring, Run, Study
from sprint.files import write_json
from sprint.guidance import Guidance, Guided
from sprint.methods import find
from sprint.progress import track
from sprint.sample import Sampler, sample
from sprint.train import State, device, start, train_step


def measure_study(study: Study, measuring: Measuring, threads: int, out: Path) -> dict:
    """Measure one run per setting (seeds cost the same) and write `out`."""
    torch.set_num_threads(threads)
    chosen = {_setting(run): run for run in reversed(study.runs)}
    images = data.load(study.runs[0].data, study.runs[0].image_size)
    tasks = {key: _tasks(run, images, measuring) for key, run in chosen.items()}
    rates = _in_turns(tasks, measuring)
    result = {
        "study": study.name,
        "machine": provenance.machine(),
        "threads": threads,
        "batch": measuring.batch,
        "unit": "images per second",
        "peak_memory_bytes": provenance.peak_memory(),
        "runs": {run.name: rates[_setting(run)] for run in study.runs},
    }
    write_json(out, result)
    return result


def _setting(run: Run) -> str:
    return run.name.replace(f"-seed{run.seed}-{run.hash}", "")


def _tasks(run: Run, images: data.Images, measuring: Measuring) -> dict[str, Callable[[], None]]:
    """What is timed of a run, by name: each call handles one batch."""
    state = start(run)
    tasks = {"train": _stepper(run, state, images, 0), "finetune": _stepper(run, state, images, run.train.steps - 1)}
    if sparse_steps(run) in (0, run.train.steps):
        tasks.pop("train" if sparse_steps(run) == 0 else "finetune")
    for kind in ("none", "cfg", *(["pdg"] if find(run.method).can_skip else [])):
        field = Guided(state.model.image, Guidance(kind, 1.5), images.classes)
        tasks[f"sample_{kind}"] = _sampler(field, images, measuring.batch)
    return tasks


def _stepper(run: Run, state: State, images: data.Images, step: int) -> Callable[[], None]:
    def once() -> None:
        train_step(run, state, state.model, draw_batch(run, images, step, state.model.method.skip_rate))

    return once


def _sampler(field: Guided, images: data.Images, batch: int) -> Callable[[], None]:
    def once() -> None:
        sample(field, Sampler("euler", 1), 0, 0, batch, images.pixels.shape[1:], device())

    return once


def _in_turns(tasks: dict[str, dict[str, Callable]], measuring: Measuring) -> dict[str, dict]:
    """Median, lowest and highest images per second of each task, the first round not counted."""
    seconds = {key: {name: [] for name in named} for key, named in tasks.items()}
    for round_number in track(range(measuring.repeats + 1), "measuring throughput", measuring.repeats + 1):
        for key, named in tasks.items():
            for name, once in named.items():
                elapsed = _timed(once)
                if round_number:
                    seconds[key][name].append(elapsed)
    return {
        key: {name: _rate(measuring.batch, times) for name, times in named.items()} for key, named in seconds.items()
    }


def _timed(once: Callable[[], None]) -> float:
    began = time.perf_counter()
    once()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def _rate(batch: int, seconds: list[float]) -> dict[str, float]:
    median = statistics.median(seconds)
    return {
        "median": batch / median,
        "low": batch / max(seconds),
        "high": batch / min(seconds),
        "repeats": len(seconds),
    }
