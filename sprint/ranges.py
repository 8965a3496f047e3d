"""What values a preset and a training may have, beyond their types: ranges, names, and what must fit together."""

import math

from sprint import data
from sprint.config import Preset, Training
from sprint.devices import refuse_uneven
from sprint.errors import UserError
from sprint.methods import find
from sprint.metrics import extractors
from sprint.strict import build, convert, describe, inside, refuse_unknown

POSITIONS = ("sincos", "rope2d")
PRECISIONS = ("float32", "bfloat16")
MOST_TOKENS = 1 << 20
RANGES = {  # lowest and highest value allowed, both included
    "image_size": (1, 1 << 16),
    "extractor_steps": (0, 1 << 24),
    "model.width": (4, 1 << 16),
    "model.depth": (1, 1 << 10),
    "model.heads": (1, 1 << 10),
    "model.patch": (1, 1 << 10),
    "train.steps": (1, 1 << 40),
    "train.finetune": (0, 1),
    "train.batch": (1, 1 << 20),
    "train.finetune_batch": (1, 1 << 20),
    "train.learning_rate": (1e-12, 10),
    "train.finetune_learning_rate": (1e-12, 10),
    "train.warmup": (0, 1 << 40),
    "train.ema": (0, 1),
    "train.clip": (1e-12, 1e12),
    "train.weight_decay": (0, 10),
    "train.label_drop": (0, 1),
    "train.checkpoint_every": (1, 1 << 40),
    "train.threads": (1, 1 << 10),
    "evaluate.images": (2, 1 << 24),
    "evaluate.batch": (1, 1 << 20),
    "evaluate.grid": (1, 1 << 10),
    "measure.batch": (1, 1 << 20),
    "measure.repeats": (1, 1 << 10),
    "devices": (1, 1 << 10),
    "nodes": (1, 1 << 14),
    "cluster.gpus": (0, 1 << 10),
    "cluster.processors": (0, 1 << 14),
    "cluster.memory": (0, 1 << 30),
    "cluster.minutes": (0, 1 << 24),
}


def check_preset(preset: Preset, where: str, data_too: bool = True) -> None:
    """Raise UserError for what is not possible in a preset; `where` is its file."""
    for key, (low, high) in RANGES.items():
        value = preset
        for part in key.split("."):
            value = getattr(value, part)
        in_range(value, low, high, f"{where}: {key}")
    _check_backbone(preset, where)
    check_training(preset.train, where)
    check_shares(preset, preset.train, where)
    _check_cluster(preset, where)
    _check_tokens(preset.measure.tokens, f"{where}: measure.tokens")
    if not preset.seeds or len(set(preset.seeds)) != len(preset.seeds):
        raise UserError(
            f"{where}: seeds is {describe(preset.seeds)}; allowed: a list of one or more different whole numbers"
        )
    for key, found in (("studies", preset.studies), ("evaluate.guidance", preset.evaluate.guidance)):
        if not found:
            raise UserError(f"{where}: {key} is []; allowed: a list of at least one")
    _check_extractors(preset.evaluate.extractors, f"{where}: evaluate.extractors")
    checked(f"{where}: evaluate.sampler", preset.evaluate.sampler.check)
    checked(f"{where}: data", lambda: _check_data(preset, data_too))
    for name, settings in preset.methods.items():
        place = inside(f"{where}: methods", str(name))
        build(checked(place, lambda name=name: find(str(name))).Settings, settings, place)


def _check_backbone(preset: Preset, where: str) -> None:
    model = preset.model
    one_of(model.positions, POSITIONS, f"{where}: model.positions")
    if preset.image_size % model.patch:
        raise UserError(f"{where}: model.patch is {model.patch}; allowed: a divisor of image_size {preset.image_size}")
    if model.width % (4 * model.heads):
        raise UserError(f"{where}: model.width is {model.width}; allowed: a multiple of 4 x heads = {4 * model.heads}")


def _check_tokens(tokens: list[int], where: str) -> None:
    for count in tokens:
        in_range(count, 1, MOST_TOKENS, where)
    if not tokens or sorted(set(tokens)) != tokens or any(math.isqrt(count) ** 2 != count for count in tokens):
        raise UserError(f"{where} is {describe(tokens)}; allowed: rising square numbers, such as 64, 256")


def check_training(train: Training, where: str) -> None:
    """Raise UserError for what is not possible in a schedule; `where` is the place of its key, train."""
    for key, (low, high) in RANGES.items():
        place, _, name = key.partition(".")
        if place == "train":
            in_range(getattr(train, name), low, high, inside(where, key))
    one_of(train.precision, PRECISIONS, inside(where, "train.precision"))
    if sorted(set(train.milestones)) != train.milestones or train.milestones[-1:] != [1.0]:
        raise UserError(
            f"{inside(where, 'train.milestones')} is {describe(train.milestones)}; "
            "allowed: rising shares of the steps that end in 1"
        )
    in_range(train.milestones[0], 1e-9, 1, inside(where, "train.milestones"))


def check_shares(preset: Preset, train: Training, where: str) -> None:
    """Raise UserError for batches that the preset's processes cannot share evenly."""
    sizes = {"batch": train.batch, "finetune_batch": train.finetune_batch}
    refuse_uneven(sizes, preset.devices * preset.nodes, inside(where, "train."))


def _check_cluster(preset: Preset, where: str) -> None:
    if 0 < preset.cluster.gpus < preset.devices:
        raise UserError(
            f"{where}: cluster.gpus is {preset.cluster.gpus}; allowed: 0, or one for each of {preset.devices} devices"
        )


def check_guidance(preset: Preset, method: str, where: str) -> None:
    """Raise UserError where `method` cannot do a guidance with which the preset judges every run."""
    for number, guidance in enumerate(preset.evaluate.guidance):
        checked(f"{where}: evaluate.guidance[{number}]", lambda guidance=guidance: guidance.check(method))


def _check_extractors(names: list[str], where: str) -> None:
    if not names or len(set(names)) != len(names):
        raise UserError(f"{where} is {describe(names)}; allowed: one or more of {', '.join(extractors.KNOWN)}")
    for name in names:
        checked(where, lambda name=name: extractors.check(name))


def _check_data(preset: Preset, images_too: bool) -> None:
    settings = dict(preset.data)
    reader = data.reader(settings.pop("name", "(none)"))
    refuse_unknown(settings, list(reader.SETTINGS), "settings")
    for key, kind in reader.SETTINGS.items():
        if key not in settings:
            raise UserError(f"{key} is missing")
        convert(kind, settings[key], key)
    if images_too:
        reader.check(settings, preset.image_size)


def in_range(value: float, low: float, high: float, where: str) -> None:
    """Raise UserError unless low <= value <= high."""
    if not low <= value <= high:
        raise UserError(f"{where} is {value}; allowed: {low:g} to {high:g}")


def one_of(value: str, allowed: tuple[str, ...], where: str) -> None:
    """Raise UserError unless the value is allowed."""
    if value not in allowed:
        raise UserError(f"{where} is {describe(value)}; allowed: {', '.join(allowed)}")


def checked(where: str, check):
    """check(), with `where` put before what it refuses."""
    try:
        return check()
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
