"""PISA, piecewise sparse attention (arXiv 2602.01077): the best blocks of keys exactly, the others by an expansion
about their mean key, so that none is left out.

Blocks of keys are ranked for a block of queries by mean query times mean key. Of a block that is not chosen, with mean
key m, sum V of values and H = sum (k - m) v, a query q sees e^(q m) (V + q H) over b e^(q m), the Taylor expansion to
first order, whose denominator has no term of first order. Written from the paper in plain torch, without its kernels:
what it saves here is counted and measured, not promised.
"""

from dataclasses import dataclass

import torch

from sprint.diffusion.attention import Attention, Sizes
from sprint.runtime.errors import UserError
from sprint.runtime.strict import ranged


@dataclass(frozen=True)
class Pisa(Attention):
    density: float = ranged(0, 1, default=0.25)  # share of the blocks of keys that are seen exactly, at least one
    block: int = ranged(1, 1 << 16, default=64)  # tokens of a block; so many keys or fewer are all seen exactly

    title = "PISA"
    cites = "arXiv 2602.01077"

    def check(self, sizes: Sizes) -> None:
        """Raise UserError unless tokens are whole blocks wherever there are more keys than one block has."""
        most = max((keys for _, keys in sizes), default=0)
        if most <= self.block or not _whole(self.block, sizes):
            allowed = ", ".join(str(size) for size in range(1, most) if _whole(size, sizes))
            counts = ", ".join(str(count) for count in sorted({count for size in sizes for count in size}))
            raise UserError(
                f"block is {self.block}; allowed for a network whose attention is over {counts} tokens: "
                f"{allowed or 'none'}"
            )

    def product(self, q_BHLd, k_BHMd, v_BHMd):
        size, asked = self.block, (q_BHLd.shape[2], k_BHMd.shape[2])
        if asked[1] <= size:  # one block, which is seen exactly
            return torch.nn.functional.scaled_dot_product_attention(q_BHLd, k_BHMd, v_BHMd)
        self.check([asked])
        q = (q_BHLd * q_BHLd.shape[-1] ** -0.5).unflatten(2, (-1, size))  # blocks: B H I b d
        k, v = (part.unflatten(2, (-1, size)) for part in (k_BHMd, v_BHMd))  # B H J b d
        means = k.mean(3)
        count = max(1, round(self.density * k.shape[2]))
        best = (q.mean(3) @ means.transpose(-1, -2)).topk(count, dim=-1).indices  # B H I c
        near, far = self._near(q, k, best), self._far(q, means, best)
        peak = torch.maximum(near.amax(-1, True), far.amax(-1, True))
        near, far = (near - peak).exp(), (far - peak).exp()  # B H I b (c b), B H I b J
        slopes = (k - means.unsqueeze(3)).transpose(-1, -2) @ v  # H of every block: B H J d d
        values = near @ _chosen(v, best) + far @ v.sum(3).unsqueeze(2)
        values = values + torch.einsum("bhiqj,bhiqd,bhjde->bhiqe", far, q, slopes)
        return (values / (near.sum(-1, True) + size * far.sum(-1, True))).flatten(2, 3)

    def _near(self, q, k, best):
        """Products of the queries with every key of the chosen blocks."""
        return q @ _chosen(k, best).transpose(-1, -2)

    def _far(self, q, means, best):
        """Products with the mean keys, none with those of chosen blocks."""
        products = q @ means.unsqueeze(2).transpose(-1, -2)
        chosen = torch.zeros(products.shape[:3] + products.shape[4:], dtype=torch.bool, device=q.device)
        return products.masked_fill(chosen.scatter(-1, best, True).unsqueeze(3), float("-inf"))


def _whole(block: int, sizes: Sizes) -> bool:
    """Whether queries and keys are whole blocks wherever there are more keys than one block has."""
    return not any(keys > block and (queries % block or keys % block) for queries, keys in sizes)


def _chosen(blocks_BHJbd: torch.Tensor, best_BHIc: torch.Tensor) -> torch.Tensor:
    """The tokens of the chosen blocks, for every block of queries (B, H, I, c b, d)."""
    size, width = blocks_BHJbd.shape[3:]
    rows = best_BHIc.flatten(2)[..., None, None].expand(-1, -1, -1, size, width)
    return blocks_BHJbd.gather(2, rows).unflatten(2, best_BHIc.shape[2:]).flatten(3, 4)
