"""What a network costs, counted from its real modules on the meta device: nothing is computed, nothing is kept by hand.

A MAC is one multiply-accumulate, two FLOPs. A backward pass is counted as two forward passes, on every device.
Matrix products, convolutions and attention are counted; norms, activations and sums are not (as DiT's authors count).
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from statistics import NormalDist

import torch
from torch.utils.flop_counter import FlopCounterMode

from sprint.diffusion.attending import USUAL, asked_with
from sprint.diffusion.attention import Attention
from sprint.diffusion.denoiser import Model, ModelConfig
from sprint.diffusion.guidance import GUIDANCES, Guidance, compared_kinds, kept_of, kind_name
from sprint.methods import METHODS, YARDSTICK, Method

TRAINING_FACTOR = 3  # forward and backward over forward
_SHARES = tuple((number + 0.5) / 256 for number in range(256))
TRAINING_TIMES = tuple(
    1 / (1 + math.exp(-NormalDist().inv_cdf(share))) for share in _SHARES
)  # as path.draw_times draws
SAMPLING_TIMES = _SHARES  # evenly, as samplers step


@lru_cache(maxsize=64)
def on_meta(config: ModelConfig) -> Model:
    """The network without values."""
    with torch.device("meta"):
        return Model(config)


@lru_cache(maxsize=256)
def forward_flops(
    model: Model,
    kept: int | None = None,
    skip: bool = False,
    times: tuple = TRAINING_TIMES,
    taught: bool = False,
    attention: Attention = USUAL,
) -> int:
    """FLOPs of one forward pass of one image; `kept` tokens in the sparse blocks (None: all), with a teacher or not.

    Where a method computes otherwise at other times, the mean over `times`. Of an attention all its products count.
    """

    def count() -> int:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            asked_with(attention, model)(*_one_image(model.config), _kept_tokens(kept), skip)
            if taught and model.teacher is not None:
                model.teacher(_features(model.config), _kept_tokens(kept))
        return counter.get_total_flops()

    return _mean_over(times, model.method, count)


def step_flops(model: Model, kept: int | None) -> int:
    """FLOPs of the forward passes of one image of a training step: as many as its method makes."""
    return sum(forward_flops(model, choice, taught=True) for choice in model.method.passes(kept))


def _mean_over(times: tuple, method: Method, count: Callable[[], int]) -> int:
    """The mean of count() over times; what a method computes alike is counted once."""
    found: dict[object, list[float]] = {}
    for t in times:
        found.setdefault(method.variant(t), []).append(t)
    total = 0
    try:
        for alike in found.values():
            method.time = alike[0]
            total += len(alike) * count()
    finally:
        method.time = None
    return round(total / len(times))


def _one_image(config: ModelConfig) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    with torch.device("meta"):
        image = torch.empty(1, config.channels, config.size, config.size)
        return image, torch.empty(1), torch.empty(1, dtype=torch.long)


def _features(config: ModelConfig) -> torch.Tensor:
    return torch.empty(1, config.backbone.tokens, config.teacher.dim, device="meta")


def _kept_tokens(kept: int | None) -> torch.Tensor | None:
    return None if kept is None else torch.empty(1, kept, dtype=torch.long, device="meta")


def activation_bytes(config: ModelConfig, kept: int | None, bytes_per_value: int = 4) -> int:
    """Bytes that a backward pass of one image needs kept: every tensor saved by autograd, each storage once.

    Measured on the meta device, so without the kernels' own buffers; parameters are not counted.
    """
    model, sizes = on_meta(config), {}
    own = {parameter.untyped_storage()._cdata for parameter in model.parameters()}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            sizes[storage._cdata] = (storage, storage.nbytes() // tensor.element_size() * bytes_per_value)
        return tensor

    def count() -> int:
        sizes.clear()
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            graphs = [model(*_one_image(config), _kept_tokens(choice)) for choice in model.method.passes(kept)]
        del graphs  # until here they keep what was saved
        return sum(size for _, size in sizes.values())

    return _mean_over(TRAINING_TIMES, model.method, count)


def parameters(model: Model) -> int:
    """Number of parameters, frozen ones included."""
    return sum(parameter.numel() for parameter in model.parameters())


def sampling_flops(model: Model, guidance: Guidance, attention: Attention = USUAL) -> int:
    """FLOPs of one evaluation of the guided velocity of one image inside the guidance interval: all its calls."""
    grid = model.config.backbone.grid
    return sum(
        forward_flops(model, kept_of(call, grid), call.skip, SAMPLING_TIMES, attention=attention)
        for call in guidance.calls()
    )


def attended(model: Model, guidance: Guidance) -> set[tuple[int, int]]:
    """(queries, keys) of every attention that a network computes while it samples under a guidance."""
    grid = model.config.backbone.grid
    return {size for call in guidance.calls() for size in _attended(model, kept_of(call, grid), call.skip)}


@lru_cache(maxsize=256)
def _attended(model: Model, kept: int | None, skip: bool) -> frozenset[tuple[int, int]]:
    noting = _Noting()
    forward_flops.__wrapped__(model, kept, skip, SAMPLING_TIMES, attention=noting)  # a count that is kept asks nothing
    return frozenset(noting.seen)


@dataclass(frozen=True)
class _Noting(Attention):
    """The usual attention, which notes over what it is asked: (queries, keys)."""

    seen: set[tuple[int, int]] = field(default_factory=set)

    def product(self, q_BHLd, k_BHMd, v_BHMd):
        self.seen.add((q_BHLd.shape[2], k_BHMd.shape[2]))
        return USUAL.product(q_BHLd, k_BHMd, v_BHMd)


@dataclass(frozen=True)
class Stage:
    """A part of a training, as its cost is counted."""

    name: str
    steps: int
    batch: int  # images a step
    kept: int | None  # tokens in the sparse blocks; None: all
    frozen: int = 0  # FLOPs of what a teacher's frozen network tells of an image, which has no backward pass


def training_total(config: ModelConfig, stages: list[Stage]) -> int:
    """FLOPs of a training."""
    return sum(stage.steps * stage.batch * image_flops(on_meta(config), stage) for stage in stages)


def image_flops(model: Model, stage: Stage) -> int:
    """FLOPs of one image of a stage: its passes forward and backward, and what a frozen network tells of it."""
    return TRAINING_FACTOR * step_flops(model, stage.kept) + stage.frozen


def dense_twin(config: ModelConfig) -> ModelConfig:
    """The dense network of the same backbone."""
    settings, backbone = METHODS[YARDSTICK].Settings(), replace(config.backbone, drop=0.0)
    return replace(config, method=YARDSTICK, settings=settings, backbone=backbone, teacher=None)


def dense_total(config: ModelConfig, stages: list[Stage]) -> int:
    """FLOPs of the dense network trained with the same steps and batches."""
    return training_total(dense_twin(config), [replace(stage, kept=None, frozen=0) for stage in stages])


def cost_of_network(config: ModelConfig, attentions: Iterable[Attention] = ()) -> dict:
    """The costs of a network of whose training nothing is known; of sampling with the usual attention under the name of
    a guidance, with these others under its name and theirs."""
    model, kinds = on_meta(config), compared_kinds(METHODS[config.method], config.backbone.grid)
    return {
        "params": parameters(model),
        "forward_macs": forward_flops(model) // 2,
        "stages": [],
        "sampling_flops_per_step": {
            **{kind: sampling_flops(model, GUIDANCES[kind]()) for kind in kinds},
            **{
                f"{kind_name(kind)}, {attention.text()}": sampling_flops(model, GUIDANCES[kind](), attention)
                for attention in attentions
                for kind in kinds
            },
        },
    }


def cost_of_training(config: ModelConfig, stages: list[Stage], attentions: Iterable[Attention] = ()) -> dict:
    """All costs of a network and its training, beside those of the dense network with the same steps and batches."""
    model = on_meta(config)
    told = [
        {
            "name": stage.name,
            "steps": stage.steps,
            "batch": stage.batch,
            "flops_per_image": (each := image_flops(model, stage)),
            "flops": stage.steps * stage.batch * each,
        }
        for stage in stages
    ]
    spent = sum(stage["flops"] for stage in told)
    per_image = {stage["name"]: stage["flops_per_image"] for stage in told}
    return cost_of_network(config, attentions) | {
        "train_flops_per_image": per_image["pretrain"],
        "finetune_flops_per_image": per_image["finetune"],
        "stages": told,
        "train_flops": spent,
        "train_flops_vs_dense": spent / dense_total(config, stages),
    }
