"""Trains the two extractors of small images on one core in seconds: one supervised, one self-supervised.

`digits-cnn` learns the labels of four fifths of the images; its features are its last hidden layer. `digits-ssl` never
sees a label: it learns to recognise an image by another, disturbed view of it among the rest of the batch (SimCLR,
arXiv 2002.05709, eq. 1). They differ in kind as Inception and DINOv2 do, so their agreement means something.
"""

import hashlib
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from sprint.data import Images, to_signal
from sprint.metrics.networks import small as networks
from sprint.runtime.errors import UserError
from sprint.runtime.files import write_bytes, write_json
from sprint.runtime.progress import track

STEPS = {"digits-cnn": 300, "digits-ssl": 250}
BATCH = 128
LEARNING_RATE = 2e-3
TEMPERATURE = 0.2  # of SimCLR's softmax
PROJECTION = 64  # dimensions in which views are compared


def train(name: str, images: Images, folder: Path, seed: int = 0, steps: int | None = None) -> dict:
    """Train extractor `name` on images and write <folder>/<name>.safetensors and .json; returns what the JSON holds.

    Runs on one thread and depends on (images, seed, steps) alone: the same weights, byte for byte, each time.
    """
    if name not in STEPS:
        raise UserError(f"extractor {name!r} cannot be trained; those that can: {', '.join(STEPS)}")
    steps = STEPS[name] if steps is None else steps
    began, threads = time.monotonic(), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        network, accuracy = _fit(name, images, seed, steps)
    finally:
        torch.set_num_threads(threads)
    weights = networks.to_bytes(network)
    write_bytes(Path(folder) / f"{name}.safetensors", weights)
    record = {
        "name": name,
        "data": images.name,
        "seed": seed,
        "steps": steps,
        "dim": network.shape.dim,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "held_out_accuracy": accuracy,
        "seconds": round(time.monotonic() - began, 2),
    }
    write_json(Path(folder) / f"{name}.json", record)
    return record


def _fit(name: str, images: Images, seed: int, steps: int) -> tuple[networks.SmallNetwork, float]:
    """The trained network and its accuracy on the fifth of the images that it did not see."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(images.labels), generator=generator)
    held_out, seen = order.split([len(order) // 5, len(order) - len(order) // 5])
    if len(held_out) < 2:
        raise UserError(f"data set {images.name} has {len(order)} images; training an extractor takes at least 10")
    supervised = name == "digits-cnn"
    network = _network(images, images.classes if supervised else PROJECTION, seed)
    loss = classification_loss if supervised else contrastive_loss
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=max(steps, 2))
    for _ in track(range(steps), f"training {name}", total=steps):
        batch = seen[torch.randperm(len(seen), generator=generator)[:BATCH]]
        optimizer.zero_grad()
        loss(network, images.pixels[batch], images.labels[batch], generator).backward()
        optimizer.step()
        schedule.step()
    network.eval().requires_grad_(False)
    network.standardise(images.pixels[seen])
    return network, (classifier_accuracy if supervised else neighbour_accuracy)(network, images, seen, held_out)


def _network(images: Images, outputs: int, seed: int) -> networks.SmallNetwork:
    """A network with initial weights from the seed; the caller's global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return networks.SmallNetwork(networks.NetworkConfig(*images.pixels.shape[1:], images.classes), outputs)


def classification_loss(network, pixels, labels, generator) -> torch.Tensor:
    """Cross-entropy of slightly moved images."""
    return F.cross_entropy(network.head(network.embed(moved(to_signal(pixels), generator))), labels)


def contrastive_loss(network, pixels, labels, generator) -> torch.Tensor:
    """NT-Xent: each of the 2 n views must find its partner among the other 2 n - 1. Labels are not looked at."""
    signal = to_signal(pixels)
    views = torch.cat([disturbed(signal, generator), disturbed(signal, generator)])
    projections = F.normalize(network.head(network.embed(views)), dim=1)
    similarity = projections @ projections.T / TEMPERATURE
    similarity.fill_diagonal_(-torch.inf)
    return F.cross_entropy(similarity, torch.arange(len(views)).roll(len(pixels)))


def moved(signal: torch.Tensor, generator: torch.Generator, turn: float = 0.15, shift: float = 0.1) -> torch.Tensor:
    """Images turned by up to `turn` radians, scaled by up to 10% and shifted by up to `shift` of their size."""
    count = len(signal)
    angle, scale, x, y = torch.empty(4, count).uniform_(-1, 1, generator=generator)
    angle, scale = angle * turn, 1 + scale * 0.1
    rotation = torch.stack(
        [scale * angle.cos(), -angle.sin(), x * shift, angle.sin(), scale * angle.cos(), y * shift], 1
    )
    grid = F.affine_grid(rotation.reshape(count, 2, 3), signal.shape, align_corners=False)
    return F.grid_sample(signal, grid, padding_mode="border", align_corners=False)


def disturbed(signal: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A view for self-supervision: moved, with a little noise, and a rectangle of a third of each side erased."""
    view = moved(signal, generator, turn=0.3, shift=0.15)
    view = view + 0.05 * torch.randn(view.shape, generator=generator)
    height, width = signal.shape[2:]
    top, left = torch.rand(2, len(signal), 1, generator=generator)
    rows = torch.arange(height) / height - top * 2 / 3
    columns = torch.arange(width) / width - left * 2 / 3
    hole = ((rows >= 0) & (rows < 1 / 3)).unsqueeze(2) & ((columns >= 0) & (columns < 1 / 3)).unsqueeze(1)
    return view.masked_fill(hole.unsqueeze(1), -1.0)


def classifier_accuracy(network, images: Images, seen: torch.Tensor, held_out: torch.Tensor) -> float:
    """Share of the held-out images whose label is the head's largest output."""
    return float((network(images.pixels[held_out])[1].argmax(1) == images.labels[held_out]).double().mean())


def neighbour_accuracy(network, images: Images, seen: torch.Tensor, held_out: torch.Tensor) -> float:
    """Share of the held-out images whose label is that of the nearest seen image, by cosine of the features."""
    own, others = (F.normalize(network(images.pixels[index])[0], dim=1) for index in (held_out, seen))
    return float((images.labels[seen][(own @ others.T).argmax(1)] == images.labels[held_out]).double().mean())
