"""The writing of shards, each file whole or not at all, so that a writer that was killed goes on where it was.

The bytes depend on what is stored alone, not on how often the writing was cut short nor on how many processes shared
it. The layout is that of layouts/shards.py; while it is written, `begun.json` says of what, and `00000.json` that a
shard is finished, with its hashes.
"""

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sprint.data.facts import Facts, unscaled
from sprint.data.layouts import SAMPLE
from sprint.data.layouts.shards import BEGUN, INDEX, LABELS, LOCK, NAME, VERSION, shard_name
from sprint.runtime import distributed
from sprint.runtime.errors import UserError
from sprint.runtime.files import file_sha256, read_json, refuse_unwritable, remove_unfinished, write_bytes, write_json
from sprint.runtime.lock import hold
from sprint.runtime.progress import track

BYTES = 1 << 27  # of a shard, about
ROWS = 32  # examples that are made at a time
LARGEST = float(np.finfo(np.float16).max)


@dataclass(frozen=True)
class Content:
    """What a store is to hold."""

    rows: Callable[[np.ndarray, bool], np.ndarray]  # (indices, mirrored) -> (B, channels, h, w), unscaled
    labels: np.ndarray  # (n,) int64
    classes: int
    shape: tuple[int, int, int]
    facts: Facts  # kind, vae_input, autoencoder
    mirrored: bool
    held_out: list[int]
    made_of: dict  # what identifies the source and how it was read: equal where the bytes will be

    def per_shard(self, asked: int | None) -> int:
        """Examples of a shard: as many as were asked for, or as fill BYTES."""
        return asked or max(1, BYTES // (2 * int(np.prod(self.shape))))


def evenly(count: int, held_out: int) -> list[int]:
    """So many indices spread over `count`, for the part that no training sees."""
    if not 0 <= held_out < count:
        raise UserError(f"--held-out is {held_out}; allowed: from 0 to less than the {count} examples")
    return [] if not held_out else np.linspace(0, count - 1, held_out).round().astype(int).tolist()


def write_store(folder: Path, content: Content, shard: int | None, what: str) -> None:
    """Write the content into a folder, or go on with it. Raises UserError where the folder was begun with another."""
    folder, size = Path(folder), content.per_shard(shard)
    refuse_unwritable(folder)
    with distributed.on_rank0(hold(folder)):
        with distributed.all_or_none():
            done = distributed.is_main() and _finished(folder, {**content.made_of, "shard": size})
        if distributed.broadcast(done):
            return
        parts = [range(first, min(first + size, len(content.labels))) for first in range(0, len(content.labels), size)]
        with distributed.all_or_none():
            _write_shards(folder, content, dict(enumerate(parts)), what)
        distributed.barrier()
        if distributed.is_main():
            _write_index(folder, content, parts, size)


def _finished(folder: Path, made_of: dict) -> bool:
    """Whether all is there already; otherwise what was begun here is the same, or is begun now."""
    remove_unfinished(folder)
    for name in (INDEX, BEGUN):
        if (folder / name).exists():
            begun = read_json(folder / name)
            if not isinstance(begun, dict) or begun.get("made_of") != made_of:
                raise UserError(f"{folder}: holds latents of something else, or made otherwise; name another folder")
            if name == INDEX:
                _tidy(folder)
                return True
            return False
    if others := sorted(path.name for path in folder.iterdir() if path.name != LOCK):
        raise UserError(f"{folder}: holds {others[0]}, and no latents that were begun; name another folder")
    write_json(folder / BEGUN, {"made_of": made_of})
    return False


def _write_shards(folder: Path, content: Content, parts: dict[int, range], what: str) -> None:
    """This process's share of those that are not finished."""
    left = {number: part for number, part in parts.items() if not _record(folder, number).exists()}
    mine = {number: left[number] for number in list(left)[distributed.rank() :: distributed.world()]}
    batches = [
        (number, range(first, min(first + ROWS, part.stop)))
        for number, part in mine.items()
        for first in range(part.start, part.stop, ROWS)
    ]
    done = sum(-(-len(part) // ROWS) for number, part in parts.items() if number not in left)
    arrays: dict[bool, np.ndarray] = {}
    for number, rows in track(batches, what, done + len(batches), done):
        part = parts[number]
        for mirrored in (False, True) if content.mirrored else (False,):
            if rows.start == part.start:
                arrays[mirrored] = np.empty((len(part), *content.shape), np.float16)
            place = slice(rows.start - part.start, rows.stop - part.start)
            arrays[mirrored][place] = _halved(content.rows(np.array(rows), mirrored), folder)
        if rows.stop == part.stop:
            _write_shard(folder, number, arrays, content.facts)


def _halved(rows: np.ndarray, folder: Path) -> np.ndarray:
    """As float16. Raises UserError for what that cannot hold."""
    if not (np.abs(rows) <= LARGEST).all():
        raise UserError(
            f"{folder}: a latent is larger than {LARGEST:g} or no number; check the autoencoder and `scale`"
        )
    return rows.astype(np.float16)


def _write_shard(folder: Path, number: int, arrays: dict[bool, np.ndarray], facts: Facts) -> None:
    """Write the files, read them back, and record their hashes last."""
    record = {"moments": _sums(arrays[False], facts)}
    for mirrored, array in arrays.items():
        path, data = folder / shard_name(number, mirrored), npy_bytes(array)
        write_bytes(path, data)
        sha256 = hashlib.sha256(data).hexdigest()
        if file_sha256(path) != sha256:
            raise UserError(
                f"{path}: reads otherwise than it was written; check the disk, then the same command goes on"
            )
        record["mirrored_sha256" if mirrored else "sha256"] = sha256
    write_json(_record(folder, number), {"count": len(arrays[False]), **record})


def npy_bytes(array: np.ndarray) -> memoryview:
    """The array as an .npy file."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getbuffer()


def _sums(array: np.ndarray, facts: Facts) -> list[list[float]]:
    """Sum over examples and places of each channel's mean, and of its mean square."""
    sums = np.zeros((2, array.shape[1] // (1 if facts.kind == SAMPLE else 2)))
    for first in range(0, len(array), ROWS):
        mean, std = unscaled(array[first : first + ROWS].astype(np.float64), facts)
        sums += mean.sum((0, 2, 3)), (mean**2 + std**2).sum((0, 2, 3))
    return sums.tolist()


def _write_index(folder: Path, content: Content, parts: list[range], size: int) -> None:
    records = [read_json(_record(folder, number)) for number in range(len(parts))]
    sums = sum(np.array(record.pop("moments")) for record in records)
    mean, square = sums / (len(content.labels) * content.shape[1] * content.shape[2])
    labels = npy_bytes(content.labels.astype(np.int64))
    write_bytes(folder / LABELS, labels)
    index = {
        "layout": NAME,
        "version": VERSION,
        "count": len(content.labels),
        "classes": content.classes,
        "kind": content.facts.kind,
        "shape": list(content.shape),
        "vae_input": list(content.facts.vae_input),
        "mean": mean.tolist(),
        "std": np.sqrt(np.maximum(square - mean**2, 0)).tolist(),
        "mirrored": content.mirrored,
        "autoencoder": content.facts.autoencoder,
        "held_out": content.held_out,
        "made_of": {**content.made_of, "shard": size},
        "labels": {"sha256": hashlib.sha256(labels).hexdigest()},
        "shards": records,
    }
    write_json(folder / INDEX, index)
    _tidy(folder)


def _tidy(folder: Path) -> None:
    """Remove what only mattered while shards were written."""
    for path in [folder / BEGUN, *_records(folder), folder / LOCK]:
        path.unlink(missing_ok=True)


def _record(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.json"


def _records(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("*.json") if path.stem.isdigit())
