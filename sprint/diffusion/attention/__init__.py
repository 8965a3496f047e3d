"""The contract of an attention: how queries, keys and values become values where a network is asked, not trained.

One file in this folder is one attention; its class is the subclass of Attention that it defines, a frozen dataclass
whose fields are its settings. attending.py puts it in the place of torch's own, whatever network that is; trained
weights, and training, know nothing of it. This file imports no torch, for the report reads how attentions are named.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sprint.runtime.plugins import Kind, find

Sizes = Collection[tuple[int, int]]  # of what is asked: (queries, keys) of each


@dataclass(frozen=True)
class Attention(Kind):
    """softmax(q k / sqrt(d)) v, or what stands for it."""

    usual = "exact"
    title = ""
    cites = ""

    def product(self, q_BHLd, k_BHMd, v_BHMd):
        """Values for every query (B, H, L, d)."""
        raise NotImplementedError

    def check(self, sizes: Sizes) -> None:
        """Raise UserError where it cannot serve a network of these sizes, or would be the usual one in all of them."""

    @property
    def is_usual(self) -> bool:
        """Whether it is the one that networks are trained with."""
        return self.kind() == self.usual

    def text(self) -> str:
        """`pisa block 64 density 0.25`."""
        return text(self.document())


ATTENTIONS = Attention.plugins = find("sprint.diffusion.attention", Attention)


def text(attention: dict) -> str:
    """`{"kind": "pisa", "density": 0.25}` of a results file, whose keys are in no order, as `pisa density 0.25`."""
    settings = [f"{key} {value}" for key, value in sorted(attention.items()) if key != "kind"]
    return " ".join([attention["kind"], *settings])


def attention_of(evaluation: dict) -> str:
    """That of an evaluation of a results file; empty where it is the usual one."""
    return text(evaluation["attention"]) if "attention" in evaluation else ""


def under(evaluation: dict, guidance: str) -> str:
    """What an evaluation of a results file is called, by its guidance and, where it is not the usual, its attention."""
    return ", ".join(filter(None, [guidance, attention_of(evaluation)]))
