"""What a network costs, counted from its real modules on the meta device: nothing is computed, nothing is kept by hand.

A MAC is one multiply-accumulate, two FLOPs. A backward pass is counted as two forward passes, on every device.
Matrix products, convolutions and attention are counted; norms, activations and sums are not (as DiT's authors count).
"""

from dataclasses import replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from sprint.batches import STAGES, sparse_steps
from sprint.config import Run
from sprint.guidance import Guidance
from sprint.methods import find
from sprint.model import Model, Shape
from sprint.plan import shape_of
from sprint.tokens import kept_count

TRAINING_FACTOR = 3  # forward and backward over forward


def on_meta(shape: Shape) -> Model:
    """The network without values."""
    with torch.device("meta"):
        return Model(shape)


def forward_flops(model: Model, kept: int | None = None, skip: bool = False) -> int:
    """FLOPs of one forward pass of one image; `kept` tokens in the sparse blocks (None: all)."""
    shape = model.shape
    with torch.device("meta"):
        x, t, y = (
            torch.empty(1, shape.channels, shape.size, shape.size),
            torch.empty(1),
            torch.empty(1, dtype=torch.long),
        )
        keep = None if kept is None else torch.empty(1, kept, dtype=torch.long)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(x, t, y, keep, skip)
    return counter.get_total_flops()


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
    kinds = ["none", "cfg", *(["pdg"] if find(run.method).can_skip else [])]
    return {
        "params": parameters(model),
        "forward_macs": forward_flops(model) // 2,
        "train_flops_per_image": per_image["pretrain"],
        "finetune_flops_per_image": per_image["finetune"],
        "stages": stages,
        "train_flops": sum(stage["flops"] for stage in stages),
        "train_flops_vs_dense": sum(stage["flops"] for stage in stages) / _dense_flops(shape, steps, batch),
        "sampling_flops_per_step": {kind: sampling_flops(model, Guidance(kind)) for kind in kinds},
    }


def _dense_flops(shape: Shape, steps: dict, batch: dict) -> int:
    """Training FLOPs of the dense network with the same steps and batches."""
    dense = replace(shape, method="dense", settings=find("dense").Settings(), spec=replace(shape.spec, drop=0.0))
    return TRAINING_FACTOR * forward_flops(on_meta(dense)) * sum(steps[name] * batch[name] for name in STAGES)
