"""Published checkpoints as runs of this bench: a folder that sampling and evaluation take, with nothing left unsaid.

    sprint import CHECKPOINT --from sit --model XL/2 --out DIR

The model's size says what the weights cannot (heads, patch); the rest is read from their shapes. A missing, surplus or
misshapen tensor is named and refused.
"""

import argparse
import hashlib
import math
import pickle
import re
import warnings
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from sprint.diffusion.denoiser import Model, ModelConfig
from sprint.methods import METHODS
from sprint.nn.backbones import BACKBONES, USUAL, Backbone
from sprint.nn.sizes import parse
from sprint.plan.schema import Run, Training
from sprint.published.names import translate
from sprint.runtime.errors import UserError
from sprint.runtime.files import read_json, write_json
from sprint.runtime.strict import build
from sprint.training import checkpoint

PRESET, STAGE = "imported", "published"  # under which an imported run stands


@dataclass(frozen=True)
class Source:
    """What is known of a publication beside its weights."""

    method: str
    prediction: str  # of diffusion/parameterization.py
    drop: float  # of its pre-training
    subsampling: str


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


SOURCES = {
    "sprint": Source("sprint", "velocity", 0.75, "structured"),
    "sit": Source("dense", "sit", 0.0, ""),
    "dit": Source("dense", "ddpm_epsilon", 0.0, ""),
    "maskdit": Source("maskdit", "edm", 0.5, "random"),
}
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
    path: Path, source: str, model: str, out: Path, image_size: int = 32, decoder_heads: int = 16
) -> list[str]:
    """Write the run folder `out`; returns sentences on what was taken and what was left.

    image_size: latent pixels along one side, where no positions in the file tell it (SPRINT's are rotary).
    decoder_heads: of MaskDiT's decoder, which its published code fixes at 16.
    Raises UserError for a file that cannot be read or whose tensors are not exactly those of such a model.
    """
    if source not in SOURCES:
        raise UserError(f"--from is {source!r}; allowed: {', '.join(SOURCES)}")
    origin, size = SOURCES[source], parse(model)
    weights, said = read_weights(Path(path))
    config = _config(Path(path), origin, weights, size, image_size, decoder_heads)
    with torch.device("meta"):
        network = Model(config)
    tensors = translate(weights, network, str(path))
    if config.out_channels != config.channels:
        tensors = _without_variance(tensors, config)
        said.append(f"left out the {config.channels} channels of predicted variance")
    _write(Path(out), _run(config, origin.subsampling), config, origin, tensors, Path(path))
    count = sum(tensor.numel() for tensor in tensors.values())
    return [*said, f"{count:,} parameters of {config.method} {model} in {out}, which predicts {origin.prediction}"]


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


def read_weights(path: Path) -> tuple[dict[str, torch.Tensor], list[str]]:
    """Tensors by published name, moving averages preferred; and sentences on what was chosen."""
    content = _read(path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: holds a {type(content).__name__}; allowed: tensors by name")
    chosen = next((key for key in ("ema", "model", "state_dict") if isinstance(content.get(key), dict)), None)
    said = []
    if chosen:
        said.append(f"took {chosen!r} of {', '.join(sorted(map(repr, content)))}")
        content = content[chosen]
    strange = [str(name) for name, value in content.items() if not isinstance(value, torch.Tensor)]
    if strange or not content:
        raise UserError(f"{path}: {', '.join(strange[:8]) or 'nothing'} in it; allowed: tensors by name only")
    for prefix in ("module.", "_orig_mod.", "model."):
        if all(name.startswith(prefix) for name in content):
            content = {name.removeprefix(prefix): value for name, value in content.items()}
    return content, said


def _read(path: Path) -> object:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickle protocols; what cannot be read is an error below
            return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{path}: cannot be read as {path.suffix or 'a file without ending'} ({reason})") from error


def _config(path: Path, origin: Source, weights: dict, size: tuple, image_size: int, decoder_heads: int) -> ModelConfig:
    """The network, from the model's size and what the tensors' shapes tell."""
    depth, width, heads, patch = size
    embedding = _matrix(weights, "x_embedder.proj.weight", path)
    table = _matrix(weights, "y_embedder.embedding_table.weight", path)
    channels = embedding[1] if len(embedding) == 4 else max(1, embedding[1] // patch**2)
    published = _matrix(weights, "final_layer.linear.weight", path)[0]
    if "pos_embed" in weights:
        grid = math.isqrt(_matrix(weights, "pos_embed", path)[1])
    elif image_size < patch or image_size % patch:
        raise UserError(f"image size is {image_size}; allowed: a multiple of the patch, {patch}")
    else:
        grid = image_size // patch
    positions = "rope2d" if "pos_embed" not in weights and origin.method == "sprint" else "sincos"
    if width % (4 * heads if positions == "rope2d" else math.lcm(4, heads)):
        raise UserError(f"model of width {width} has {heads} heads; allowed: a number of heads that divides it evenly")
    qk_norm = any(name.endswith(".attn.q_norm.weight") for name in weights)
    sizes = BACKBONES[USUAL](width, depth, heads, patch, positions, qk_norm)
    backbone = sizes.on(max(1, grid) * patch, origin.drop)
    classes = table[1] if origin.method == "maskdit" else table[0] - 1
    settings = _settings(path, origin, weights, backbone, decoder_heads)
    out_channels = 2 * channels if published == 2 * channels * patch**2 else channels
    return ModelConfig(
        channels, backbone.grid * patch, max(1, classes), backbone, origin.method, settings, out_channels
    )


def _matrix(weights: dict[str, torch.Tensor], name: str, path: Path) -> torch.Size:
    """The shape of a tensor that tells the network's."""
    if name not in weights:
        shown = ", ".join(sorted(weights)[:4])
        raise UserError(f"{path}: missing: {name}; it has {len(weights)} tensors such as {shown}")
    if weights[name].ndim < 2:
        raise UserError(f"{path}: misshapen: {name} ({list(weights[name].shape)}, allowed at least two dimensions)")
    return weights[name].shape


def _settings(path: Path, origin: Source, weights: dict, backbone: Backbone, decoder_heads: int) -> object:
    method = METHODS[origin.method]
    chosen = {}
    if origin.method == "sprint":
        parts = [_blocks(weights, f"{part}_blocks") for part in ("encoder", "middle", "decoder")]
        fusion = "concat_linear" if "renoise_linear.weight" in weights else "none"
        chosen = {"split": "/".join(map(str, parts)), "fusion": fusion}
    if origin.method == "maskdit":
        chosen = {
            "decoder_depth": _blocks(weights, "decoder_blocks"),
            "decoder_width": _matrix(weights, "decoder_layer.linear.weight", path)[0],
            "decoder_heads": decoder_heads,
        }
    try:
        return method.settle(method.Settings(**chosen), backbone)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _blocks(weights: dict, part: str) -> int:
    """How many blocks the names of a part count."""
    return len({match[1] for name in weights if (match := re.match(rf"{part}\.(\d+)\.", name))})


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
    out: Path, run: Run, config: ModelConfig, origin: Source, tensors: dict[str, torch.Tensor], path: Path
) -> None:
    facts = {"channels": config.channels, "classes": config.classes, "prediction": origin.prediction}
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
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
            "published": {"file": path.name, "sha256": digest},
        },
    )
