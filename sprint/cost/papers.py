"""Costs of networks of published size, and beside them what their authors published.

sprint cost --model XL/2 --resolution 256 --method sprint --drop 0.75 --split 2/24/2 --guidance pdg
sprint cost --model XL/2 --frames 16
snakemake --cores all paper_costs
"""

import csv
import io
import json
from pathlib import Path

from sprint.cost.flops import (
    TRAINING_FACTOR,
    activation_bytes,
    dense_twin,
    forward_flops,
    on_meta,
    parameters,
    sampling_flops,
    step_flops,
)
from sprint.cost.video import clip_cost
from sprint.diffusion.denoiser import ModelConfig
from sprint.diffusion.guidance import GUIDANCES, Guidance
from sprint.methods import METHODS, YARDSTICK
from sprint.nn.backbones import BACKBONES, USUAL
from sprint.nn.ratios import kept_count
from sprint.nn.sizes import parse
from sprint.runtime.errors import UserError
from sprint.runtime.files import write_text
from sprint.runtime.strict import build, read_yaml

LATENT_FACTOR, LATENT_CHANNELS, CLASSES = 8, 4, 1000  # of the usual autoencoder on ImageNet
USUAL_DROP = 0.75  # of published rows that name none, and of 8 x 8 sparse tokens on a grid of 16 x 16
WITHIN = {"gmac": 0.007, "tflop_per_step": 0.007, "params_m": 0.01}  # of authors' figures; beyond it a row says why


def published_config(model: str, resolution: int, method: str, drop: float, settings: dict) -> ModelConfig:
    """A network of published size on latents. Raises UserError for what does not exist or does not fit."""
    depth, width, heads, patch = parse(model)
    size = latent_size(resolution, patch)
    cls = METHODS[method]
    backbone = BACKBONES[USUAL](width, depth, heads, patch, "sincos", False).on(size, drop)
    if cls.subsampling:
        kept_count(cls.subsampling, backbone.grid, drop)
    chosen = cls.settle(build(cls.Settings, settings, f"--method {method}: settings"), backbone)
    return ModelConfig(LATENT_CHANNELS, size, CLASSES, backbone, method, chosen)


def latent_size(resolution: int, patch: int) -> int:
    """Side of the latent of an image of so many pixels. Raises UserError where it is no whole number of patches."""
    if resolution < LATENT_FACTOR * patch or resolution % (LATENT_FACTOR * patch):
        raise UserError(f"--resolution is {resolution}; allowed: a multiple of {LATENT_FACTOR * patch} pixels")
    return resolution // LATENT_FACTOR


def cost_of_clips(model: str, resolution: int, frames: int) -> dict:
    """clip_cost of a network of published size on latents. Raises UserError for what does not exist or does not fit."""
    sizes = parse(model)
    return clip_cost(*sizes, latent_size(resolution, sizes[3]), LATENT_CHANNELS, frames)


def cost_of_published(config: ModelConfig, guidance: Guidance) -> dict:
    """All costs of a network; MACs of a forward pass, FLOPs of everything else, each of one image."""
    guidance.check(METHODS[config.method], grid=config.backbone.grid)
    model, cls, backbone = on_meta(config), METHODS[config.method], config.backbone
    kept = kept_count(cls.subsampling, backbone.grid, backbone.drop) if cls.subsampling and backbone.drop else None
    forward, sparse = forward_flops(model), step_flops(model, kept)
    return {
        "params": parameters(model),
        "forward_macs": forward // 2,
        "train_flops_per_image": TRAINING_FACTOR * sparse,
        "finetune_flops_per_image": TRAINING_FACTOR * forward,
        "sampling_flops_per_step": sampling_flops(model, guidance),
        "train_flops_vs_dense": sparse / forward_flops(on_meta(dense_twin(config))),
        "activation_bytes_per_image": activation_bytes(config, kept),
    }


def print_cost(
    model: str, resolution: int, method: str, drop: float, settings: dict, guidance: str, as_json: bool
) -> None:
    """Print cost_of_published as a table with units, or as JSON; without a method, of the dense network."""
    config = published_config(model, resolution, method or YARDSTICK, drop, settings)
    cost = cost_of_published(config, GUIDANCES[guidance]())
    lines = {
        "parameters": f"{cost['params'] / 1e6:,.2f} million",
        "forward pass of an image": f"{cost['forward_macs'] / 1e9:,.3f} GMAC, all tokens, no guidance",
        "training, sparse stage": f"{cost['train_flops_per_image'] / 1e9:,.1f} GFLOP per image, forward and backward",
        "training, full tokens": f"{cost['finetune_flops_per_image'] / 1e9:,.1f} GFLOP per image, forward and backward",
        "sparse stage over dense": f"{cost['train_flops_vs_dense']:.3f}",
        f"sampling step, {guidance}": f"{cost['sampling_flops_per_step'] / 1e12:,.4f} TFLOP per image, all its calls",
        "activations kept": f"{cost['activation_bytes_per_image'] / 2**20:,.0f} MiB per image in float32, an estimate",
    }
    _print(cost, lines, as_json)


def print_clip_cost(model: str, resolution: int, frames: int, as_json: bool) -> None:
    """Print cost_of_clips as a table with units, or as JSON."""
    cost = cost_of_clips(model, resolution, frames)
    lines = {
        "parameters": f"{cost['params'] / 1e6:,.2f} million, positions not among them",
        "forward pass of a clip": f"{cost['forward_macs'] / 1e9:,.3f} GMAC, {frames} frames, no guidance",
        "training": f"{cost['train_flops_per_clip'] / 1e9:,.1f} GFLOP per clip, forward and backward",
    }
    _print(cost, lines, as_json)


def _print(cost: dict, lines: dict[str, str], as_json: bool) -> None:
    if as_json:
        print(json.dumps(cost, indent=1))
        return
    for name, value in lines.items():
        print(f"{name:26} {value}")


def write_paper_costs(path: Path, out: Path) -> None:
    """Write paper_costs as CSV."""
    stream = io.StringIO()
    rows = paper_costs(path)
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(out, stream.getvalue())


def paper_costs(path: Path) -> list[dict]:
    """Each cost that published.yaml lists: ours, theirs, the relative difference, and why where that is large."""
    rows = []
    for row in read_yaml(path)["cost"]:
        for quantity in QUANTITIES:
            if quantity in row:
                rows.append(_compared(row, quantity))
    return rows


QUANTITIES = {  # of published rows: which of our costs each is of, and in what unit
    "gmac": ("forward_macs", 1e9),
    "params_m": ("params", 1e6),
    "tflop_per_step": ("sampling_flops_per_step", 1e12),
    "train_cost_vs_dense": ("train_flops_vs_dense", 1),
}


def _compared(row: dict, quantity: str) -> dict:
    kind = row.get("guidance", Guidance.usual)
    drop = row.get("drop", 0.0 if row["method"] == YARDSTICK else USUAL_DROP)
    key, unit = QUANTITIES[quantity]
    ours = _cost_of(row, drop, kind)[key] / unit
    difference = ours / row[quantity] - 1
    far = abs(difference) > WITHIN.get(quantity, 0.01)
    return {
        "model": row["model"] + (f", {row['frames']} frames" if "frames" in row else ""),
        "resolution": row["resolution"],
        "method": row["method"],
        "drop": drop if drop else "",
        "guidance": kind,
        "quantity": quantity,
        "ours": round(ours, 5),
        "published": row[quantity],
        "relative_difference": round(difference, 5),
        "confidence": row["confidence"],
        "source": row["source"],
        "why": row.get("why", "not explained") if far else "",
    }


def _cost_of(row: dict, drop: float, guidance: str) -> dict:
    """All our costs of the network of a row, or of the clips that it makes."""
    if "frames" in row:
        return cost_of_clips(row["model"], row["resolution"], row["frames"])
    config = published_config(row["model"], row["resolution"], row["method"], drop, {})
    return cost_of_published(config, GUIDANCES[guidance]())
