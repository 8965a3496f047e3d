"""Published weights under this bench's names: which of their tensors is which of ours, and how each is laid out.

published                                        here
conv patch embedding (D, C, p, p)                linear (D, p p C), channels fastest
SPRINT's linear patch embedding, C slowest       the same; and so its final layer
MaskDiT's linear on one-hot labels (D, classes)  embedding (classes + 1, D), whose last row, the null label, is zero
fixed sin-cos positions                          computed; a file whose positions differ is refused
"""

import re

import torch

from sprint.diffusion.denoiser import Model
from sprint.nn.layers import Block, sincos_positions
from sprint.runtime.errors import UserError

LISTED = 24  # tensors that an error names before it counts the rest
POSITIONS = {"pos_embed": "places.positions_ND", "decoder_pos_embed": "method.positions_ND"}

OUTSIDE = {
    "patches": "x_embedder.proj",
    "time.mlp": "t_embedder.mlp",
    "labels": "y_embedder.embedding_table",
    "final.modulation": "final_layer.adaLN_modulation.1",
    "final.linear": "final_layer.linear",
}
PARTS = {  # parts of a method; {} is the number of a block in the whole network
    "dense": {r"blocks\.\d+": "blocks.{}"},
    "tread": {r"(?:encoder|middle|decoder)\.\d+": "blocks.{}"},
    "sprint": {
        r"(encoder|middle|decoder)\.": r"\1_blocks.",
        r"fuse\.": "renoise_linear.",
    },
    "maskdit": {
        r"encoder\.": "blocks.",
        r"to_decoder\.": "decoder_layer.",
        r"decoder\.": "decoder_blocks.",
    },
    "sparsedit": {
        r"bottom\.": "poolingformer_blocks.",
        r"top\.": "normal_blocks.",
        r"middle\.(\d+)\.merge\.": r"dumbbell_blocks.\1.token_merge_blocks.",
        r"middle\.(\d+)\.sparse\.": r"dumbbell_blocks.\1.semantic_blocks.",
        r"middle\.(\d+)\.recover\.": r"dumbbell_blocks.\1.token_recover_blocks.",
        r"middle\.(\d+)\.dense\.": r"dumbbell_blocks.\1.normal_blocks.",
    },
}
INSIDE = {  # a block
    ".modulation.": ".adaLN_modulation.1.",
    ".attention.": ".attn.",
    ".mlp.0.": ".mlp.fc1.",
    ".mlp.2.": ".mlp.fc2.",
    ".from_sparse.": ".merged_layer1.",
    ".from_dense.": ".merged_layer2.",
}


def published_names(model: Model) -> dict[str, str]:
    """For each of the model's tensors, what its method's published code calls it."""
    numbers = {name: module.number for name, module in model.named_modules() if isinstance(module, Block)}
    return {name: _published(name, model.config.method, numbers) for name in model.state_dict()}


def _published(name: str, method: str, numbers: dict[str, int]) -> str:
    for ours, theirs in OUTSIDE.items():
        if name.startswith(f"{ours}."):
            return theirs + name.removeprefix(ours)
    number = next((number for block, number in numbers.items() if name.startswith(f"{block}.")), None)
    name = name.removeprefix("method.")
    for ours, theirs in PARTS[method].items():
        if re.match(ours, name):
            name = re.sub(f"^{ours}", theirs.format(number), name)
            break
    for ours, theirs in INSIDE.items():
        name = name.replace(ours, theirs)
    return name


def translate(published: dict[str, torch.Tensor], model: Model, location: str) -> dict[str, torch.Tensor]:
    """The model's state dict from published weights. Raises UserError, naming every tensor that does not fit."""
    names, state = published_names(model), model.state_dict()
    constants = _constants(model)
    known = {*names.values(), *constants}
    missing, surplus = sorted(known - set(published)), sorted(set(published) - known)
    allowed = {theirs: _layouts(ours, state[ours].shape, model) for ours, theirs in names.items()}
    misshapen = [
        f"{name} ({list(published[name].shape)}, allowed {' or '.join(map(str, shapes))})"
        for name, shapes in allowed.items()
        if name in published and list(published[name].shape) not in shapes
    ]
    faults = {"missing": missing, "surplus": surplus, "misshapen": misshapen}
    if any(faults.values()):
        text = "; ".join(f"{kind}: {_listed(found)}" for kind, found in faults.items() if found)
        raise UserError(f"{location}: the tensors are not those of this {model.config.method} model; {text}")
    for name, width in constants.items():
        _compare_positions(published[name], sincos_positions(width, model.config.backbone.grid), f"{location}: {name}")
    channels_first = published[names["patches.weight"]].ndim == 2
    return {ours: _convert(ours, published[theirs].float(), model, channels_first) for ours, theirs in names.items()}


def _constants(model: Model) -> dict[str, int]:
    """Published names of the model's fixed positions, and their width."""
    if model.config.backbone.positions != "sincos":
        return {}
    buffers = dict(model.named_buffers())
    return {theirs: buffers[ours].shape[1] for theirs, ours in POSITIONS.items() if ours in buffers}


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def _compare_positions(published: torch.Tensor, ours_ND: torch.Tensor, location: str) -> None:
    if published.shape != (1, *ours_ND.shape):
        raise UserError(f"{location} has shape {list(published.shape)}; allowed: {[1, *ours_ND.shape]}")
    difference = (published[0].float() - ours_ND).abs().max().item()
    if not difference <= 1e-4:
        raise UserError(f"{location} differs by {difference:.1e} from fixed sin-cos positions, the only ones allowed")


def _layouts(name: str, config: torch.Size, model: Model) -> list[list[int]]:
    """Shapes in which the tensor may be published."""
    channels, patch = model.config.channels, model.config.backbone.patch
    if name == "patches.weight":
        return [[config[0], channels, patch, patch], list(config)]
    if name == "labels.weight" and model.config.method == "maskdit":
        return [[config[1], config[0] - 1]]
    return [list(config)]


def _convert(name: str, tensor: torch.Tensor, model: Model, channels_first: bool) -> torch.Tensor:
    config = model.config
    if name == "patches.weight":
        return (
            tensor.unflatten(1, (config.channels, -1)).transpose(1, 2).flatten(1) if channels_first else _conv(tensor)
        )
    if name.startswith("final.linear.") and channels_first:
        return tensor.unflatten(0, (model.out_channels, -1)).transpose(0, 1).flatten(0, 1)
    if name == "labels.weight" and config.method == "maskdit":
        return torch.cat((tensor.T, torch.zeros_like(tensor.T[:1])))
    return tensor


def _conv(weight_DCpp: torch.Tensor) -> torch.Tensor:
    return weight_DCpp.permute(0, 2, 3, 1).flatten(1)
