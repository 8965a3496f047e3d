"""Training steps measured, method by method, in turns with the yardstick and beside what the model of cost says.

sprint bench train --model S/2 --batch 8
sprint bench scaling --preset digits
"""

import gc
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from sprint.bench import clock
from sprint.bench.parts import seconds_by_part
from sprint.bench.plain import PlainTraining
from sprint.cost.papers import LATENT_CHANNELS, latent_size
from sprint.data import USUAL_CODEC
from sprint.methods import METHODS, YARDSTICK
from sprint.nn.backbones import BACKBONES, USUAL
from sprint.nn.sizes import parse
from sprint.plan.budget import cost_of
from sprint.plan.network import model_config
from sprint.plan.reading import Entry, make_run
from sprint.plan.schema import Preset, Run
from sprint.runtime import provenance
from sprint.runtime.errors import UserError
from sprint.runtime.files import write_json
from sprint.training.batches import draw_batch
from sprint.training.step import State, device, start, train_step

CLASSES, IMAGES = 1000, 1024  # of the random data that stands in for latents of ImageNet


class Trainer:
    """A run at its first step, whose steps can be timed."""

    def __init__(self, run: Run):
        self.run, self.state = run, start(run)
        self.examples = run.examples()
        self.network = torch.compile(self.state.model) if run.train.compile else self.state.model
        self.batch = self.draw()

    def draw(self):
        """The inputs of the first step, drawn anew."""
        return draw_batch(self.run, self.examples, 0, self.state.model.method.skip_rate)

    def step(self) -> None:
        """One step on inputs that lie ready."""
        train_step(self.run, self.state, self.network, self.batch)

    def step_with_data(self) -> None:
        """One step, its inputs drawn first, its loss read."""
        train_step(self.run, self.state, self.network, self.draw()).item()

    def parts(self) -> dict[str, float]:
        return seconds_by_part(self.run, self.state, self.batch)


def with_batch(preset: Preset, batch: int) -> Preset:
    """The preset with that many images a step, in both stages."""
    return replace(preset, train=replace(preset.train, batch=batch, finetune_batch=batch))


def at_size(preset: Preset, model: str, resolution: int, batch: int) -> Preset:
    """The preset's schedule on a network of published size and random latents. Raises UserError for what cannot be."""
    depth, width, heads, patch = parse(model)
    return replace(
        with_batch(preset, batch),
        data={"name": "noise", "channels": LATENT_CHANNELS, "classes": CLASSES, "images": IMAGES},
        codec=USUAL_CODEC,
        image_size=latent_size(resolution, patch),
        model=BACKBONES[USUAL](width, depth, heads, patch, "sincos", False),
        methods={},
    )


def on_this_machine(preset: Preset, compiled: bool | None) -> Preset:
    """The same in bfloat16 and compiled where there is a GPU, as training there is; `compiled` overrules."""
    graphics = torch.cuda.is_available()
    precision = "bfloat16" if graphics else preset.train.precision
    compiled = graphics if compiled is None else compiled
    return replace(preset, train=replace(preset.train, precision=precision, compile=compiled))


def runs_of(preset: Preset, methods: list[str], drop: float) -> tuple[list[Run], list[dict]]:
    """A run of each method but the base at a drop ratio, and those that cannot be with their reasons.

    Raises UserError where a method that was asked for cannot be, or none can.
    """
    runs, impossible = [], []
    for method in [name for name in methods or METHODS if name != YARDSTICK]:
        try:
            runs.append(make_run(preset, Entry(method, drop), 0, method))
        except UserError as error:
            if methods:
                raise
            impossible.append({"method": method, "drop": drop, "reason": str(error)})
    if impossible and not runs:
        raise UserError(impossible[0]["reason"])
    return runs, impossible


def bench_train(preset: Preset, methods: list[str], drop: float, repeats: int, threads: int, out: Path) -> dict:
    """Measure the plain baseline and each method in turns with the yardstick; write and return what was found."""
    torch.set_num_threads(threads)
    preset = fitting(preset, methods, drop)
    base = make_run(preset, Entry(YARDSTICK), 0, YARDSTICK)
    runs, impossible = runs_of(preset, methods, drop)
    result = {
        **about(base, threads, "train"),
        "plain": [plain_row(base, fused, repeats) for fused in (False, True)],
        "rows": [row(base, run, repeats) for run in (base, *runs)],
        "impossible": impossible,
    }
    write_json(out, result)
    return result


def fitting(preset: Preset, methods: list[str], drop: float) -> Preset:
    """The preset with its batch halved until a step of every method fits a GPU's memory; on a CPU as it is."""
    if not torch.cuda.is_available():
        return preset

    def attempt(batch: int) -> None:
        smaller = with_batch(preset, batch)
        for run in [make_run(smaller, Entry(YARDSTICK), 0, YARDSTICK), *runs_of(smaller, methods, drop)[0]]:
            trainers = Trainer(run), Trainer(run)  # as many as are measured in turns
            trainers[0].step()
            del trainers

    return with_batch(preset, clock.largest_batch(attempt, preset.train.batch))


def about(run: Run, threads: int, what: str) -> dict:
    """What was measured, on what, where all rows are of one scale."""
    return {**conditions(run, threads, what), **scale_of(run), "image_size": run.image_size}


def conditions(run: Run, threads: int, what: str) -> dict:
    """The same where each row has a scale of its own."""
    return {
        **provenance.measurement(what, threads),
        "model": vars(run.model),
        "precision": run.train.precision,
        "compiled": run.train.compile,
        "base": METHODS[YARDSTICK].title,
        "matrix_flops_per_second": clock.matrix_rate(run.train.precision),
    }


def scale_of(run: Run) -> dict:
    """Tokens of an image and images of a step."""
    return {"tokens": model_config(run).backbone.tokens, "batch": run.train.batch}


def row(base: Run, run: Run, repeats: int) -> dict:
    """A run's sparse training step in turns with the base's: seconds, speed-up measured and modelled, parts, memory."""
    first, other = Trainer(base), Trainer(run)
    seconds = clock.in_turns({"base": first.step, "step": other.step}, repeats, f"measuring {run.label}")
    drawing = clock.in_turns({"data": other.draw}, repeats, f"measuring how {run.label} draws its data")
    flops, base_flops = (cost_of(one)["train_flops_per_image"] for one in (run, base))
    found = {
        **measured(seconds, run, flops),
        "speedup_modelled": base_flops / flops,
        "data_seconds": clock.summary(drawing["data"]),
        "parts_seconds": median_parts(other.parts, repeats),
        "state_bytes": state_bytes(other.state),
        "working_bytes": clock.working_bytes(other.step),
    }
    release(first, other)
    return found


def measured(seconds: dict[str, list[float]], run: Run, flops: int) -> dict:
    """What the times of a run's steps, and of the base's in turns with them, say."""
    step = clock.summary(seconds["step"])
    ratios = [base / own for base, own in zip(seconds["base"], seconds["step"], strict=True)]
    return {
        "label": run.label,
        "method": run.method,
        "drop": run.drop,
        **scale_of(run),
        "step_seconds": step,
        "first_step_seconds": seconds["step"][0],  # compilation, where there is one, is in this one alone
        "base_step_seconds": clock.summary(seconds["base"]),
        "base_images_per_second": run.train.batch / statistics.median(seconds["base"][1:]),
        "images_per_second": run.train.batch / step["median"],
        "flops_per_image": flops,
        "flops_per_second": flops * run.train.batch / step["median"],
        "speedup_measured": clock.summary(ratios),
    }


def plain_row(base: Run, fused: bool, repeats: int) -> dict:
    """The plain baseline in turns with the yardstick."""
    first, plain = Trainer(base), PlainTraining(model_config(base), fused, base.train, device())
    tasks = {"base": first.step, "step": lambda: plain.step(first.batch)}
    seconds = clock.in_turns(tasks, repeats, "measuring the plain baseline")
    release(first, plain)
    label = f"plain eager DiT, {'fused attention' if fused else 'attention written out'}"
    flops = cost_of(base)["train_flops_per_image"]
    return {**measured(seconds, base, flops), "label": label, "method": "plain", "speedup_modelled": 1.0}


def median_parts(once: Callable[[], dict[str, float]], repeats: int) -> list[tuple[str, float]]:
    """Each part with its median seconds, the first time not counted, in the order in which they begin."""
    taken = [once() for _ in range(repeats + 1)][1:]
    return [(name, statistics.median(parts[name] for parts in taken)) for name in taken[0]]


def state_bytes(state: State) -> int:
    """Parameters, their average and the optimiser's moments."""
    kept = [value for values in state.optimizer.state.values() for value in values.values()]
    tensors = [*state.model.parameters(), *state.average, *kept]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def release(*trainers: object) -> None:
    """Give memory back before the next two are built."""
    for trainer in trainers:
        vars(trainer).clear()
    gc.collect()
    torch.compiler.reset()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
