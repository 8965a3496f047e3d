"""Sampling steps measured, guidance by guidance in turns, beside what the model of cost says.

Calls that differ in their label alone can go through the network as one batch, others only apart. Each guidance is
timed in every way it can be made, the faster is reported, and which it was: else a comparison of guidances would be one
of batch sizes.

sprint bench sample --model S/2 --batch 8
"""

from collections.abc import Callable
from pathlib import Path

import torch

from sprint.bench import clock
from sprint.bench.training import about, release, runs_of
from sprint.diffusion import guidance as guidances
from sprint.diffusion.guidance import GUIDANCES
from sprint.diffusion.guided import Guided, batches
from sprint.diffusion.sample import sample
from sprint.diffusion.samplers import SAMPLERS
from sprint.methods import YARDSTICK
from sprint.plan.budget import cost_of
from sprint.plan.reading import Entry, make_run
from sprint.plan.schema import Preset, Run
from sprint.runtime.files import write_json
from sprint.training.step import device, start

SCALE = 1.5  # of every guidance; moves no time


TOGETHER, APART, ALONE = "one batch", "apart", "one call"  # how the calls of a guidance go through the network


def ways(kind: str) -> list[str]:
    """How the calls of a guidance can be made: all as one batch or more than one together, and each by itself."""
    calls = GUIDANCES[kind]().calls()
    if len(calls) == 1:
        return [ALONE]
    return [TOGETHER, APART] if len(batches(calls)) < len(calls) else [APART]


def one_step(network, run: Run, kind: str, batch: int, way: str) -> Callable[[], object]:
    """A call that takes `batch` images one Euler step from noise under a guidance, its calls made in one way."""
    examples = run.examples()
    guidance, grid = GUIDANCES[kind](scale=SCALE), examples.size // run.model.patch
    earlier = {call.weights: network for call in guidance.calls()}  # whatever they are, they take the same time
    field = Guided(network, guidance, examples.classes, grid, earlier, apart=way == APART)
    size = (examples.channels, examples.size, examples.size)
    return lambda: sample(field, SAMPLERS["euler"](steps=1), 0, 0, batch, size, device())


def fastest(seconds: dict) -> dict[object, tuple[str, list[float]]]:
    """By what was timed the way that took least, by its median, and its seconds; from those of every (what, way)."""
    found: dict[object, tuple[str, list[float]]] = {}
    for (what, way), taken in seconds.items():
        if what not in found or clock.summary(taken)["median"] < clock.summary(found[what][1])["median"]:
            found[what] = way, taken
    return found


def bench_sample(preset: Preset, methods: list[str], drop: float, repeats: int, threads: int, out: Path) -> dict:
    """Measure each method's sampling step under each guidance; write and return what was found."""
    torch.set_num_threads(threads)
    base = make_run(preset, Entry(YARDSTICK), 0, YARDSTICK)
    runs, impossible = runs_of(preset, methods, drop)
    rows = [row for run in [base, *runs] for row in _rows(run, repeats)]
    result = {**about(base, threads, "sample"), "rows": rows, "impossible": impossible}
    write_json(out, result)
    return result


def _rows(run: Run, repeats: int) -> list[dict]:
    state, batch, flops = start(run), run.train.batch, cost_of(run)["sampling_flops_per_step"]
    network = torch.compile(state.model.image) if run.train.compile else state.model.image
    tasks = {(kind, way): one_step(network, run, kind, batch, way) for kind in flops for way in ways(kind)}
    seconds = clock.in_turns(tasks, repeats, f"measuring sampling of {run.label}")
    best = fastest(seconds)
    rows = [
        {
            "label": run.label,
            "method": run.method,
            "guidance": kind,
            "calls": best[kind][0],
            "ways": {way: clock.summary(seconds[kind, way]) for way in ways(kind)},
            "batch": batch,
            "step_seconds": clock.summary(taken := best[kind][1]),
            "first_step_seconds": taken[0],
            "images_per_second": batch / clock.summary(taken)["median"],  # one step each
            "flops_per_image": flops[kind],
            "speedup_measured": clock.summary(
                [of / own for of, own in zip(best[guidances.YARDSTICK][1], taken, strict=True)]
            ),
            "speedup_modelled": flops[guidances.YARDSTICK] / flops[kind],
            "working_bytes": clock.working_bytes(tasks[kind, best[kind][0]]),
        }
        for kind in flops
    ]
    release(state)
    return rows
