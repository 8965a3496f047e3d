"""The contract of a backbone: its sizes, how an image, a time and a label become tokens, its blocks, its last layer.

One file in this folder is one backbone; its class is the subclass of Backbone that it defines. A preset's `model` holds
the fields below and, where it is not the usual one, `kind`, the file's name. The same object is what a method is built
on: then `grid` and `drop` say for which tokens.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields, replace
from typing import Self

from torch import nn

from sprint.nn.layers import Block, Blocks
from sprint.runtime.errors import UserError
from sprint.runtime.plugins import find
from sprint.runtime.strict import derived, ranged

USUAL = "dit"  # the kind of a preset that names none


@dataclass(frozen=True)
class Backbone:
    """The transformer that all methods of a preset share."""

    width: int = ranged(4, 1 << 16)  # channels of a token
    depth: int = ranged(1, 1 << 10)  # blocks
    heads: int = ranged(1, 1 << 10)
    patch: int = ranged(1, 1 << 10)  # pixels along one side of a token
    positions: str = ranged(allowed=("sincos", "rope2d"))  # added once, or turning q and k
    qk_norm: bool = ranged()  # RMSNorm on each head's q and k
    grid: int = derived(0)  # tokens along one side
    drop: float = derived(0.0)  # share of tokens dropped in training, for a method whose very network follows from it
    mlp_ratio: float = derived(4.0)  # width inside an MLP, in widths of its block

    title = ""  # how `sprint plugins` calls it
    cites = ""
    repeatable = True  # whether a block changes nothing but its tokens, so that it can be computed again

    @classmethod
    def chosen(cls, content: dict) -> tuple[type[Self], dict]:
        """The plug-in that a preset's `model` names, and the rest of it. Raises UserError for one without a file."""
        return BACKBONES[content.get("kind", USUAL)], {key: value for key, value in content.items() if key != "kind"}

    @classmethod
    def kind(cls) -> str:
        """The name of its file."""
        return cls.__module__.rpartition(".")[2]

    @property
    def tokens(self) -> int:
        return self.grid * self.grid

    def on(self, image_size: int, drop: float = 0.0) -> Self:
        """The same for the tokens of images of so many pixels a side."""
        return replace(self, grid=image_size // self.patch, drop=drop)

    def check(self, image_size: int) -> None:
        """Raise UserError where sizes do not fit together."""
        if image_size % self.patch:
            raise UserError(f"patch is {self.patch}; allowed: a divisor of image_size {image_size}")
        if self.width % (4 * self.heads):
            raise UserError(f"width is {self.width}; allowed: a multiple of 4 x heads = {4 * self.heads}")

    def refuse(self, other_blocks: bool, sparse: Collection[int]) -> None:
        """Raise UserError for a method that asks for other blocks than its own, or whose `sparse` ones see fewer
        tokens than all, where it cannot carry that."""

    def document(self) -> dict:
        """The fields that a preset gives."""
        kept = [field.name for field in fields(self) if not field.metadata.get("derived")]
        kind = {} if self.kind() == USUAL else {"kind": self.kind()}
        return {**kind, **{name: value for name, value in asdict(self).items() if name in kept}}

    def embedding(self, channels: int, classes: int) -> dict[str, nn.Module]:
        """The modules, by the names under which they stand in the network, of which `embed` makes use."""
        raise NotImplementedError

    def embed(self, network: nn.Module, x_BCHW, t_B, y_B) -> tuple:
        """Tokens (B, N, width) and their Context. y = classes is the null label."""
        raise NotImplementedError

    def output(self, width: int, channels: int) -> nn.Module:
        """The last layer: (tokens of so many channels (B, N, width), Context) to patches (B, N, patch^2 channels)."""
        raise NotImplementedError

    def block(self, number: int, width: int = 0, heads: int = 0, attention: nn.Module | None = None) -> Block:
        """Block `number`, of the backbone's width and heads and with self-attention unless said otherwise."""
        raise NotImplementedError

    def blocks(self, first: int, last: int) -> Blocks:
        """Blocks first..last-1."""
        return Blocks(self.block(number) for number in range(first, last))


BACKBONES = find("sprint.nn.backbones", Backbone)
