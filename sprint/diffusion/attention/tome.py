"""Token merging (ToMe for Stable Diffusion, arXiv 2303.17604, matched as in arXiv 2210.09461): attention over fewer
tokens, the most alike of them merged before it and given the same value after it.

Every fourth token stays; each other one knows the staying token whose key, the mean over heads, is most like its own by
cosine, and those that are most alike are merged into theirs: queries, keys and values become means. A merged key counts
as the tokens that it stands for (proportional attention), so that merging equal tokens changes nothing.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from sprint.diffusion.attention import Attention, Sizes
from sprint.runtime.errors import UserError
from sprint.runtime.strict import ranged

EVERY = 4  # of so many tokens one stays; as published, where it is one of each square of 2 x 2


@dataclass(frozen=True)
class TokenMerging(Attention):
    merged: float = ranged(0, 1 - 1 / EVERY, default=0.5)  # share of the tokens

    title = "token merging"
    cites = "arXiv 2303.17604"

    def check(self, sizes: Sizes) -> None:
        """Raise UserError where nothing would be merged in any attention of the network."""
        most = max((keys for _, keys in sizes), default=0)
        if self._merged(most) < 1:
            raise UserError(f"merged is {self.merged:g}, which merges none of {most} tokens; allowed: what merges one")

    def product(self, q_BHLd, k_BHMd, v_BHMd):
        place_BM, sizes_BN = self._places(k_BHMd)
        k, v = (_means(part, place_BM, sizes_BN) for part in (k_BHMd, v_BHMd))
        weight = sizes_BN.log()[:, None, None]
        if q_BHLd.shape[2] != k_BHMd.shape[2]:  # queries are of other tokens than keys, and stay as they are
            return F.scaled_dot_product_attention(q_BHLd, k, v, weight)
        q = _means(q_BHLd, place_BM, sizes_BN)
        return F.scaled_dot_product_attention(q, k, v, weight).gather(2, _wide(place_BM, q_BHLd))

    def _merged(self, tokens: int) -> int:
        return min(round(self.merged * tokens), tokens - len(range(0, tokens, EVERY)))

    def _places(self, k_BHMd) -> tuple[torch.Tensor, torch.Tensor]:
        """For each token its place among those that are left (B, M), and how many tokens each of these is (B, N)."""
        keys_BMd = F.normalize(k_BHMd.mean(1), dim=-1)
        images, tokens = keys_BMd.shape[:2]
        others, merged = [token for token in range(tokens) if token % EVERY], self._merged(tokens)
        staying_BSd = keys_BMd[:, ::EVERY]
        likeness_BO, like_BO = (keys_BMd[:, others] @ staying_BSd.transpose(-1, -2)).max(-1)
        rank_BO = likeness_BO.argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)
        place_BM = (torch.arange(tokens, device=k_BHMd.device) // EVERY).repeat(images, 1)
        place_BM[:, others] = torch.where(rank_BO < merged, like_BO, staying_BSd.shape[1] + rank_BO - merged)
        sizes_BN = keys_BMd.new_zeros(images, tokens - merged)
        return place_BM, sizes_BN.scatter_add(1, place_BM, torch.ones_like(place_BM, dtype=sizes_BN.dtype))


def _means(x_BHMd: torch.Tensor, place_BM: torch.Tensor, sizes_BN: torch.Tensor) -> torch.Tensor:
    """What the tokens at each place are on average (B, H, N, d)."""
    sums = x_BHMd.new_zeros(*x_BHMd.shape[:2], sizes_BN.shape[1], x_BHMd.shape[3])
    return sums.scatter_add(2, _wide(place_BM, x_BHMd), x_BHMd) / sizes_BN[:, None, :, None]


def _wide(place_BM: torch.Tensor, x_BHMd: torch.Tensor) -> torch.Tensor:
    return place_BM[:, None, :, None].expand(-1, *x_BHMd.shape[1:2], -1, x_BHMd.shape[3])
