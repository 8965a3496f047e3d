"""How long the runs of a preset will take on this machine: a real training step is timed, the rest follows from FLOPs.

What is left out (extractors, features, the report) takes minutes; that is said beside the number.
"""

import os
from dataclasses import dataclass, replace

import torch

from sprint.bench import clock
from sprint.bench.training import Trainer
from sprint.methods import YARDSTICK
from sprint.plan.budget import cost_of
from sprint.plan.network import model_config
from sprint.plan.reading import Entry, make_run
from sprint.plan.schema import Preset, Run, Study
from sprint.runtime.progress import track

REPEATS = 3
MANY = 256  # tokens an image, above which a CPU is slow
LONG = 15 * 60  # seconds of one run that are said to be long


@dataclass(frozen=True)
class Forecast:
    """Seconds, and what they are assumed from."""

    step: float  # of a training step of the dense network
    first: float  # the dense run: training and evaluation
    every: float  # every run of the preset's studies, as many at once as there are cores for
    runs: int
    tokens: int
    assumption: str


def forecast(preset: Preset, studies: list[Study]) -> Forecast:
    """Time one step of the dense network, and count FLOPs for everything else."""
    dense = make_run(preset, Entry(YARDSTICK), preset.seeds[0], "forecast")
    before = torch.get_num_threads()
    torch.set_num_threads(preset.train.threads)
    try:
        trainer = Trainer(dense)
        trainer.step_with_data()
        step = sorted(
            clock.timed(trainer.step_with_data) for _ in track(range(REPEATS), "timing a training step", REPEATS)
        )[REPEATS // 2]
    finally:
        torch.set_num_threads(before)
    rate = cost_of(dense)["train_flops_per_image"] * dense.train.batch / step
    runs = {run.name: run for study in studies for run in study.runs}
    graphics = torch.cuda.is_available()
    beside = 1 if graphics else max(1, (os.cpu_count() or 1) // (preset.train.threads * preset.devices))
    every = sum(seconds_of(run, preset, rate) for run in runs.values()) / max(1, min(beside, len(runs)))
    assumption = (
        f"a dense training step of {dense.train.batch} images took {step:.3g} s here on {preset.train.threads} "
        f"thread{'s' * (preset.train.threads > 1)}; all else by FLOPs at that rate, {beside} run"
        f"{'s' * (beside > 1)} at a time; extractors and the report come on top"
    )
    return Forecast(
        step, seconds_of(dense, preset, rate), every, len(runs), model_config(dense).backbone.tokens, assumption
    )


def seconds_of(run: Run, preset: Preset, rate: float) -> float:
    """Training and evaluation of a run at so many FLOPs a second."""
    cost, evaluate = cost_of(run), preset.evaluate
    guided = sum(len(guidance.calls()) for guidance in evaluate.guidance)
    images = evaluate.images * (len(run.train.milestones) - 1 + guided)  # earlier milestones are sampled unguided
    calls = sum(evaluate.sampler.calls(*step) for step in evaluate.sampler.times(_evenly))
    return (cost["train_flops"] + images * calls * 2 * cost["forward_macs"]) / rate


def _evenly(first: float, last: float, count: int) -> list[float]:
    return [first + (last - first) * place / (count - 1) for place in range(count)]


def warning(run: Run, preset: Preset) -> str:
    """A sentence where a run of many tokens will take long on a CPU; "" elsewhere. Takes the time of a few steps."""
    tokens = model_config(run).backbone.tokens
    if tokens <= MANY or torch.cuda.is_available():
        return ""
    expected = forecast(replace(preset, train=run.train), [])
    if expected.first < LONG:
        return ""
    return (
        f"{tokens:,} tokens an image: about {duration(expected.first)} for a dense run with its evaluation "
        f"({expected.assumption}); twice the model.patch makes a quarter of the tokens"
    )


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
