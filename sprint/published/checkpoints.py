"""Published checkpoints as runs of this bench: a folder that sampling and evaluation take, with nothing left unsaid.

    sprint import CHECKPOINT --from sit --model XL/2 --out DIR

The model's size says what the weights cannot (heads, patch); the rest is read from their shapes. A missing, surplus or
misshapen tensor is named and refused.
"""

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from sprint.diffusion.denoiser import Model, ModelConfig
from sprint.methods import METHODS
from sprint.nn.backbones import BACKBONES, USUAL, Backbone
from sprint.nn.sizes import parse
from sprint.plan.schema import Run, Training
from sprint.published.codebases import CODEBASES, Codebase
from sprint.published.translate import translate
from sprint.published.weights import Weights, read_weights
from sprint.runtime.errors import UserError
from sprint.runtime.files import file_sha256, read_json, write_json
from sprint.runtime.strict import build, checked, refuse_unknown
from sprint.training import checkpoint

PRESET, STAGE = "imported", "published"  # under which an imported run stands
POSITIONS = "places.positions_ND"  # our name of what tells the grid


@dataclass(frozen=True)
class Imported:
    """What config.json says of an imported network; of its training nothing is known."""

    method: str
    drop: float
    subsampling: str
    settings: dict
    image_size: int
    model: Backbone
    channels: int  # of an image or latent
    classes: int
    prediction: str  # of diffusion/parameterization.py


UNTRAINED = Training(
    steps=0,
    finetune=0.0,
    batch=0,
    finetune_batch=0,
    learning_rate=0.0,
    finetune_learning_rate=0.0,
    warmup=0,
    ema=0.0,
    clip=0.0,
    weight_decay=0.0,
    label_drop=0.0,
    precision="float32",
    milestones=[],
    checkpoint_every=0,
    threads=1,
    compile=False,
)


def import_checkpoint(
    path: Path, source: str, model: str, out: Path, image_size: int = 32, given: dict | None = None
) -> list[str]:
    """Write the run folder `out`; returns sentences on what was taken, what was left, and what to know beside it.

    source: a file of sprint/published/codebases.
    image_size: latent pixels along one side, where no positions in the file tell it (SPRINT's are rotary).
    given: settings of the method that no tensor tells, where they are not the published ones.
    Raises UserError for a file that cannot be read or whose tensors are not exactly those of such a model.
    """
    codebase, size = importable(source), parse(model)
    refuse_unknown(given or {}, list(codebase.untold), f"--set, of {source}")
    weights, said = read_weights(Path(path))
    config = _config(codebase, weights, size, image_size, given or {})
    with torch.device("meta"):
        network = Model(config)
    tensors = translate(codebase, weights, network, str(path))
    if config.out_channels != config.channels:
        tensors = _without_variance(tensors, config)
        said.append(f"left out the {config.channels} channels of predicted variance")
    _write(Path(out), _run(config, codebase.subsampling), config, codebase, tensors, Path(path))
    count = sum(tensor.numel() for tensor in tensors.values())
    said.append(f"{count:,} parameters of {config.method} {model} in {out}, which predicts {codebase.parameterization}")
    return [*said, *(f"as published: {sentence}" for sentence in codebase.conventions)]


def read_settings(texts: list[str]) -> dict[str, int | str]:
    """Settings by name from texts such as "decoder_heads=16". Raises UserError for another form."""
    pairs = [text.partition("=") for text in texts]
    if wrong := [text for text, (name, _, value) in zip(texts, pairs, strict=True) if not (name and value)]:
        raise UserError(f"--set is {wrong[0]!r}; allowed: NAME=VALUE, such as decoder_heads=16")
    return {name: int(value) if value.isdecimal() else value for name, _, value in pairs}


def importable(source: str) -> type[Codebase]:
    """The codebase of that name. Raises UserError where there is none, or its checkpoints cannot be had here."""
    codebase = CODEBASES[source]
    if not codebase.parameterization:
        allowed = ", ".join(name for name in CODEBASES if CODEBASES[name].parameterization)
        raise UserError(f"--from is {source!r}, which has {codebase.inexpressible[0]}; allowed: {allowed}")
    return codebase


def open_run(folder: Path) -> tuple[Run, ModelConfig, str]:
    """The run in a folder that was written by `sprint import`: itself, its network, and what that predicts."""
    path = Path(folder) / "config.json"
    document = read_json(path)
    if not isinstance(document, dict) or document.get("preset") != PRESET:
        raise UserError(f"{path}: not the config.json of an imported checkpoint")
    said = {key: document[key] for key in Imported.__dataclass_fields__ if key in document}
    known = build(Imported, said, str(path))
    settings = build(METHODS[known.method].Settings, known.settings, f"{path}: settings")
    backbone = known.model.on(known.image_size, known.drop)
    config = ModelConfig(known.channels, known.image_size, known.classes, backbone, known.method, settings)
    return _run(config, known.subsampling), config, known.prediction


def _config(codebase: type[Codebase], weights: Weights, size: tuple, image_size: int, given: dict) -> ModelConfig:
    """The network, from the model's size and what the tensors' shapes tell."""
    depth, width, heads, patch = size
    embedding = weights.matrix(f"{codebase.outside['patches']}.weight")
    channels = embedding[1] if len(embedding) == 4 else max(1, embedding[1] // patch**2)
    published = weights.matrix(f"{codebase.outside['final.linear']}.weight")[0]
    known = [theirs for theirs, ours in codebase.constants.items() if ours == POSITIONS and theirs in weights]
    if known:
        grid = math.isqrt(weights.matrix(known[0])[1])
    elif image_size < patch or image_size % patch:
        raise UserError(f"image size is {image_size}; allowed: a multiple of the patch, {patch}")
    else:
        grid = image_size // patch
    positions = "sincos" if known else codebase.positions
    if width % (4 * heads if positions == "rope2d" else math.lcm(4, heads)):
        raise UserError(f"model of width {width} has {heads} heads; allowed: a number of heads that divides it evenly")
    qk_norm = any(name.endswith("q_norm.weight") for name in weights)
    sizes = BACKBONES[USUAL](width, depth, heads, patch, positions, qk_norm)
    backbone, method = sizes.on(max(1, grid) * patch, codebase.drop), METHODS[codebase.method]
    classes, told = codebase.classes(weights), {**codebase.settings(weights), **given}
    settings = checked(
        str(weights.path), lambda: method.settle(build(method.Settings, told, codebase.method), backbone)
    )
    out_channels = 2 * channels if published == 2 * channels * patch**2 else channels
    return ModelConfig(
        channels, backbone.grid * patch, max(1, classes), backbone, codebase.method, settings, out_channels
    )


def _without_variance(tensors: dict[str, torch.Tensor], config: ModelConfig) -> dict[str, torch.Tensor]:
    final = {
        name: tensors[name].unflatten(0, (-1, config.out_channels))[:, : config.channels].flatten(0, 1)
        for name in ("final.linear.weight", "final.linear.bias")
    }
    return {**tensors, **final}


def _run(config: ModelConfig, subsampling: str) -> Run:
    return Run(
        preset=PRESET,
        method=config.method,
        drop=config.backbone.drop,
        subsampling=subsampling,
        settings=asdict(config.settings),
        overrides={},
        seed=0,
        data={},
        image_size=config.size,
        model=replace(config.backbone, grid=0, drop=0.0),
        train=UNTRAINED,
    )


def _write(
    out: Path, run: Run, config: ModelConfig, codebase: type[Codebase], tensors: dict[str, torch.Tensor], path: Path
) -> None:
    facts = {"channels": config.channels, "classes": config.classes, "prediction": codebase.parameterization}
    milestone = {"step": 0, "stage": STAGE, "seconds": 0.0}
    checkpoint.write(out / "milestones", 0, tensors, {"stage": STAGE}, run.hash)
    write_json(out / "config.json", {**run.document(), "name": run.name, "label": run.label, **facts})
    write_json(
        out / "train.json",
        {
            "state": "done",
            "reason": "",
            "step": 0,
            "steps": 0,
            "seconds": 0.0,
            "milestones": [milestone],
            "losses": [],
            "published": {"file": path.name, "sha256": file_sha256(path)},
        },
    )
