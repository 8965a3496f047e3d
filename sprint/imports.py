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
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from sprint import checkpoint
from sprint.config import Backbone, Run, Training
from sprint.errors import UserError
from sprint.files import read_json, write_json
from sprint.methods import Spec, find
from sprint.model import Model, Shape
from sprint.names import translate
from sprint.sizes import parse
from sprint.strict import build

PRESET, STAGE = "imported", "published"  # under which an imported run stands


@dataclass(frozen=True)
class Source:
    """What is known of a publication beside its weights."""

    method: str
    prediction: str  # of sprint/prediction.py
    drop: float  # of its pre-training
    subsampling: str


@dataclass(frozen=True)
class Facts:
    """What config.json says of the network beside the run."""

    channels: int  # of an image or latent
    classes: int
    prediction: str  # of sprint/prediction.py


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
    shape = _shape(Path(path), origin, weights, size, image_size, decoder_heads)
    with torch.device("meta"):
        network = Model(shape)
    tensors = translate(weights, network, str(path))
    if shape.out_channels != shape.channels:
        tensors = _without_variance(tensors, shape)
        said.append(f"left out the {shape.channels} channels of predicted variance")
    _write(Path(out), _run(origin, shape), shape, origin, tensors, Path(path))
    count = sum(tensor.numel() for tensor in tensors.values())
    return [*said, f"{count:,} parameters of {shape.method} {model} in {out}, which predicts {origin.prediction}"]


def open_run(folder: Path) -> tuple[Run, Shape, str]:
    """The run in a folder that was written by `sprint import`: itself, its network, and what that predicts."""
    path = Path(folder) / "config.json"
    document = read_json(path)
    if not isinstance(document, dict) or document.get("preset") != PRESET:
        raise UserError(f"{path}: not the config.json of an imported checkpoint")
    facts = build(Facts, {key: document[key] for key in Facts.__dataclass_fields__ if key in document}, str(path))
    run = build(Run, {key: document[key] for key in Run.__dataclass_fields__ if key in document}, str(path))
    model, size = run.model, run.image_size
    grid = size // model.patch
    spec = Spec(model.width, model.depth, model.heads, grid, model.positions, model.qk_norm, run.drop)
    settings = build(find(run.method).Settings, run.settings, f"{path}: settings")
    shape = Shape(facts.channels, size, model.patch, facts.classes, spec, run.method, settings)
    return run, shape, facts.prediction


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


def _shape(path: Path, origin: Source, weights: dict, size: tuple, image_size: int, decoder_heads: int) -> Shape:
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
    spec = Spec(width, depth, heads, max(1, grid), positions, qk_norm, origin.drop)
    classes = table[1] if origin.method == "maskdit" else table[0] - 1
    settings = _settings(path, origin, weights, spec, decoder_heads)
    out_channels = 2 * channels if published == 2 * channels * patch**2 else channels
    return Shape(channels, spec.grid * patch, patch, max(1, classes), spec, origin.method, settings, out_channels)


def _matrix(weights: dict[str, torch.Tensor], name: str, path: Path) -> torch.Size:
    """The shape of a tensor that tells the network's."""
    if name not in weights:
        shown = ", ".join(sorted(weights)[:4])
        raise UserError(f"{path}: missing: {name}; it has {len(weights)} tensors such as {shown}")
    if weights[name].ndim < 2:
        raise UserError(f"{path}: misshapen: {name} ({list(weights[name].shape)}, allowed at least two dimensions)")
    return weights[name].shape


def _settings(path: Path, origin: Source, weights: dict, spec: Spec, decoder_heads: int) -> object:
    method = find(origin.method)
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
        return method.settle(method.Settings(**chosen), spec)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _blocks(weights: dict, part: str) -> int:
    """How many blocks the names of a part count."""
    return len({match[1] for name in weights if (match := re.match(rf"{part}\.(\d+)\.", name))})


def _without_variance(tensors: dict[str, torch.Tensor], shape: Shape) -> dict[str, torch.Tensor]:
    final = {
        name: tensors[name].unflatten(0, (-1, shape.out_channels))[:, : shape.channels].flatten(0, 1)
        for name in ("final.linear.weight", "final.linear.bias")
    }
    return {**tensors, **final}


def _run(origin: Source, shape: Shape) -> Run:
    spec = shape.spec
    return Run(
        preset=PRESET,
        method=origin.method,
        drop=origin.drop,
        subsampling=origin.subsampling,
        settings=asdict(shape.settings),
        named={},
        seed=0,
        data={},
        image_size=shape.size,
        model=Backbone(spec.width, spec.depth, spec.heads, shape.patch, spec.positions, spec.qk_norm),
        train=UNTRAINED,
    )


def _write(out: Path, run: Run, shape: Shape, origin: Source, tensors: dict[str, torch.Tensor], path: Path) -> None:
    facts = Facts(shape.channels, shape.classes, origin.prediction)
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    milestone = {"step": 0, "stage": STAGE, "seconds": 0.0}
    checkpoint.write(out / "milestones", 0, tensors, {"stage": STAGE}, run.hash)
    write_json(out / "config.json", {**run.document(), "name": run.name, "label": run.label, **asdict(facts)})
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
