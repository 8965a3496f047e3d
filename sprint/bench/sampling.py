"""Sampling steps measured, guidance by guidance in turns, beside what the model of cost says.

sprint bench sample --model S/2 --batch 8
"""

from collections.abc import Callable
from pathlib import Path

import torch

from sprint.bench import clock
from sprint.bench.training import BASE, about, release, runs_of
from sprint.data import facts
from sprint.diffusion.guidance import Guidance, Guided
from sprint.diffusion.sample import Sampler, sample
from sprint.plan.budget import cost_of
from sprint.plan.reading import Entry, make_run
from sprint.plan.schema import Preset, Run
from sprint.runtime.files import write_json
from sprint.training.step import device, start

SCALE = 1.5  # of every guidance; moves no time
AGAINST = "cfg"  # the guidance that others are faster than


def one_step(network, run: Run, kind: str, batch: int) -> Callable[[], object]:
    """A call that takes `batch` images one Euler step from noise under a guidance."""
    channels, classes = facts(run.data)
    field, size = Guided(network, Guidance(kind, SCALE), classes), (channels, run.image_size, run.image_size)
    return lambda: sample(field, Sampler("euler", 1), 0, 0, batch, size, device())


def bench_sample(preset: Preset, methods: list[str], drop: float, repeats: int, threads: int, out: Path) -> dict:
    """Measure each method's sampling step under each guidance; write and return what was found."""
    torch.set_num_threads(threads)
    base = make_run(preset, Entry(BASE), 0, BASE)
    runs, impossible = runs_of(preset, methods, drop)
    rows = [row for run in [base, *runs] for row in _rows(run, repeats)]
    result = {**about(base, threads, "sample"), "rows": rows, "impossible": impossible}
    write_json(out, result)
    return result


def _rows(run: Run, repeats: int) -> list[dict]:
    state, batch, flops = start(run), run.train.batch, cost_of(run)["sampling_flops_per_step"]
    network = torch.compile(state.model.image) if run.train.compile else state.model.image
    tasks = {kind: one_step(network, run, kind, batch) for kind in flops}
    seconds = clock.in_turns(tasks, repeats, f"measuring sampling of {run.label}")
    rows = [
        {
            "label": run.label,
            "method": run.method,
            "guidance": kind,
            "batch": batch,
            "step_seconds": clock.spread(taken),
            "first_step_seconds": taken[0],
            "images_per_second": batch / clock.spread(taken)["median"],  # one step each
            "flops_per_image": flops[kind],
            "speedup_measured": clock.spread([of / own for of, own in zip(seconds[AGAINST], taken, strict=True)]),
            "speedup_modelled": flops[AGAINST] / flops[kind],
            "working_bytes": clock.working_bytes(tasks[kind]),
        }
        for kind, taken in seconds.items()
    ]
    release(state)
    return rows
