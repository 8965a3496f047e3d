"""The schedule of a training: how many steps of which stage, on how many images. Loads no torch."""

import math
from dataclasses import dataclass

from sprint.runtime.strict import ranged


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
