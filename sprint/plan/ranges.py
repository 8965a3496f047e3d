"""What values a preset and a training may have, beyond their types: ranges, names, and what must fit together."""

import itertools
import math
from pathlib import Path

from sprint.cost.flops import attended, on_meta
from sprint.methods import METHODS
from sprint.metrics.extractors import allowed, extractor_named
from sprint.plan.network import model_config
from sprint.plan.schema import Drawing, Preset, Run, Training
from sprint.runtime.distributed import refuse_uneven
from sprint.runtime.errors import UserError
from sprint.runtime.strict import build, checked, describe, inside

MOST_TOKENS = 1 << 20
MOST_MILESTONES = 100  # each is evaluated


def check_preset(preset: Preset, location: str, data_too: bool = True) -> None:
    """Raise UserError for what is not possible in a preset; `location` is its file."""
    examples = preset.examples(location)
    if data_too:
        checked(f"{location}: data", examples.check)
    checked(f"{location}: model", lambda: preset.model.check(examples.size), ".")
    if preset.passes.recompute and not preset.model.repeatable:
        raise UserError(
            f"{location}: passes.recompute is true; allowed for backbone {preset.model.kind()!r}, whose blocks change "
            "more than their tokens: false"
        )
    check_training(preset.train, location)
    _check_stages(preset.train, location)
    check_shares(preset, preset.train, location)
    _check_cluster(preset, location)
    _check_miniature(preset, location)
    check_tokens(preset.measure.tokens, f"{location}: measure.tokens")
    if not preset.seeds or len(set(preset.seeds)) != len(preset.seeds):
        raise UserError(
            f"{location}: seeds is {describe(preset.seeds)}; allowed: a list of one or more different whole numbers"
        )
    _check_tuning_seeds(preset, location)
    if data_too:
        _check_held_out(preset, len(examples.data_set.held_out()) if preset.evaluate.held_out else 0, location)
    for key, found in (("studies", preset.studies), ("evaluate.guidance", preset.evaluate.guidance)):
        if not found:
            raise UserError(f"{location}: {key} is []; allowed: a list of at least one")
    for name in preset.studies:
        if preset.studies.count(name) > 1:
            raise UserError(f"{location}: studies names {describe(name)} twice; allowed: each study once")
    _check_extractors(preset.evaluate.extractors, f"{location}: evaluate.extractors")
    _check_references(preset, f"{location}: evaluate.references", data_too)
    checked(f"{location}: evaluate.sampler", preset.evaluate.sampler.check)
    for name, settings in preset.methods.items():
        place = inside(f"{location}: methods", str(name))
        build(checked(place, lambda name=name: METHODS[str(name)]).Settings, settings, place)


def _check_tuning_seeds(preset: Preset, location: str) -> None:
    """Raise UserError where a seed of the tuning would be one of those whose results are reported."""
    both = sorted({*preset.seeds} & {*preset.tuning_seeds})
    if both or not preset.tuning_seeds:
        found = f"holds {both[0]}, which is one of seeds" if both else "is []"
        raise UserError(
            f"{location}: tuning_seeds {found}; allowed: one or more whole numbers that are used for nothing else"
        )


def _check_held_out(preset: Preset, there: int, location: str) -> None:
    if preset.evaluate.held_out > there:
        raise UserError(
            f"{location}: evaluate.held_out is {preset.evaluate.held_out}; allowed: at most {there}, the images of its "
            "data that no training sees"
        )


def check_tokens(tokens: list[int], location: str) -> None:
    """Raise UserError for what are no numbers of tokens of square grids."""
    for count in tokens:
        in_range(count, 1, MOST_TOKENS, location)
    if not tokens or sorted(set(tokens)) != tokens or any(math.isqrt(count) ** 2 != count for count in tokens):
        raise UserError(f"{location} is {describe(tokens)}; allowed: rising square numbers, such as 64, 256")


def check_training(train: Training, location: str) -> None:
    """Raise UserError for what is not possible in a schedule; `location` is the place of its key, train."""
    place, shares = inside(location, "train.milestones"), train.milestones
    if sorted(set(shares)) != shares or shares[-1:] != [1.0]:
        raise UserError(f"{place} is {describe(shares)}; allowed: rising shares of the steps that end in 1")
    in_range(shares[0], 1e-9, 1, place)
    if len(shares) > MOST_MILESTONES:
        raise UserError(f"{place} holds {len(shares)} shares; allowed: at most {MOST_MILESTONES}, as each is evaluated")
    for before, after in itertools.pairwise(shares):
        if (step := train.milestone_step(before)) == train.milestone_step(after):
            raise UserError(
                f"{place}: {before:g} and {after:g} of {train.steps} steps are both step {step}; "
                "allowed: shares that end at different steps"
            )
    for key in ("warmup", "finetune_warmup"):
        if (warmup := getattr(train, key)) > train.steps:
            raise UserError(
                f"{inside(location, f'train.{key}')} is {warmup}; allowed: at most {train.steps}, the steps"
            )


def _check_stages(train: Training, location: str) -> None:
    """Raise UserError where a stage of the preset ends before its warm-up does. (Studies may shorten a stage.)"""
    own = "warmup" if train.finetune_warmup < 0 else "finetune_warmup"
    stages = {
        "pre-training": ("warmup", train.warmup, train.sparse_steps),
        "fine-tuning": (own, train.warmup_of_finetuning, train.steps - train.sparse_steps),
    }
    for stage, (key, warmup, steps) in stages.items():
        if 0 < steps < warmup:
            raise UserError(
                f"{inside(location, f'train.{key}')} is {warmup}; allowed: at most {steps}, the steps of {stage}"
            )


def check_shares(preset: Preset, train: Training, location: str) -> None:
    """Raise UserError for batches that the preset's processes cannot share evenly."""
    sizes = {"batch": train.batch, "finetune_batch": train.finetune_batch}
    refuse_uneven(sizes, preset.devices * preset.nodes, inside(location, "train."))


def _check_cluster(preset: Preset, location: str) -> None:
    if 0 < preset.cluster.gpus < preset.devices:
        raise UserError(
            f"{location}: cluster.gpus is {preset.cluster.gpus}; allowed: 0, or one for each of {preset.devices} "
            "devices"
        )


def _check_miniature(preset: Preset, location: str) -> None:
    """Raise UserError where what the workflow makes is not what the preset reads."""
    for part, key in (("latents", "data"), ("autoencoder", "codec")):
        made, read = f"results/{preset.name}/{part}", getattr(preset, key).get("path")
        if preset.miniature.pictures and read != made:
            raise UserError(
                f"{location}: {key}.path is {describe(read)}; allowed with miniature: {made!r}, which it makes"
            )


def check_evaluating(preset: Preset, run: Run, location: str) -> None:
    """Raise UserError where a run cannot do a guidance or an attention with which the preset evaluates every one."""
    for number, guidance in enumerate(preset.evaluate.guidance):
        drawing = Drawing(guidance, preset.evaluate.attention)
        refuse_drawing(drawing, run, f"{location}: evaluate.guidance[{number}]", f"{location}: evaluate.attention")


def refuse_drawing(drawing: Drawing, run: Run, place: str, attention_place: str) -> None:
    """Raise UserError where a run cannot do a guidance, or its network under it is none that the attention serves."""
    guidance, examples = drawing.guidance, run.examples()
    grid = examples.size // run.model.patch
    if guidance.channels > examples.channels:
        raise UserError(
            f"{inside(place, 'channels')} is {guidance.channels}; allowed: 0, which is all, to {examples.channels}"
        )
    checked(place, lambda: guidance.check(METHODS[run.method], run.train.milestones, grid))
    if not drawing.attention.is_usual:
        sizes = attended(on_meta(model_config(run)), guidance)
        checked(attention_place, lambda: drawing.attention.check(sizes), ".")


def _check_extractors(names: list[str], location: str) -> None:
    if not names or len(set(names)) != len(names):
        raise UserError(f"{location} is {describe(names)}; allowed: one or more of {allowed()}")
    for name in names:
        checked(location, lambda name=name: extractor_named(name))


def _check_references(preset: Preset, location: str, data_too: bool) -> None:
    for name, path in preset.evaluate.references.items():
        place = inside(location, str(name))
        if name not in preset.evaluate.extractors:
            listed = ", ".join(preset.evaluate.extractors)
            raise UserError(f"{location} names {describe(name)}; allowed: extractors of the preset, {listed}")
        if not isinstance(path, str) or not path.endswith(".npz"):
            raise UserError(f"{place} is {describe(path)}; allowed: an .npz file of mu and sigma of its features")
        if data_too and not Path(path).is_file():
            raise UserError(f"{place} is {describe(path)}; there is no such file")


def in_range(value: float, low: float, high: float, location: str) -> None:
    """Raise UserError unless low <= value <= high."""
    if not low <= value <= high:
        raise UserError(f"{location} is {value}; allowed: {low:g} to {high:g}")


def one_of(value: str, allowed: tuple[str, ...], location: str) -> None:
    """Raise UserError unless the value is allowed."""
    if value not in allowed:
        raise UserError(f"{location} is {describe(value)}; allowed: {', '.join(allowed)}")
