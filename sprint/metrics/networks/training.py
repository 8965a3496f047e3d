"""Trains the extractors of small images, on one core in seconds."""

import hashlib
import time
from pathlib import Path

import torch

from sprint.data import Images
from sprint.metrics.extractors import TrainedHere, allowed, extractor_named, trained_here, training_code
from sprint.metrics.networks import small
from sprint.runtime.errors import UserError
from sprint.runtime.files import write_bytes
from sprint.runtime.progress import track
from sprint.runtime.provenance import versions
from sprint.runtime.results import EXTRACTOR

BATCH = 128
LEARNING_RATE = 2e-3
LOW = 0.8  # a held-out accuracy that is remarked on


def train(name: str, images: Images, folder: Path, seed: int = 0, steps: int | None = None) -> dict:
    """Train extractor `name` on images and write <folder>/<name>.safetensors and .json; returns what the JSON holds.

    Runs on one thread and depends on (images, seed, steps) alone: the same weights, byte for byte, each time.
    """
    kind = extractor_named(name)
    if not trained_here(name):
        raise UserError(f"extractor {name!r} has published weights and is not trained here; known: {allowed()}")
    steps = kind.steps if steps is None else steps
    code, began, threads = training_code(name), time.monotonic(), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        network, accuracy = _fit(name, kind, kind.learns_from(images), seed, steps)
    finally:
        torch.set_num_threads(threads)
    network.cells = images.cells if kind.reads_cells else 1
    weights = small.to_bytes(network)
    write_bytes(Path(folder) / f"{name}.safetensors", weights)
    record = {
        "name": name,
        "title": kind.title,
        "data": images.name,
        "seed": seed,
        "steps": steps,
        "dim": network.shape.dim,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "held_out_accuracy": accuracy,
        "remark": remark(name, accuracy),
        "seconds": round(time.monotonic() - began, 2),
        "code": code,
        "versions": versions(),
    }
    EXTRACTOR.write(Path(folder) / f"{name}.json", record)
    return record


def remark(name: str, accuracy: float) -> str:
    """What to say beside the numbers of an extractor that knows the images badly; nothing for a good one."""
    if accuracy >= LOW:
        return ""
    return (
        f"{name} is right on {100 * accuracy:.0f}% of the images held out from its training, fewer than "
        f"{100 * LOW:.0f}%: it tells these images apart badly, and so do distances and labels under it"
    )


def _fit(name: str, kind: type[TrainedHere], images: Images, seed: int, steps: int) -> tuple[small.SmallNetwork, float]:
    """The trained network and its accuracy on the fifth of the images that it did not see."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(images.labels), generator=generator)
    held_out, seen = order.split([len(order) // 5, len(order) - len(order) // 5])
    if len(held_out) < 2:
        raise UserError(f"data set {images.name} has {len(order)} images; training an extractor takes at least 10")
    network = _network(images, kind, seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=max(steps, 2))
    for _ in track(range(steps), f"training {name}", total=steps):
        batch = seen[torch.randperm(len(seen), generator=generator)[:BATCH]]
        optimizer.zero_grad()
        kind.loss(network, images.pixels[batch], images.labels[batch], generator).backward()
        optimizer.step()
        schedule.step()
    network.eval().requires_grad_(False)
    network.standardise(images.pixels[seen])
    sides = ((images.pixels[index], images.labels[index]) for index in (seen, held_out))
    return network, kind.held_out_accuracy(network, *sides)


def _network(images: Images, kind: type[TrainedHere], seed: int) -> small.SmallNetwork:
    """A network with initial weights from the seed; the caller's global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        shape = small.NetworkConfig(*images.pixels.shape[1:], images.classes, kind.hidden)
        return small.SmallNetwork(shape, kind.outputs(images.classes))
