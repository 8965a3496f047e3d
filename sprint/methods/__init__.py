"""The contract of a method: how tokens travel through the blocks, and which of them the loss counts.

One file in this folder is one method; its class is the subclass of Method that it defines. No other file names it.
"""

import importlib
import inspect
import pkgutil
from dataclasses import dataclass

import torch
from torch import nn

from sprint.errors import UserError
from sprint.layers import Attention, Block, Blocks, Where


@dataclass(frozen=True)
class Spec:
    """The backbone that all methods share."""

    width: int  # channels of a token
    depth: int  # blocks
    heads: int
    grid: int  # tokens along one side
    positions: str  # "sincos" (added once) or "rope2d" (turning q and k)
    qk_norm: bool  # RMSNorm on each head's q and k
    drop: float = 0.0  # share of tokens dropped in training, for a method whose very network follows from it
    mlp_ratio: float = 4.0  # width inside an MLP, in widths of its block

    @property
    def tokens(self) -> int:
        return self.grid * self.grid

    def block(self, number: int, width: int = 0, heads: int = 0, attention: nn.Module | None = None) -> Block:
        """Block `number`, of the backbone's width and heads and with self-attention unless said otherwise."""
        width, heads = width or self.width, heads or self.heads
        return Block(attention or Attention(width, heads, self.qk_norm), width, self.width, number, self.mlp_ratio)

    def blocks(self, first: int, last: int) -> Blocks:
        """Blocks first..last-1 of the backbone."""
        return Blocks(self.block(number) for number in range(first, last))


@dataclass(frozen=True)
class NoSettings:
    """For methods without settings of their own."""


class Method(nn.Module):
    """A way for tokens through the blocks. Subclasses say what differs from a dense transformer."""

    Settings: type = (
        NoSettings  # a frozen dataclass of the method's own settings: str, int, float or bool, each with its default
    )
    title = ""  # how tables call it
    subsampling = (
        "random"  # the rule that chooses kept tokens unless a study names another; "" when the method drops none
    )
    can_skip = False  # whether the deep blocks can be skipped, which path-drop guidance needs
    skip_rate = 0.0  # probability per sample, in training, that they are

    def __init__(self, spec: Spec):
        super().__init__()
        self.out_width = spec.width  # of the tokens that forward returns

    @classmethod
    def resolve(cls, settings: object, spec: Spec) -> object:
        """The settings, filled in with what follows from the backbone. Raises UserError when that is impossible."""
        return settings

    @classmethod
    def check(cls, settings: object, spec: Spec, drop: float) -> None:
        """Raise UserError when these settings cannot be built on this backbone; when the configuration is read."""

    @classmethod
    def settle(cls, settings: object, spec: Spec) -> object:
        """The settings as they will be built: resolved, and checked at the backbone's drop ratio."""
        complete = cls.resolve(settings, spec)
        cls.check(complete, spec, spec.drop)
        return complete

    def forward(
        self, x_BND: torch.Tensor, where: Where, keep_BK: torch.Tensor | None = None, skip: torch.Tensor | bool = False
    ):
        """All N tokens after the last block (B, N, out_width).

        keep_BK: tokens kept, None for all. skip: the deep blocks are skipped for these samples (B,), or for all (True).
        """
        raise NotImplementedError

    def loss(
        self,
        prediction_BNP: torch.Tensor,
        target_BNP: torch.Tensor,
        noisy_BNP: torch.Tensor,
        keep_BK: torch.Tensor | None,
    ):
        """Loss per sample (B,). The default: mean squared error over all tokens."""
        return (prediction_BNP - target_BNP).square().mean(dim=(1, 2))

    def parts(self) -> dict[str, nn.Module]:
        """Named parts whose time is reported apart: encoder, middle, decoder where a method has them."""
        return {name: child for name, child in self.named_children() if isinstance(child, Blocks)}


def available() -> list[str]:
    """Names of the methods, from the files in this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find(name: str) -> type[Method]:
    """The class of the method called `name`. Raises UserError for a name without a file."""
    if name not in available():
        raise UserError(f"method is {name!r}; allowed: {', '.join(available())}")
    module = importlib.import_module(f"sprint.methods.{name}")
    (found,) = [
        member
        for member in vars(module).values()
        if inspect.isclass(member) and issubclass(member, Method) and member.__module__ == module.__name__
    ]
    return found
