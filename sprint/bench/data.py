"""What reading latents costs a training: examples a second and process, memory, time until the first batch.

    sprint bench data

On shards made for it, of 8 x 32 x 32 numbers an example as ImageNet-256's are, all of which the system has just read.
A process of its own draws batches on one core, as a training does: index, read, draw from the posterior, noise, times.
"""

import hashlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from sprint.bench import clock
from sprint.bench.training import at_size
from sprint.data import Examples, opened
from sprint.data.facts import Facts
from sprint.data.layouts.shards import Shards
from sprint.data.store import Content, write_store
from sprint.methods import YARDSTICK
from sprint.plan.reading import Entry, load_preset, make_run
from sprint.plan.schema import Run
from sprint.runtime import provenance
from sprint.runtime.errors import UserError
from sprint.runtime.files import write_json
from sprint.training.batches import draw_batch

SHAPE, CLASSES, BATCH = (8, 32, 32), 1000, 256
DIFFERENT = 4096  # examples of random numbers; more are these again, which no reading notices
STEPS, TURNS = 20, 8  # batches of a turn, and turns after one to warm up


def bench_data(count: int, out: Path) -> dict:
    """Make a store of so many examples beside `out`, measure a process that draws batches of it, and remove it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix="latents-") as store:
        made = clock.timed(lambda: make_store(Path(store), count))
        Shards(Path(store)).verify_hashes()  # and so the system has read all of it
        child = [sys.executable, "-m", "sprint.bench.data", store, str(time.monotonic())]
        done = subprocess.run(child, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise UserError(f"the process that reads ended with status {done.returncode}; see what it said above")
        found = json.loads(done.stdout)
    result = {
        **provenance.measurement("data", 1),
        **{"examples": count, "shape": list(SHAPE), "batch": BATCH, "bytes": count * 2 * int(np.prod(SHAPE))},
        **{"seconds_to_make": made, **found},
    }
    write_json(out, result)
    return result


def make_store(folder: Path, count: int) -> None:
    """Shards of random means and deviations."""
    numbers = np.random.default_rng(0).standard_normal((DIFFERENT, *SHAPE), np.float32)
    numbers[:, SHAPE[0] // 2 :] = np.abs(numbers[:, SHAPE[0] // 2 :]) / 20
    facts, labels = Facts("mean_std", (-1.0, 1.0)), np.arange(count) % CLASSES
    content = Content(
        lambda rows, _: numbers[rows % DIFFERENT], labels, CLASSES, SHAPE, facts, False, [], {"count": count}
    )
    write_store(folder, content, None, "making latents")


def measured(store: Path, asked: float) -> dict:
    """What this process, asked for at that time, takes to draw batches."""
    torch.set_num_threads(1)
    started = clock.resident_bytes()
    run, examples = _run(), _opened(store)
    draw_batch(run, examples, 0, 0.0)
    first, steps = time.monotonic() - asked, itertools.count(1)

    def turn() -> None:
        for step in itertools.islice(steps, STEPS):
            draw_batch(run, examples, step, 0.0)

    seconds = [clock.timed(turn) for _ in range(1 + TURNS)]
    last = next(steps)
    return {
        "examples_per_second": clock.summary([STEPS * BATCH / taken for taken in seconds]),
        "first_batch_seconds": first,
        "bytes_above_start": clock.peak_bytes() - started,
        "same_when_resumed": _digest(run, examples, last) == _digest(run, _opened(store), last),
    }


def _run() -> Run:
    preset = at_size(load_preset("digits"), "B/2", 256, BATCH)
    return make_run(preset, Entry(YARDSTICK), 0, "bench")


def _opened(store: Path) -> Examples:
    """The store through a codec whose autoencoder is never asked to make a picture."""
    codec = {
        "name": "autoencoder",
        "path": str(store / "none"),
        "channels": SHAPE[0] // 2,
        "scale": [1.0],
        "shift": [0.0],
    }
    examples = opened({"name": "latents", "path": str(store)}, codec, 8 * SHAPE[1])
    examples.check()
    return examples


def _digest(run: Run, examples: Examples, step: int) -> str:
    """Of the two batches from that step on."""
    digest = hashlib.sha256()
    for one in (step, step + 1):
        batch = draw_batch(run, examples, one, 0.0)
        for part in (batch.x_BCHW, batch.y_B, batch.noise_BCHW):
            digest.update(part.numpy().data)
    return digest.hexdigest()


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]), float(sys.argv[2]))))
