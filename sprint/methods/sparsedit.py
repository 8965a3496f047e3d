"""SparseDiT (arXiv 2412.06028): pooling blocks at the bottom, modules of sparse and dense tokens, plain blocks on top.

A module pools the grid to m x m sparse tokens, merges (sparse queries, dense keys), runs blocks on the sparse tokens
alone, recovers (W1 upsampled + W2 dense, then dense queries, sparse keys), and ends with blocks on all tokens. The drop
ratio of a run sets m: 1 - drop = m^2 / N. It is part of the network, in training and in sampling alike.
"""

import math
import re
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import nn

from sprint.methods import Method
from sprint.nn.backbones import Backbone
from sprint.nn.layers import Block, Blocks, Context, HeadNorm, ZeroLinear, modulate, rotate
from sprint.runtime.errors import UserError


@dataclass(frozen=True)
class Settings:
    layout: str = "auto"  # bottom + modules x merge/sparse/recover/dense + top, in blocks: XL is "2+4x1/3/1/1+2"
    spread: int = 0  # the grid's side runs from m - spread at t = 1 to m + spread at t = 0 (timestep-wise pruning)


@dataclass(frozen=True)
class Layout:
    """Numbers of blocks."""

    bottom: int
    modules: int
    group: tuple[int, int, int, int]  # merge, sparse, recover, dense of each module
    top: int

    def text(self) -> str:
        return f"{self.bottom}+{self.modules}x{'/'.join(map(str, self.group))}+{self.top}"


class SparseDiT(Method):
    Settings = Settings
    other_blocks = True
    title = "SparseDiT"
    cites = "arXiv 2412.06028"
    subsampling = ""

    def __init__(self, backbone: Backbone, settings: Settings):
        super().__init__(backbone)
        plan = layout(settings.layout, backbone.depth)
        self.side, self.spread = sparse_side(backbone.grid, backbone.drop), settings.spread
        last, size = backbone.depth - plan.top, sum(plan.group)
        self.bottom = Blocks(backbone.block(number, attention=Pooling(backbone.width)) for number in range(plan.bottom))
        self.middle = TokenModules(
            TokenModule(backbone, number, plan.group) for number in range(plan.bottom, last, size)
        )
        self.top = backbone.blocks(last, backbone.depth)

    @classmethod
    def resolve(cls, settings: Settings, backbone: Backbone) -> Settings:
        return replace(settings, layout=layout(settings.layout, backbone.depth).text())

    @classmethod
    def check(cls, settings: Settings, backbone: Backbone) -> None:
        side = sparse_side(backbone.grid, backbone.drop)
        if not 0 <= settings.spread <= min(side - 1, backbone.grid - side):
            raise UserError(
                f"spread is {settings.spread}; allowed: 0 to {min(side - 1, backbone.grid - side)}, as a side of "
                f"{side} sparse tokens must stay between 1 and {backbone.grid}"
            )

    @classmethod
    def sparse(cls, settings: Settings, backbone: Backbone) -> list[int]:
        plan = layout(settings.layout, backbone.depth)
        pooled = sum(plan.group[:2])
        firsts = range(plan.bottom, backbone.depth - plan.top, sum(plan.group))
        return [first + number for first in firsts for number in range(pooled)]

    def forward(self, x_BND, context, keep_BK=None, skip=False):
        if not self.spread:
            return self._through(x_BND, context, self.side)
        if self.time is not None:
            return self._through(x_BND, context, self.variant(self.time))
        side_B = self._sides(context.t_B)
        rows = [(side_B == side).nonzero().flatten() for side in side_B.unique()]
        through = [self._through(x_BND[same], _some(context, same), int(side_B[same[0]])) for same in rows]
        return torch.cat(through)[torch.cat(rows).argsort()]

    def variant(self, t):
        return int(self._sides(torch.tensor(t))) if self.spread else self.side

    def _sides(self, t_B):
        return (self.side + self.spread * (1 - 2 * t_B)).round().long()

    def _through(self, x_BND, context, side):
        return self.top(self.middle(self.bottom(x_BND, context), context, side), context)

    def parts(self):
        return {"encoder": self.bottom, "middle": self.middle, "decoder": self.top}


class Pooling(nn.Module):
    """Attention that is the mean of all values; taken before the two linear layers, which is the same and cheaper."""

    def __init__(self, width: int):
        super().__init__()
        self.v, self.proj = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x_BND: torch.Tensor, context: Context) -> torch.Tensor:
        return self.proj(self.v(x_BND.mean(1, keepdim=True)))


class CrossAttention(nn.Module):
    """Queries of some tokens, keys and values of others, each turned by its own place."""

    def __init__(self, width: int, heads: int, qk_norm: bool):
        super().__init__()
        self.heads = heads
        self.q, self.kv = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.q_norm = HeadNorm(width // heads) if qk_norm else nn.Identity()
        self.k_norm = HeadNorm(width // heads) if qk_norm else nn.Identity()
        self.proj = nn.Linear(width, width)

    def forward(self, x_BLD, context: Context, other_BMD, other: Context) -> torch.Tensor:
        q = self.q(x_BLD).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k, v = self.kv(other_BMD).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        q = rotate(self.q_norm(q), context.rotation(q.shape[-1]))
        k = rotate(self.k_norm(k), other.rotation(k.shape[-1]))
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class CrossBlock(Block):
    """A block that attends to other tokens, which pass through the same modulated norm."""

    def forward(self, x_BLD, context: Context, other_BMD, other: Context) -> torch.Tensor:
        shift1, scale1, gate1, shift2, scale2, gate2 = (
            self.modulation(context.condition_BD).unsqueeze(1).chunk(6, dim=-1)
        )
        seen = modulate(other_BMD, shift1, scale1)
        x_BLD = torch.addcmul(x_BLD, gate1, self.attention(modulate(x_BLD, shift1, scale1), context, seen, other))
        return torch.addcmul(x_BLD, gate2, self.mlp(modulate(x_BLD, shift2, scale2)))


class IdentityLinear(nn.Linear):
    """A square linear layer that starts as the identity."""

    @torch.no_grad()
    def start(self) -> None:
        nn.init.eye_(self.weight)


class RecoverBlock(CrossBlock):
    """W1 upsampled + W2 dense (W1 = 0, W2 = I at the start), then a cross block that sees what came in."""

    def __init__(self, attention: nn.Module, width: int, condition_width: int, number: int, mlp_ratio: float):
        super().__init__(attention, width, condition_width, number, mlp_ratio)
        self.from_sparse, self.from_dense = ZeroLinear(width, width), IdentityLinear(width, width)

    def forward(self, x_BLD, inner: Context, dense_BND, context: Context) -> torch.Tensor:
        merged = upsample(self.from_sparse(x_BLD), dense_BND.shape[1]) + self.from_dense(dense_BND)
        return super().forward(merged, context, x_BLD, inner)


class TokenModule(nn.Module):
    """One sparse-dense token module, of blocks `number` and following."""

    def __init__(self, backbone: Backbone, number: int, group: tuple[int, int, int, int]):
        super().__init__()
        numbers = iter(range(number, number + sum(group)))
        merge, sparse, recover, dense = ([next(numbers) for _ in range(count)] for count in group)
        self.merge = nn.ModuleList(_cross(CrossBlock, backbone, number) for number in merge)
        self.sparse = Blocks(backbone.block(number) for number in sparse)
        self.recover = nn.ModuleList(_cross(RecoverBlock, backbone, number) for number in recover)
        self.dense = Blocks(backbone.block(number) for number in dense)

    def forward(self, dense_BND, context: Context, sparse_context: Context, side: int) -> torch.Tensor:
        x = pool(dense_BND, side)
        for block in self.merge:
            x = block(x, sparse_context, dense_BND, context)
        x, inner = self.sparse(x, sparse_context), sparse_context
        for block in self.recover:
            x, inner = block(x, inner, dense_BND, context), context
        return self.dense(x, context)


class TokenModules(nn.ModuleList):
    """Modules one after the other. A sparse token stands at the mean place of its cell."""

    def forward(self, x_BND, context: Context, side: int) -> torch.Tensor:
        sparse_context = context if context.places_BL2 is None else context.standing(pool(context.places_BL2, side)[0])
        for module in self:
            x_BND = module(x_BND, context, sparse_context, side)
        return x_BND


def pool(x_BND: torch.Tensor, side: int) -> torch.Tensor:
    """Means over the cells of a side x side grid (B, side^2, D)."""
    grid = math.isqrt(x_BND.shape[1])
    image = x_BND.transpose(1, 2).unflatten(2, (grid, grid))
    return F.adaptive_avg_pool2d(image, side).flatten(2).transpose(1, 2)


def upsample(x_BLD: torch.Tensor, tokens: int) -> torch.Tensor:
    """Each of `tokens` places takes the sparse token of its cell (B, tokens, D)."""
    image = x_BLD.transpose(1, 2).unflatten(2, (math.isqrt(x_BLD.shape[1]),) * 2)
    return F.interpolate(image, (math.isqrt(tokens),) * 2, mode="nearest").flatten(2).transpose(1, 2)


def sparse_side(grid: int, drop: float) -> int:
    """m with m^2 / grid^2 = 1 - drop. Raises UserError, naming the possible drop ratios, when there is none."""
    side = grid * math.sqrt(max(0.0, 1 - drop))
    if not 0 <= drop < 1 or round(side) < 1 or abs(side - round(side)) > 1e-6 * grid:
        possible = ", ".join(f"{1 - m * m / grid**2:.10g}" for m in range(grid, 0, -1))
        raise UserError(
            f"drop is {drop}; a {grid} x {grid} grid pools to m x m sparse tokens at drop ratios of {possible}"
        )
    return round(side)


def layout(text: str, depth: int) -> Layout:
    """The numbers of blocks in text such as "2+4x1/3/1/1+2". Raises UserError when they are not `depth` in all."""
    if text == "auto":
        return _automatic(depth)
    found = re.fullmatch(r"(\d+)\+(\d+)x(\d+)/(\d+)/(\d+)/(\d+)\+(\d+)", str(text))
    bottom, modules, *group, top = (int(number) for number in found.groups()) if found else [0] * 7
    if modules < 1 or group[2] < 1 or bottom + modules * sum(group) + top != depth:
        raise UserError(
            f"layout is {text!r}; allowed: auto, or bottom+modules x merge/sparse/recover/dense+top with at least one "
            f"module and one recovery, adding up to the depth {depth}, such as {_automatic(depth).text()}"
        )
    return Layout(bottom, modules, tuple(group), top)


def _automatic(depth: int) -> Layout:
    """The paper's proportions at any depth: modules of about six blocks, of which all but three are sparse."""
    ends = 2 if depth >= 20 else 1
    bottom, top = (ends, ends) if depth >= 5 else (int(depth == 4), 0)
    inside = depth - bottom - top
    sizes = [size for size in range(1, inside + 1) if inside % size == 0 and size >= min(4, inside)]
    size = min(sizes, key=lambda size: (abs(size - 6), -size))
    group = (int(size >= 2), max(0, size - 3), 1, int(size >= 3))
    return Layout(bottom, inside // size, group, top)


def _some(context: Context, rows: torch.Tensor) -> Context:
    """The same for some samples of the batch."""
    return Context(context.condition_BD[rows], context.places_BL2, context.t_B[rows])


def _cross(kind: type[CrossBlock], backbone: Backbone, number: int) -> CrossBlock:
    return kind(
        CrossAttention(backbone.width, backbone.heads, backbone.qk_norm),
        backbone.width,
        backbone.width,
        number,
        backbone.mlp_ratio,
    )
