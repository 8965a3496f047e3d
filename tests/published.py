"""An independent DiT, written the published way with published names, that makes golden files of any shape for tests.

It covers the dense model, TREAD's route and SPRINT's split: plain attention, rotations as complex numbers, loops.
"""

import json
import math

import torch
import torch.nn.functional as F
from safetensors.torch import save_file


def make_golden(path, seed: int = 0, **config):
    """Write a golden file for a configuration and return its path."""
    config = {**DEFAULTS, **config}
    generator = torch.Generator().manual_seed(seed)
    weights = {name: draw(shape, generator) for name, shape in shapes(config).items()}
    if config["pos"] == "sincos":
        weights["pos_embed"] = positions(config["hidden_size"], config["input_size"] // config["patch_size"])
    tokens = (config["input_size"] // config["patch_size"]) ** 2
    x = draw((2, config["in_channels"], config["input_size"], config["input_size"]), generator, 1.0)
    t, y = torch.rand(2, generator=generator), torch.randint(config["num_classes"], (2,), generator=generator)
    keep = torch.rand(2, tokens, generator=generator).argsort(1)[:, : max(1, tokens // 2)]
    outputs = {
        "full": forward(weights, config, x, t, y),
        "full_null": forward(weights, config, x, t, torch.full_like(y, config["num_classes"])),
    }
    if config["method"] != "dense":
        outputs["sparse"] = forward(weights, config, x, t, y, keep)
    tensors = {"x": x, "t": t, "y": y, "ids_keep": keep}
    tensors |= {f"weights.{name}": value for name, value in weights.items()}
    tensors |= {f"expected.{name}": value for name, value in outputs.items()}
    save_file({name: value.contiguous() for name, value in tensors.items()}, path, {"config": json.dumps(config)})
    return path


DEFAULTS = {
    "method": "dense",
    "depth": 3,
    "hidden_size": 32,
    "num_heads": 2,
    "patch_size": 2,
    "input_size": 8,
    "in_channels": 3,
    "num_classes": 5,
    "learn_sigma": False,
    "mlp_ratio": 4,
    "pos": "sincos",
    "qk_norm": None,
    "drop_ratio": 0.5,
    "fusion": "concat_linear",
}


def draw(shape, generator, scale: float = 0.2) -> torch.Tensor:
    return torch.randn(tuple(shape), generator=generator) * scale


def sections(config) -> dict[str, int]:
    if config["method"] != "sprint":
        return {"blocks": config["depth"]}
    return {f"{part}_blocks": config[f"{part}_depth"] for part in ("encoder", "middle", "decoder")}


def shapes(config) -> dict[str, tuple]:
    width, patch, channels = config["hidden_size"], config["patch_size"], config["in_channels"]
    values, inner = patch * patch * channels, int(config["mlp_ratio"] * width)
    out = values * (2 if config["learn_sigma"] else 1)
    linears = {"t_embedder.mlp.0": (width, 256), "t_embedder.mlp.2": (width, width)}
    linears |= {"final_layer.linear": (out, width), "final_layer.adaLN_modulation.1": (2 * width, width)}
    conv = (width, channels, patch, patch)
    linears["x_embedder.proj"] = (width, values) if config["method"] == "sprint" else conv
    if config["method"] == "sprint" and config["fusion"] == "concat_linear":
        linears["renoise_linear"] = (width, 2 * width)
    extra = {"mask_token": (1, 1, width)} if config["method"] == "sprint" else {}
    for section, count in sections(config).items():
        for block in (f"{section}.{index}" for index in range(count)):
            linears |= {f"{block}.attn.qkv": (3 * width, width), f"{block}.attn.proj": (width, width)}
            linears |= {f"{block}.mlp.fc1": (inner, width), f"{block}.mlp.fc2": (width, inner)}
            linears |= {f"{block}.adaLN_modulation.1": (6 * width, width)}
            if config["qk_norm"]:
                extra |= {f"{block}.attn.{which}_norm.weight": (width // config["num_heads"],) for which in "qk"}
    extra["y_embedder.embedding_table.weight"] = (config["num_classes"] + 1, width)
    found = {f"{name}.weight": shape for name, shape in linears.items()}
    return {**found, **{f"{name}.bias": shape[:1] for name, shape in linears.items()}, **extra}


def positions(width: int, grid: int) -> torch.Tensor:
    rows = []
    for row in range(grid):
        for column in range(grid):
            angles = [[place / 10000 ** (k / (width // 4)) for k in range(width // 4)] for place in (column, row)]
            rows.append([wave(angle) for half in angles for wave in (math.sin, math.cos) for angle in half])
    return torch.tensor(rows).unsqueeze(0)


def linear(weights, name, x):
    return F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def modulated(x, shift, scale):
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + 1e-6).sqrt() * (1 + scale[:, None]) + shift[:, None]


def turned(x_BHLd, places_BL2):
    """2-D rotary positions: pairs of channels as complex numbers, the first half by row, the second by column."""
    half = x_BHLd.shape[-1] // 2
    frequencies = torch.tensor([10000.0 ** (-2 * k / half) for k in range(half // 2)])
    angles = torch.cat([places_BL2[..., axis : axis + 1] * frequencies for axis in (0, 1)], -1)[:, None]
    numbers = torch.view_as_complex(x_BHLd.reshape(*x_BHLd.shape[:-1], -1, 2).contiguous())
    return torch.view_as_real(numbers * torch.polar(torch.ones_like(angles), angles)).flatten(-2)


def block(weights, config, name, x, c, places):
    parts = linear(weights, f"{name}.adaLN_modulation.1", F.silu(c)).chunk(6, 1)
    q, k, v = (
        part.unflatten(-1, (config["num_heads"], -1)).transpose(1, 2)
        for part in linear(weights, f"{name}.attn.qkv", modulated(x, *parts[:2])).chunk(3, -1)
    )
    if config["qk_norm"]:
        norm = [p / (p.square().mean(-1, keepdim=True) + 1e-6).sqrt() for p in (q, k)]
        q, k = (p * weights[f"{name}.attn.{which}_norm.weight"] for p, which in zip(norm, "qk", strict=True))
    if config["pos"] == "rope2d":
        q, k = turned(q, places), turned(k, places)
    seen = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1) @ v
    x = x + parts[2][:, None] * linear(weights, f"{name}.attn.proj", seen.transpose(1, 2).flatten(2))
    inner = F.gelu(linear(weights, f"{name}.mlp.fc1", modulated(x, *parts[3:5])), approximate="tanh")
    return x + parts[5][:, None] * linear(weights, f"{name}.mlp.fc2", inner)


def forward(weights, config, x, t, y, keep=None):
    patch, grid = config["patch_size"], config["input_size"] // config["patch_size"]
    if config["method"] == "sprint":  # channels slowest inside a patch
        x = linear(weights, "x_embedder.proj", F.unfold(x, patch, stride=patch).transpose(1, 2))
    else:
        x = F.conv2d(x, weights["x_embedder.proj.weight"], weights["x_embedder.proj.bias"], stride=patch)
        x = x.flatten(2).transpose(1, 2)
    x = x + weights.get("pos_embed", 0)
    angles = t[:, None] * 10000.0 ** (-torch.arange(128) / 128)
    time = linear(weights, "t_embedder.mlp.0", torch.cat((angles.cos(), angles.sin()), 1))
    c = linear(weights, "t_embedder.mlp.2", F.silu(time)) + weights["y_embedder.embedding_table.weight"][y]
    places = torch.cartesian_prod(torch.arange(grid), torch.arange(grid)).float().expand(len(x), -1, -1)
    x = through(weights, config, x, c, places, keep)
    shift, scale = linear(weights, "final_layer.adaLN_modulation.1", F.silu(c)).chunk(2, 1)
    x = linear(weights, "final_layer.linear", modulated(x, shift, scale))
    x = x.unflatten(1, (grid, grid))
    if config["method"] == "sprint":
        x = x.unflatten(-1, (-1, patch, patch)).permute(0, 3, 1, 4, 2, 5)
    else:
        x = x.unflatten(-1, (patch, patch, -1)).permute(0, 5, 1, 3, 2, 4)
    return x.reshape(len(x), -1, grid * patch, grid * patch)


def through(weights, config, x, c, places, keep):
    """The blocks, one after the other, with tokens taken out and put back by loops over samples."""
    names = [f"{section}.{index}" for section, count in sections(config).items() for index in range(count)]
    first, last = sparse_part(config, len(names))
    for name in names[:first]:
        x = block(weights, config, name, x, c, places)
    dense, chosen = x, torch.arange(x.shape[1]).expand(len(x), -1) if keep is None else keep
    x = torch.stack([row[ids] for row, ids in zip(x, chosen, strict=True)])
    there = torch.stack([row[ids] for row, ids in zip(places, chosen, strict=True)])
    for name in names[first:last]:
        x = block(weights, config, name, x, c, there)
    restored = (weights["mask_token"].expand_as(dense) if config["method"] == "sprint" else dense).clone()
    for sample, ids in enumerate(chosen):
        restored[sample, ids] = x[sample]
    if config["method"] == "sprint":
        restored = fused(weights, config, restored, dense)
    for name in names[last:]:
        restored = block(weights, config, name, restored, c, places)
    return restored


def sparse_part(config, count):
    if config["method"] == "sprint":
        return config["encoder_depth"], config["encoder_depth"] + config["middle_depth"]
    if config["method"] == "tread":
        return config["start_layer"], config["end_layer"] + int(config["end_layer_inclusive"])
    return 0, count


def fused(weights, config, deep, dense):
    if config["fusion"] == "concat_linear":
        return linear(weights, "renoise_linear", torch.cat((deep, dense), -1))
    return deep + dense if config["fusion"] == "add" else deep
