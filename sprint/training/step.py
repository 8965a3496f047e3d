"""One training step, the same for every method: flow matching, AdamW, gradient clipping, moving average."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import torch

from sprint.diffusion.denoiser import Model
from sprint.diffusion.path import interpolate, velocity
from sprint.nn.layers import patchify
from sprint.plan.network import model_config
from sprint.plan.schedule import sparse_steps, stage_of
from sprint.plan.schema import Run
from sprint.runtime import distributed
from sprint.training.batches import Batch

# Published code of SPRINT, with 8 processes: decay .999 in the first eighth of the warm-up of fine-tuning, then .9999.
EARLY_EMA, EARLY_SHARE = 0.999, 8


@dataclass
class State:
    """All that a training is at one moment."""

    model: Model
    average: list[torch.Tensor]  # moving average of the parameters, in their order
    optimizer: torch.optim.Optimizer
    step: int = 0  # steps done
    seconds: float = 0.0  # spent in steps, over all sittings
    losses: list[list[float]] = field(default_factory=list)  # [step, loss]
    milestones: list[dict] = field(default_factory=list)
    reason: str = ""  # why it ended before its last step
    code: dict = field(default_factory=dict)  # that shapes its weights, as it was when this sitting began


def start(run: Run) -> State:
    """Step 0: initial weights from the seed, a fresh optimiser."""
    model = Model(model_config(run), run.seed).to(device())
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        trained, run.train.learning_rate, betas=(0.9, 0.999), weight_decay=run.train.weight_decay, fused=True
    )
    return State(model, [parameter.detach().clone() for parameter in model.parameters()], optimizer)


def device() -> torch.device:
    """The GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _plain(name: str) -> AbstractContextManager:
    return nullcontext()


def train_step(
    run: Run,
    state: State,
    network: torch.nn.Module,
    batch: Batch,
    phase: Callable[[str], AbstractContextManager] = _plain,
    micro_batch: int = 0,
) -> torch.Tensor:
    """One step of the optimiser and of the moving average; returns the loss, not yet read from the device.

    `phase(name)` encloses each phase, so that a benchmark can time it. Of more than `micro_batch` images (0: any
    number) the gradient is summed over several passes.
    """
    if starts_anew(run, state.step):
        start_anew(state)
    parameters = list(state.model.parameters())
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(run, state.step)
    with phase("loss"):
        loss = _passes(run, state.model, network, batch, micro_batch)
    with phase(
        "clipping"
    ):  # the optimiser divides by what the norm is too large by: no pass over the gradient of its own
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients, foreach=True)
        state.optimizer.grad_scale = (norm / run.train.clip).clamp(min=1)  # fused optimisers take it from a GradScaler
    with phase("optimiser"):
        state.optimizer.step()
        state.optimizer.zero_grad(set_to_none=True)  # here, not before the loss: no gradient takes memory beside it
    with phase("EMA"), torch.no_grad():
        torch._foreach_lerp_(state.average, parameters, 1 - ema_decay(run, state.step))
    return loss


def _passes(run: Run, model: Model, network: torch.nn.Module, batch: Batch, micro_batch: int) -> torch.Tensor:
    """Mean loss of the batch, its gradient with the parameters; processes exchange it in the last pass alone."""
    parts, losses = batch.split(micro_batch), []
    for number, part in enumerate(parts, start=1):
        with nullcontext() if number == len(parts) else distributed.to_itself(network):
            loss = batch_loss(run, model, network, part) * (len(part) / len(batch))
            loss.backward()
        losses.append(loss.detach())
    return sum(losses)


def batch_loss(run: Run, model: Model, network: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """Mean over the batch of the method's loss, and of its teacher's."""
    place = next(model.parameters()).device
    inputs = (batch.x_BCHW, batch.noise_BCHW, batch.t_B, batch.y_B)
    x, noise, t, y = (part.to(place, non_blocking=True) for part in inputs)
    keep = None if batch.keep_BK is None else batch.keep_BK.to(place, non_blocking=True)
    skip = batch.skip_B if batch.skip_B is False else batch.skip_B.to(place, non_blocking=True)
    noisy = interpolate(x, noise, t)
    target, noisy_BNP = patchify(velocity(x, noise), run.model.patch), patchify(noisy, run.model.patch)
    features = None if batch.features_BND is None else batch.features_BND.to(place, non_blocking=True)
    losses = []
    for choice in model.method.passes(keep):
        with torch.autocast(place.type, torch.bfloat16, enabled=run.train.precision == "bfloat16"):
            prediction = network(noisy, t, y, choice, skip)
        losses.append(model.method.loss(prediction.float(), target, noisy_BNP, t, choice).mean())
        if features is not None:
            losses.append(model.teacher(features, choice).mean())
    return sum(losses)


def learning_rate(run: Run, step: int) -> float:
    """Of the step's stage, after a linear warm-up at the start of each stage."""
    sparse, train = sparse_steps(run), run.train
    if stage_of(run, step) == "pretrain":
        return train.learning_rate * min(1.0, (step + 1) / (train.warmup + 1))
    return train.finetune_learning_rate * min(1.0, (step - sparse + 1) / (train.warmup_of_finetuning + 1))


def ema_decay(run: Run, step: int) -> float:
    """Of the moving average: the preset's, but shorter at the very start of a fine-tuning that starts anew."""
    since, warmup = step - sparse_steps(run), run.train.warmup_of_finetuning
    early = run.train.finetune_from == "average" and 0 <= since <= warmup // EARLY_SHARE and warmup
    return min(EARLY_EMA, run.train.ema) if early else run.train.ema


def starts_anew(run: Run, step: int) -> bool:
    """Whether a step is the first of a fine-tuning that is a new training of the averaged weights."""
    return run.train.finetune_from == "average" and step == sparse_steps(run) > 0


def start_anew(state: State) -> None:
    """Go on from the averaged weights with a fresh optimiser; the average, equal to them now, is fresh as well."""
    with torch.no_grad():
        torch._foreach_copy_(list(state.model.parameters()), state.average)
    state.optimizer.state.clear()
