"""U-ViT (arXiv 2209.12152): time and label are tokens beside the patches, and each block of the first half is joined to
its mirror image in the second: x = Linear([x ; what that block gave]). Blocks are pre-norm, without conditioning.

A sparse method carries both extra tokens past what it drops: blocks on kept tokens begin with them as they then are,
those after begin where the blocks on all tokens left them. Blocks that are joined have to see the same tokens.
"""

from collections.abc import Collection
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from sprint.nn.backbones import Backbone
from sprint.nn.layers import Attention, Block, Context, grid_places, patchify, sincos_positions, sinusoids
from sprint.runtime.errors import UserError
from sprint.runtime.strict import ranged

EXTRA = 2  # tokens: time, label
TIMES = 1000.0  # t = 1 is the last of so many steps of its published schedule, which its sinusoids are of


@dataclass(frozen=True)
class UViT(Backbone):
    positions: str = ranged(allowed=("learned", "sincos", "rope2d"))  # published: learned

    title = "U-ViT"
    cites = "arXiv 2209.12152"
    repeatable = False

    def refuse(self, other_blocks: bool, sparse: Collection[int]) -> None:
        if other_blocks:
            raise UserError(
                "backbone is 'uvit', which has blocks of one kind and width and no condition beside its tokens; "
                "allowed for this method: dit"
            )
        mirrored = {self.depth - 1 - number for number in sparse}
        if mirrored != set(sparse):
            raise UserError(
                f"backbone is 'uvit', whose blocks i and {self.depth - 1} - i are joined, and blocks {min(sparse)} to "
                f"{max(sparse)} see the kept tokens alone; allowed: as many blocks before these as after"
            )

    def embedding(self, channels: int, classes: int) -> dict[str, nn.Module]:
        return {
            "patches": nn.Linear(self.patch**2 * channels, self.width),
            "labels": nn.Embedding(classes + 1, self.width),
            "places": Positions(self.width, self.grid, self.positions),
        }

    def embed(self, network: nn.Module, x_BCHW, t_B, y_B) -> tuple[torch.Tensor, Context]:
        patches = network.patches(patchify(x_BCHW, self.patch))
        time = sinusoids(TIMES * t_B, self.width).to(patches.dtype)
        tokens = torch.cat((torch.stack((time, network.labels(y_B)), 1), patches), 1)
        if network.places.positions_ND is not None:
            tokens = tokens + network.places.positions_ND
        extra_BED, tokens_BND = tokens[:, :EXTRA], tokens[:, EXTRA:]
        return tokens_BND, Joined(extra_BED, network.places.places_1N2, t_B)

    def output(self, width: int, channels: int) -> nn.Module:
        return Output(width, self.patch**2 * channels)

    def block(self, number: int, width: int = 0, heads: int = 0, attention: nn.Module | None = None) -> Block:
        own = Attention(self.width, self.heads, self.qk_norm)
        own.qkv.register_parameter("bias", None)
        return JoinedBlock(attention or own, self.width, number, self.mlp_ratio, self.depth - 1 - number)


class Joined(Context):
    """What a pass knows beside its tokens: the extra ones as they are by now, and what blocks gave to their mirrors."""

    def __init__(self, extra_BED: torch.Tensor, places_BL2: torch.Tensor | None, t_B: torch.Tensor):
        super().__init__(None, places_BL2, t_B)
        self.extra_BED = extra_BED
        self.given: dict[int, torch.Tensor] = {}

    def at(self, keep_BK: torch.Tensor | None) -> "Joined":
        """For the kept tokens, or all: a branch of its own, in which stays what its blocks do to the extra tokens."""
        everywhere = keep_BK is None or self.places_BL2 is None
        return Joined(self.extra_BED, self.places_BL2 if everywhere else self.places_BL2[0][keep_BK], self.t_B)

    def rotation(self, head_width: int) -> tuple[torch.Tensor, torch.Tensor] | None:
        """The extra tokens stand nowhere: they are not turned."""
        found = super().rotation(head_width)
        return found and tuple(
            F.pad(part, (0, 0, EXTRA, 0), value=still) for part, still in zip(found, (1, 0), strict=True)
        )


class JoinedBlock(Block):
    """x += Attn(LN x), x += MLP(LN x), after a linear layer that joins it to its mirror where that came before."""

    def __init__(self, attention: nn.Module, width: int, number: int, mlp_ratio: float, mirror: int):
        nn.Module.__init__(self)
        self.number, self.mirror, self.attention = number, mirror, attention
        inner = int(mlp_ratio * width)
        self.mlp = nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width))
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.join = nn.Linear(2 * width, width) if mirror < number else None

    def forward(self, x_BLD: torch.Tensor, context: Joined) -> torch.Tensor:
        x = torch.cat((context.extra_BED.to(x_BLD.dtype), x_BLD), 1)
        if self.join is not None:
            x = self.join(torch.cat((x, context.given[self.mirror]), -1))
        x = x + self.attention(self.norm1(x), context)
        x = x + self.mlp(self.norm2(x))
        if self.mirror > self.number:
            context.given[self.number] = x
        context.extra_BED, x_BLD = x[:, :EXTRA], x[:, EXTRA:]
        return x_BLD


class Output(nn.Module):
    """LayerNorm, then a linear layer to the values of a patch."""

    def __init__(self, width: int, out: int):
        super().__init__()
        self.norm, self.linear = nn.LayerNorm(width), nn.Linear(width, out)

    def forward(self, x_BLD: torch.Tensor, context: Context) -> torch.Tensor:
        return self.linear(self.norm(x_BLD))


class Positions(nn.Module):
    """Learned positions of all tokens, fixed waves of the patches' places, or those places for rotary ones."""

    def __init__(self, width: int, grid: int, kind: str):
        super().__init__()
        if kind == "learned":
            self.positions_ND = nn.Parameter(torch.empty(EXTRA + grid**2, width))
        else:
            waves_ND = F.pad(sincos_positions(width, grid), (0, 0, EXTRA, 0)) if kind == "sincos" else None
            self.register_buffer("positions_ND", waves_ND, persistent=False)
        places_1N2 = grid_places(grid).unsqueeze(0) if kind == "rope2d" else None
        self.register_buffer("places_1N2", places_1N2, persistent=False)
