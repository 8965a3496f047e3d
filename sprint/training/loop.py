"""The training loop, the same for every method: steps, checkpoints, milestones.

    sprint train RUN --preset digits

A step is a function of (seed, step) and of the weights, so that a run that was killed goes on from its last checkpoint
to the same bits as one that was not. Processes that share a run (runtime/distributed.py) read and draw each its part of
the same global batch; the first of them writes, by a thread of its own.
"""

import contextlib
import math
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from sprint import data
from sprint.plan.schedule import stage_of
from sprint.plan.schema import Run
from sprint.plan.training import Passes
from sprint.runtime import distributed, provenance, status
from sprint.runtime.errors import UserError
from sprint.runtime.files import remove_unfinished
from sprint.runtime.lock import hold
from sprint.runtime.progress import track
from sprint.runtime.results import CONFIG, TRAIN
from sprint.runtime.status import Interrupted
from sprint.teachers.frozen import Features, trained
from sprint.training import checkpoint
from sprint.training.batches import Batch, draw_batch, prefetch
from sprint.training.contract import refuse_broken
from sprint.training.recompute import recompute
from sprint.training.step import State, device, start, train_step
from sprint.training.writer import Writer

RECORDED_LOSSES = 200  # of a run, evenly spaced
PREFETCHED = 2  # batches that lie ready for a GPU
ALL_AT_ONCE = Passes()


def train(run: Run, folder: Path, passes: Passes = ALL_AT_ONCE) -> dict:
    """Train `run` in `folder`, or go on with it; returns what train.json holds. A finished run is left as it is."""
    folder = Path(folder)
    sizes = {"batch": run.train.batch, "finetune_batch": run.train.finetune_batch}
    with distributed.process_group(), distributed.on_rank0(hold(folder)):
        if distributed.broadcast((folder / "train.json").exists()):
            return TRAIN.read(folder / "train.json")
        torch.set_num_threads(run.train.threads)
        if distributed.is_main():
            remove_unfinished(folder)
            status.write(folder, "running")
        try:
            with distributed.all_or_none():
                refuse_broken(run)
                distributed.refuse_uneven(sizes, distributed.world(), f"{run.name}: train.")
                examples = _examples(run, folder)
                features = _features(run, folder, examples)
            result = _train(run, folder, examples, passes, features)
        except BaseException as error:
            if not distributed.left_alone(error):
                status.record_error(folder, error)
            raise
        if distributed.is_main():
            status.write(folder, result["state"], result["reason"])
        return result


def _examples(run: Run, folder: Path) -> data.Examples:
    """The run's examples, which config.json describes. Raises UserError where they are not those it began with."""
    path, examples = folder / "config.json", data.opened(run.data, run.codec, run.image_size)
    facts = {"images": len(examples), "images_sha256": examples.data_set.fingerprint()}
    begun = CONFIG.read(path) if path.exists() and any((folder / "checkpoints").glob("*.json")) else facts
    if any(begun.get(key, value) != value for key, value in facts.items()):
        raise UserError(
            f"{path}: begun with {begun['images']} images of {examples.name}, where there are now "
            f"{facts['images']} and others; put back what changed, or remove {folder} to train anew"
        )
    examples.data_set.verify()
    facts |= {"name": run.name, "label": run.label, "channels": examples.channels, "classes": examples.classes}
    facts |= {"backbone": run.model.kind()}
    if latents := examples.data_set.facts_of_latents():
        facts |= {"encoder": latents.autoencoder or "not known", "vae_input": list(latents.vae_input)}
    if distributed.is_main():
        CONFIG.write(path, {**run.document(), **facts})
    return examples


def _features(run: Run, folder: Path, examples: data.Examples) -> Features | None:
    """What the run's teacher tells; its extractor's weights lie in results/<preset>, as the run's folder does."""
    if not run.teacher:
        return None
    grid = examples.size // run.model.patch
    return trained(run.teacher["extractor"], examples, grid, folder.absolute().parent.parent)


def _train(run: Run, folder: Path, examples: data.Examples, passes: Passes, features: Features | None) -> dict:
    state = start(run)
    state.code = run.code
    if passes.recompute:
        recompute(state.model)
    _resume(state, folder / "checkpoints", run.hash)
    _loop(run, state, examples, folder, passes, features)
    result = {
        "state": "diverged" if state.reason else "done",
        "reason": state.reason,
        "step": state.step,
        "steps": run.train.steps,
        "seconds": round(state.seconds, 3),
        "milestones": state.milestones,
        "losses": state.losses,
        "processes": distributed.world(),
        "peak_memory_bytes": provenance.peak_memory(),
        "machine": provenance.machine(),
        "versions": provenance.versions(),
        "commit": provenance.commit(),
        "code": state.code,
        **({"teacher_weights": features.weights_sha256} if features else {}),
        "ended": time.strftime("%Y-%m-%d %H:%M:%S"),
    }
    if distributed.is_main():
        result = TRAIN.write(folder / "train.json", result)
        checkpoint.keep_newest(folder / "checkpoints", 0, run.train.steps)
    return result


def _loop(
    run: Run, state: State, examples: data.Examples, folder: Path, passes: Passes, features: Features | None
) -> None:
    milestones = {run.train.milestone_step(share) for share in run.train.milestones}
    network = distributed.replicated(state.model)
    network = torch.compile(network) if run.train.compile else network
    steps = range(state.step, run.train.steps)
    with (
        _on_request_to_stop() as asked,
        Writer() as writer,
        contextlib.closing(_batches(run, state, examples, steps, features)) as batches,
    ):
        for step in track(steps, run.name, run.train.steps, state.step):
            began = time.perf_counter()
            loss = train_step(run, state, network, next(batches), micro_batch=passes.micro_batch)
            state.step = step + 1
            _record(run, state, loss)
            state.seconds += time.perf_counter() - began
            if state.step in milestones and not state.reason:
                _keep_milestone(run, state, folder / "milestones", writer)
            if state.reason:
                return
            leaving = distributed.any_asks(bool(asked))
            if state.step % run.train.checkpoint_every == 0 or leaving:
                _save(run, state, folder / "checkpoints", writer)
            if leaving and state.step < run.train.steps:
                writer.wait()
                distributed.barrier()  # the first to leave has the others ended: not while the checkpoint is written
                raise Interrupted(
                    f"stopped at step {state.step} of {run.train.steps}; the same command goes on from there"
                )


def _batches(
    run: Run, state: State, examples: data.Examples, steps: range, features: Features | None
) -> Iterator[Batch]:
    """This process's part of each step's batch; for a GPU drawn ahead, while it works, into pinned memory."""
    graphics = device().type == "cuda"

    def draw(step: int) -> Batch:
        part = distributed.rank(), distributed.world()
        batch = draw_batch(run, examples, step, state.model.method.skip_rate, *part, features)
        return batch.pinned() if graphics else batch

    return prefetch(draw, steps, PREFETCHED if graphics else 0)


def _record(run: Run, state: State, loss: torch.Tensor) -> None:
    """Keep the loss now and then; one that is not finite ends the run."""
    every = max(1, run.train.steps // RECORDED_LOSSES)
    if state.step % every and state.step != run.train.steps:
        return
    value = distributed.mean(loss).item()
    if math.isfinite(value):
        state.losses.append([state.step, round(value, 6)])
    else:
        state.reason = f"the loss is {value} at step {state.step}"


def _keep_milestone(run: Run, state: State, folder: Path, writer: Writer) -> None:
    """Keep the averaged weights; where they are not finite, a finite loss notwithstanding, the run ends."""
    if not all(tensor.isfinite().all() for tensor in state.average):
        state.reason = f"the averaged weights are not finite at step {state.step}"
        return
    names = [name for name, _ in state.model.named_parameters()]
    step, stage = state.step, stage_of(run, state.step - 1)
    if distributed.is_main():
        average = dict(zip(names, state.average, strict=True))
        writer.write(average, lambda tensors: checkpoint.write(folder, step, tensors, {"stage": stage}, run.hash))
    state.milestones = [kept for kept in state.milestones if kept["step"] != state.step]
    state.milestones.append({"step": state.step, "stage": stage, "seconds": round(state.seconds, 3)})


def _save(run: Run, state: State, folder: Path, writer: Writer) -> None:
    step, rest = state.step, {"seconds": state.seconds, "code": state.code}
    rest |= {"losses": [*state.losses], "milestones": [*state.milestones]}  # as they are now

    def write(tensors: dict[str, torch.Tensor]) -> None:
        checkpoint.write(folder, step, tensors, rest, run.hash)
        checkpoint.keep_newest(folder, 2, step)

    if distributed.is_main():
        writer.write(_tensors(state), write)


def _resume(state: State, folder: Path, configuration: str) -> None:
    with distributed.all_or_none():
        found = checkpoint.latest(folder, configuration) if distributed.is_main() else None
    known = distributed.broadcast(found and (found[1], set(found[0])))
    if known is None:
        return
    rest, names = known
    for name, parameter in state.model.named_parameters():
        if f"optimizer.step.{name}" in names:  # not that of a parameter which never had a gradient
            state.optimizer.state[parameter] = {
                "step": torch.zeros((), device=parameter.device),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
    for name, tensor in _tensors(state).items():
        if distributed.is_main():
            tensor.copy_(found[0][name])
        distributed.broadcast_tensor(tensor)
    state.step, state.seconds = rest["step"], rest["seconds"]
    state.losses, state.milestones = rest["losses"], rest["milestones"]


def _tensors(state: State) -> dict[str, torch.Tensor]:
    """Every tensor of the training by name: parameters, their average, and what AdamW keeps of each."""
    tensors = {}
    for (name, parameter), average in zip(state.model.named_parameters(), state.average, strict=True):
        tensors[f"model.{name}"], tensors[f"average.{name}"] = parameter.detach(), average
        for key, value in state.optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{key}.{name}"] = value
    return tensors


@contextlib.contextmanager
def _on_request_to_stop() -> Iterator[list]:
    """A list that is no longer empty once SIGTERM has come: Slurm's grace time before it kills."""
    asked: list = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)
