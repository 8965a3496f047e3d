"""What a network costs, counted from its real modules on the meta device: nothing is computed, nothing is kept by hand.

A MAC is one multiply-accumulate, two FLOPs. A backward pass is counted as two forward passes, on every device.
Matrix products, convolutions and attention are counted; norms, activations and sums are not (as DiT's authors count).
"""

from dataclasses import replace
from functools import lru_cache

import torch
from torch.utils.flop_counter import FlopCounterMode

from sprint.batches import STAGES, sparse_steps
from sprint.config import Run
from sprint.guidance import Guidance, compared_kinds
from sprint.methods import find
from sprint.model import Model, Shape
from sprint.shape import shape_of
from sprint.tokens import kept_count

TRAINING_FACTOR = 3  # forward and backward over forward


@lru_cache(maxsize=64)
def on_meta(shape: Shape) -> Model:
    """The network without values."""
    with torch.device("meta"):
        return Model(shape)


@lru_cache(maxsize=256)
def forward_flops(model: Model, kept: int | None = None, skip: bool = False) -> int:
    """FLOPs of one forward pass of one image; `kept` tokens in the sparse blocks (None: all)."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(*_one_image(model.shape), _kept_tokens(kept), skip)
    return counter.get_total_flops()


def _one_image(shape: Shape) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    with torch.device("meta"):
        image = torch.empty(1, shape.channels, shape.size, shape.size)
        return image, torch.empty(1), torch.empty(1, dtype=torch.long)


def _kept_tokens(kept: int | None) -> torch.Tensor | None:
    return None if kept is None else torch.empty(1, kept, dtype=torch.long, device="meta")


def activation_bytes(shape: Shape, kept: int | None, bytes_per_value: int = 4) -> int:
    """Bytes that a backward pass of one image needs kept: every tensor saved by autograd, each storage once.

    Measured on the meta device, so without the kernels' own buffers; parameters are not counted.
    """
    model, sizes = on_meta(shape), {}
    own = {parameter.untyped_storage()._cdata for parameter in model.parameters()}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            sizes[storage._cdata] = (storage, storage.nbytes() // tensor.element_size() * bytes_per_value)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(*_one_image(shape), _kept_tokens(kept))
    return sum(size for _, size in sizes.values())


def parameters(model: Model) -> int:
    """Number of parameters, frozen ones included."""
    return sum(parameter.numel() for parameter in model.parameters())


def sampling_flops(model: Model, guidance: Guidance) -> int:
    """FLOPs of one sampling step of one image inside the guidance interval: the strong call and the weak one."""
    strong = forward_flops(model)
    if guidance.kind == "none":
        return strong
    return strong + (forward_flops(model, skip=True) if guidance.skips else strong)


def cost_of(run: Run) -> dict:
    """All costs of a run, each named with its unit in `docs/fidelity.md` and the report."""
    shape = shape_of(run)
    model = on_meta(shape)
    kept = kept_count(run.subsampling, shape.spec.grid, run.drop) if run.subsampling and run.drop else None
    per_image = {
        "pretrain": TRAINING_FACTOR * forward_flops(model, kept),
        "finetune": TRAINING_FACTOR * forward_flops(model),
    }
    steps = {"pretrain": sparse_steps(run), "finetune": run.train.steps - sparse_steps(run)}
    batch = {"pretrain": run.train.batch, "finetune": run.train.finetune_batch}
    stages = [
        {"name": name, "steps": steps[name], "batch": batch[name], "flops_per_image": per_image[name]}
        for name in STAGES
    ]
    for stage in stages:
        stage["flops"] = stage["steps"] * stage["batch"] * stage["flops_per_image"]
    return {
        "params": parameters(model),
        "forward_macs": forward_flops(model) // 2,
        "train_flops_per_image": per_image["pretrain"],
        "finetune_flops_per_image": per_image["finetune"],
        "stages": stages,
        "train_flops": sum(stage["flops"] for stage in stages),
        "train_flops_vs_dense": sum(stage["flops"] for stage in stages) / _dense_flops(shape, steps, batch),
        "sampling_flops_per_step": {kind: sampling_flops(model, Guidance(kind)) for kind in compared_kinds(run.method)},
    }


def dense_twin(shape: Shape) -> Shape:
    """The dense network of the same backbone."""
    return replace(shape, method="dense", settings=find("dense").Settings(), spec=replace(shape.spec, drop=0.0))


def _dense_flops(shape: Shape, steps: dict, batch: dict) -> int:
    """Training FLOPs of the dense network with the same steps and batches."""
    forward = forward_flops(on_meta(dense_twin(shape)))
    return TRAINING_FACTOR * forward * sum(steps[name] * batch[name] for name in STAGES)
