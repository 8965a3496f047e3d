"""The contract of a codebase: how another project names, lays out and means the tensors of a method that is ours too.

One file in this folder is one codebase; its class is the subclass of Codebase that it defines, and the only place that
knows of it. `sprint import --from NAME` reads that codebase's checkpoints, `sprint parity FILE` its golden files. What
stands here is what the descendants of DiT's code share; a file says what differs. See dit.py for the smallest.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch

from sprint.diffusion.denoiser import Model
from sprint.nn.layers import Block
from sprint.published.golden import Golden
from sprint.published.weights import Weights
from sprint.runtime.plugins import find


@dataclass(frozen=True)
class Layout:
    """How one of our tensors is published: its shape there, and the ways from there and back."""

    shape: tuple[int, ...]
    to_ours: Callable[[torch.Tensor], torch.Tensor] = torch.clone
    to_theirs: Callable[[torch.Tensor], torch.Tensor] = torch.clone


class Codebase:
    """Another project whose networks are translated. Subclasses say what differs from DiT's code."""

    title = ""  # how `sprint plugins` calls it
    cites = ""  # its paper and repository
    method = ""  # the file of sprint/methods that its networks are
    drop = 0.0  # share of tokens that its pre-training drops
    subsampling = ""  # the rule by which it does
    parameterization = ""  # what its networks predict, of diffusion/parameterization.py; "": no checkpoint is imported
    positions = "sincos"  # of a checkpoint that holds no positions
    golden = ""  # what `method` is in the configuration of its golden files; "": it has none of its own
    inexpressible: tuple[str, ...] = ()  # what its code can and this bench cannot
    conventions: tuple[str, ...] = ()  # how its published numbers came about where ours do otherwise; import says them
    untold: tuple[str, ...] = ()  # settings of the method that no tensor tells; `sprint import --set` gives others

    outside = {  # beginnings of our names, outside the method
        "patches": "x_embedder.proj",
        "time.mlp": "t_embedder.mlp",
        "labels": "y_embedder.embedding_table",
        "final.modulation": "final_layer.adaLN_modulation.1",
        "final.linear": "final_layer.linear",
    }
    sections: dict[str, str] = {}  # patterns of our names in the method; {} is a block's number in the whole network
    inside = {  # anywhere in a block
        ".modulation.": ".adaLN_modulation.1.",
        ".attention.": ".attn.",
        ".mlp.0.": ".mlp.fc1.",
        ".mlp.2.": ".mlp.fc2.",
    }
    outputs = ("full", "full_null", "sparse")  # what golden files may expect
    constants = {"pos_embed": "places.positions_ND"}  # published, but computed here: they are compared, not taken

    @classmethod
    def names(cls, model: Model) -> dict[str, str]:
        """For each of the model's tensors, what this codebase calls it."""
        numbers = {name: module.number for name, module in model.named_modules() if isinstance(module, Block)}
        return {name: cls._theirs(name, numbers) for name in model.state_dict()}

    @classmethod
    def _theirs(cls, name: str, numbers: dict[str, int]) -> str:
        for ours, theirs in cls.outside.items():
            if name.startswith(f"{ours}."):
                return theirs + name.removeprefix(ours)
        number = next((number for block, number in numbers.items() if name.startswith(f"{block}.")), None)
        name = name.removeprefix("method.")
        for ours, theirs in cls.sections.items():
            if re.match(ours, name):
                name = re.sub(f"^{ours}", theirs.format(number), name)
                break
        for ours, theirs in cls.inside.items():
            name = name.replace(ours, theirs)
        return name

    @classmethod
    def layout(cls, name: str, shape: torch.Size, model: Model) -> Layout:
        """How our tensor `name` of that shape is laid out there: here, patches are embedded by a convolution."""
        if name != "patches.weight":
            return Layout(tuple(shape))
        patch, channels = model.config.backbone.patch, model.config.channels
        return Layout(
            (shape[0], channels, patch, patch),
            lambda conv_DCpp: conv_DCpp.permute(0, 2, 3, 1).flatten(1),
            lambda linear: linear.unflatten(1, (patch, patch, channels)).permute(0, 3, 1, 2),
        )

    @classmethod
    def classes(cls, weights: Weights) -> int:
        """Classes of a checkpoint, without the null class."""
        return weights.matrix("y_embedder.embedding_table.weight")[0] - 1

    @classmethod
    def settings(cls, weights: Weights) -> dict:
        """The settings of the method that a checkpoint's tensors tell. Raises UserError where they cannot be."""
        return {}

    @classmethod
    def described(cls, golden: Golden, grid: int) -> tuple[dict, int, float]:
        """Settings of the method, depth and drop ratio that a golden file's configuration names."""
        return {}, golden.get("depth", int), 0.0

    @classmethod
    def output(cls, name: str, model: Model, golden: Golden) -> torch.Tensor:
        """What our model computes for a golden file's tensor expected.<name>, one of `outputs`."""
        x, t, y = golden.inputs(model)
        if name == "sparse":
            return model.image(x, t, y, golden.kept(model))
        return model.image(x, t, y if name == "full" else torch.full_like(y, model.config.classes))


CODEBASES = find("sprint.published.codebases", Codebase)
