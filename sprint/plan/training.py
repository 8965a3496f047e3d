"""The schedule of a training: how many steps of which stage, on how many images. Loads no torch."""

import dataclasses
import math
from dataclasses import dataclass

from sprint.runtime.strict import ranged


@dataclass(frozen=True)
class Passes:
    """How a process takes its part of a step, so that it fits the memory: moves a number by rounding only."""

    micro_batch: int = ranged(0, 1 << 20, default=0)  # most images of a pass of one process; 0: all at once
    recompute: bool = False  # activations inside blocks are computed again instead of kept: a third more FLOPs


@dataclass(frozen=True)
class Training:
    """One schedule for all methods: sparse pre-training, then fine-tuning on all tokens."""

    steps: int = ranged(1, 1 << 40)  # optimiser steps of both stages together
    finetune: float = ranged(0, 1)  # share of the steps on all tokens, 0 to 1
    batch: int = ranged(1, 1 << 20)  # images a step, over all devices
    finetune_batch: int = ranged(1, 1 << 20)
    learning_rate: float = ranged(1e-12, 10)
    finetune_learning_rate: float = ranged(1e-12, 10)
    warmup: int = ranged(0, 1 << 40)  # steps of linear warm-up at the start of each stage
    ema: float = ranged(0, 1)  # decay of the moving average of the weights, per step
    clip: float = ranged(1e-12, 1e12)  # largest norm of the gradient
    weight_decay: float = ranged(0, 10)
    label_drop: float = ranged(0, 1)  # probability that a label is replaced by the null label
    precision: str = ranged(allowed=("float32", "bfloat16"))  # "float32", or "bfloat16" for autocast
    milestones: list[float]  # shares of the steps after which the averaged weights are kept for evaluation
    checkpoint_every: int = ranged(1, 1 << 40)  # steps between checkpoints for resuming
    threads: int = ranged(1, 1 << 10)  # CPU threads of one training; part of what fixes its bits
    compile: bool  # torch.compile the network
    # Tokens of the second stage: "kept", as many as in the first, is the control of what all of them give.
    finetune_on: str = ranged(allowed=("all", "kept"), default="all")
    # What fine-tuning starts from: "raw", goes on with weights, moments and average as they are; "average", is a new
    # training of the averaged weights with fresh moments and average, as SPRINT's published code has it.
    finetune_from: str = ranged(allowed=("raw", "average"), default="raw")
    finetune_warmup: int = ranged(-1, 1 << 40, default=-1)  # -1: as many steps as `warmup`

    def document(self) -> dict:
        """The fields as JSON has them; those with a usual value where they have another."""
        return {
            one.name: getattr(self, one.name)
            for one in dataclasses.fields(self)
            if getattr(self, one.name) != one.default
        }

    @property
    def warmup_of_finetuning(self) -> int:
        """Steps of linear warm-up at the start of the second stage."""
        return self.warmup if self.finetune_warmup < 0 else self.finetune_warmup

    @property
    def sparse_steps(self) -> int:
        """Steps of the first stage, on sparse tokens."""
        return self.steps - round(self.steps * self.finetune)

    def milestone_step(self, share: float) -> int:
        """The step after which the weights of a milestone are kept."""
        return math.ceil(share * self.steps)

    def images_before(self, step: int) -> int:
        """Images that all steps before that one see, over all devices."""
        sparse = min(step, self.sparse_steps)
        return sparse * self.batch + (step - sparse) * self.finetune_batch


UNKNOWN_TRAINING = Training(  # of a published checkpoint, of whose training nothing is known
    steps=0,
    finetune=0.0,
    batch=0,
    finetune_batch=0,
    learning_rate=0.0,
    finetune_learning_rate=0.0,
    warmup=0,
    ema=0.0,
    clip=0.0,
    weight_decay=0.0,
    label_drop=0.0,
    precision="float32",
    milestones=[],
    checkpoint_every=0,
    threads=1,
    compile=False,
)
