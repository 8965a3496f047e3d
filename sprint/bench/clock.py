"""How speed and memory are measured: turn by turn, the first turn apart, again where turns scatter, medians."""

import ctypes
import gc
import statistics
import sys
import time
from collections.abc import Callable

import torch

from sprint.runtime.progress import track

SCATTER = 0.1  # turns scatter where their middle half is wider than this share of their median
ROUNDS = 3  # so often at most are the turns taken while some scatter
STATUS, CLEAR = "/proc/self/status", "/proc/self/clear_refs"


def timed(once: Callable[[], object], now: Callable[[], float] = time.perf_counter) -> float:
    """Seconds of one call by a clock, the device's work included."""
    synchronise()
    began = now()
    once()
    synchronise()
    return now() - began


def synchronise() -> None:
    """Wait until the device has done what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def in_turns(
    tasks: dict, repeats: int, what: str, now: Callable[[], float] = time.perf_counter
) -> dict[object, list[float]]:
    """Seconds of every call of each task, turn by turn, so that a machine that slows down slows all of them.

    The first turn warms up, and compiles where something is compiled: it stands first. `repeats` turns follow; while
    any task's turns scatter, all tasks take as many again, up to ROUNDS times in all. No turn is thrown away.
    """
    seconds: dict[object, list[float]] = {key: [timed(once, now)] for key, once in tasks.items()}
    for round_ in range(ROUNDS):
        for _ in track(range(repeats), f"{what}{', again: turns scatter' if round_ else ''}", repeats):
            for key, once in tasks.items():
                seconds[key].append(timed(once, now))
        if not any(summary(taken)["scatters"] for taken in seconds.values()):
            break
    return seconds


def summary(values: list[float]) -> dict[str, float | bool]:
    """Median, lowest and highest of the turns after the first; whether they scatter too much to say one number."""
    turns = values[1:]
    return {
        "median": statistics.median(turns),
        "low": min(turns),
        "high": max(turns),
        "repeats": len(turns),
        "scatters": _middle_half(turns) > SCATTER * statistics.median(turns),
    }


def _middle_half(values: list[float]) -> float:
    """Width of the middle half (interquartile range); 0 of a single value, of which nothing can be told."""
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return high - low


def working_bytes(once: Callable[[], object]) -> int | None:
    """Most bytes held during a call beyond those held before it; None where the system does not tell."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        once()
        return torch.cuda.max_memory_allocated() - before
    if sys.platform != "linux":
        return None
    ctypes.CDLL(None).malloc_trim(0)  # what was freed and not given back would hide what the call takes
    before = _resident("VmRSS")
    with open(CLEAR, "w", encoding="ascii") as stream:
        stream.write("5")  # the peak starts anew (proc(5))
    once()
    return max(0, _resident("VmHWM") - before)


def resident_bytes() -> int:
    """Bytes that this process holds in memory now."""
    return _resident("VmRSS")


def peak_bytes() -> int:
    """Most bytes that it has held so far."""
    return _resident("VmHWM")


def _resident(key: str) -> int:
    with open(STATUS, encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))


def largest_batch(attempt: Callable[[int], object], batch: int) -> int:
    """`batch`, halved until `attempt(batch)` fits the GPU's memory. Raises the device's error when not even 1 fits."""
    while True:
        try:
            attempt(batch)
            return batch
        except torch.OutOfMemoryError:
            if batch == 1:
                raise
        batch //= 2  # out of the handler, whose traceback holds what was built
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def matrix_rate(precision: str, repeats: int = 5) -> float:
    """FLOP/s of this machine's own product of large square matrices: what a network can hope for at most."""
    place = "cuda" if torch.cuda.is_available() else "cpu"
    size = 8192 if place == "cuda" else 1024
    left, right = torch.randn(2, size, size, device=place, dtype=getattr(torch, precision))
    return 2 * size**3 / summary([timed(lambda: left @ right) for _ in range(repeats + 1)])["median"]
