"""The samples of an evaluation, a shard at a time: each is drawn and seen, and only what extractors saw is kept.

A shard is a file below evaluations/<key>/ that appears whole. Processes take the shards that are missing in turns, so
that whoever is killed loses the one it is at, and their number changes nothing: what a shard holds follows from its
place alone. Where all are there they become one file, and the folder goes.
"""

import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from sprint.runtime import distributed
from sprint.runtime.files import write_bytes

LEAST = 512  # images of a shard, or one batch where that is more: a multiple of what extractors see at a time
Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Place:
    """Images first..last-1, and the file of what was seen of them."""

    first: int
    last: int
    path: Path


@dataclass(frozen=True)
class Shards:
    """The shards of an evaluation of so many images, drawn in batches of that size by such code."""

    folder: Path
    images: int
    batch: int
    code: dict

    def places(self) -> list[Place]:
        """All of them, in order; each but the last holds a whole number of batches."""
        size = max(1, LEAST // self.batch) * self.batch
        starts = range(0, self.images, size)
        digits = len(str(self.images))
        ends = [min(start + size, self.images) for start in starts]
        return [
            Place(start, end, self.folder / f"{start:0{digits}d}-{end:0{digits}d}.safetensors")
            for start, end in zip(starts, ends, strict=True)
        ]

    def fill(self, make: Callable[[int, int], Tensors]) -> None:
        """Make those that are missing; each process its part of them. `make(first, last)` gives what a shard holds."""
        places = self.places()
        missing = distributed.broadcast([place for place in places if not self._whole(place)])
        if distributed.is_main() and len(missing) < len(places):
            done = len(places) - len(missing)
            print(f"{self.folder}: going on after {done} of {len(places)} shards", file=sys.stderr, flush=True)
        for place in missing[distributed.rank() :: distributed.world()]:
            tensors = {name: tensor.contiguous() for name, tensor in make(place.first, place.last).items()}
            write_bytes(place.path, save(tensors, {"made": self._made}))
        distributed.barrier()

    def read(self) -> Iterator[Tensors]:
        """What the shards hold, in order."""
        for place in self.places():
            with safe_open(place.path, framework="pt") as file:
                yield {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118

    def remove(self) -> None:
        """Take them away, and what is left of others that were never finished."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _made(self) -> str:
        """What shards have in common that can be put together."""
        return hashlib.sha256(json.dumps([self.images, self.batch, self.code], sort_keys=True).encode()).hexdigest()

    def _whole(self, place: Place) -> bool:
        """Whether the shard is there, can be read, and was made in the same way."""
        try:
            with safe_open(place.path, framework="pt") as file:
                return (file.metadata() or {}).get("made") == self._made
        except (OSError, SafetensorError):
            return False


def joined(parts: Iterator[Tensors], count: int) -> Tensors:
    """The rows of all parts one after the other, each read once into its place."""
    found: Tensors = {}
    start = 0
    for part in parts:
        rows = len(next(iter(part.values())))
        for name, tensor in part.items():
            if name not in found:
                found[name] = torch.empty(count, *tensor.shape[1:], dtype=tensor.dtype)
            found[name][start : start + rows] = tensor
        start += rows
    return found
