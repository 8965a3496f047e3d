"""The processes that share a training or an evaluation, one per device, as torchrun starts them.

Where there is one process, nothing here costs anything: every function returns what it was given. With more, tensors
of a GPU travel by NCCL and all else by gloo. What the processes decide, they decide alike, so that none waits for one
that has left.
"""

import contextlib
import os
from collections.abc import Iterator
from datetime import timedelta

from sprint.runtime.errors import UserError

PATIENCE = timedelta(hours=4)  # with the first process, while it writes or measures and the others wait
RESUMABLE = 75  # exit status of what was asked to stop and can go on (EX_TEMPFAIL)
REFUSED = 2  # exit status where another process tells the user why
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # before torch is there: its warnings of lost connections


def launched() -> bool:
    """Whether torchrun, or `cli/launch.py` by the same machinery, started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def world() -> int:
    """Processes that work on this together."""
    return int(os.environ["WORLD_SIZE"]) if launched() else 1


def rank() -> int:
    """The number of this one, from 0."""
    return int(os.environ["RANK"]) if launched() else 0


def is_main() -> bool:
    """Whether this process is the one that writes and talks."""
    return rank() == 0


@contextlib.contextmanager
def process_group() -> Iterator[None]:
    """A block in which the processes can talk to each other; one that falls says why, the others leave quietly."""
    if world() == 1:
        yield
        return
    import torch
    import torch.distributed as dist

    local, graphics = int(os.environ["LOCAL_RANK"]), torch.cuda.is_available()
    if graphics and torch.cuda.device_count() < int(os.environ["LOCAL_WORLD_SIZE"]):
        count = torch.cuda.device_count()
        raise UserError(f"{os.environ['LOCAL_WORLD_SIZE']} processes on a node with {count} GPUs; allowed: one per GPU")
    if graphics:
        torch.cuda.set_device(local)
    dist.init_process_group("cpu:gloo,cuda:nccl" if graphics else "gloo", timeout=PATIENCE)
    try:
        yield
    except Exception as error:
        if left_alone(error):
            raise SystemExit(1) from None
        raise
    finally:
        dist.destroy_process_group()


@contextlib.contextmanager
def all_or_none() -> Iterator[None]:
    """A block that succeeds in all processes or in none: the first to fail raises its error, the others leave."""
    if world() == 1:
        yield
        return
    failure = None
    try:
        yield
    except Exception as error:
        failure = error
    failed = _all_gather(failure is not None)
    if any(failed):
        if failed.index(True) == rank():
            raise failure
        raise SystemExit(REFUSED)


@contextlib.contextmanager
def on_rank0(context: contextlib.AbstractContextManager) -> Iterator[None]:
    """A context that the first process enters for all."""
    with contextlib.ExitStack() as entered:
        with all_or_none():
            if is_main():
                entered.enter_context(context)
        yield


def left_alone(error: BaseException) -> bool:
    """Whether the error says no more than that another process is gone."""
    if world() == 1:
        return False
    import torch.distributed as dist

    return isinstance(error, SystemExit | dist.DistError) or (isinstance(error, RuntimeError) and "gloo" in str(error))


def any_asks(asked: bool) -> bool:
    """Whether any process asks for it."""
    if world() == 1:
        return asked
    import torch
    import torch.distributed as dist

    flag = torch.tensor(int(asked))
    dist.all_reduce(flag, dist.ReduceOp.MAX)
    return bool(flag)


def barrier() -> None:
    """Wait until all processes are here."""
    any_asks(False)


def mean(value):
    """The mean of a tensor over the processes."""
    if world() == 1:
        return value
    import torch.distributed as dist

    total = value.clone()
    dist.all_reduce(total)
    return total / world()


def broadcast(value):
    """The first process's value, which can be any that pickles."""
    if world() == 1:
        return value
    import torch.distributed as dist

    values = [value]
    dist.broadcast_object_list(values, 0)
    return values[0]


def broadcast_tensor(tensor) -> None:
    """Overwrite a tensor by the first process's."""
    if world() > 1:
        import torch.distributed as dist

        dist.broadcast(tensor, 0)


def gather(value) -> list:
    """At the first process every process's value, in order; elsewhere nothing."""
    if world() == 1:
        return [value]
    import torch.distributed as dist

    values = [None] * world() if is_main() else None
    dist.gather_object(value, values)
    return values or []


def shard(items):
    """This process's contiguous share of a sequence of any length; the first process's is never the smaller."""
    start, end = (-(-number * len(items) // world()) for number in (rank(), rank() + 1))
    return items[start:end]


def replicated(model):
    """The model as one of equal replicas: its gradients become the mean over the processes.

    Parameters that no process used in a step (a path that was dropped, a stage's own) keep no gradient, as alone.
    """
    if world() == 1:
        return model
    import torch
    from torch.nn.parallel import DistributedDataParallel

    place = [torch.cuda.current_device()] if torch.cuda.is_available() else None
    return DistributedDataParallel(model, place, forward_sync_buffers=False, find_unused_parameters=True)


def to_itself(model) -> contextlib.AbstractContextManager:
    """A block whose gradients a replica keeps to itself: the next backward pass outside adds to them and exchanges."""
    return contextlib.nullcontext() if world() == 1 else model.no_sync()


def refuse_uneven(sizes: dict[str, int], processes: int, location: str) -> None:
    """Raise UserError for a batch that the processes cannot share evenly; `location` opens the keys."""
    for key, size in sizes.items():
        if size % processes:
            raise UserError(
                f"{location}{key} is {size}; allowed for {processes} processes, the devices of all nodes: a multiple "
                f"of {processes}"
            )


def _all_gather(value) -> list:
    import torch.distributed as dist

    values = [None] * world()
    dist.all_gather_object(values, value)
    return values
