"""What is kept of a preset's real images, results/<preset>/reference, as evaluations read it.

    features.safetensors   features by extractor and layer, labels, and those that the classifier gives
    moments.safetensors    means and covariances, where there are other than of those features
    manifest.json          what was made of what, and the hash by which evaluations name it

Features are mapped from the file and not read before they are looked at.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from safetensors.torch import save

from sprint.data import Examples
from sprint.evaluation.measured import Reference, Tensors, split_features
from sprint.metrics.maths.frechet import Gaussian
from sprint.runtime.errors import UserError
from sprint.runtime.files import file_sha256, write_bytes
from sprint.runtime.results import REFERENCE
from sprint.training import checkpoint

FEATURES, MOMENTS, MANIFEST = "features.safetensors", "moments.safetensors", "manifest.json"


def write_kept(folder: Path, reference: Reference, extractors: dict) -> None:
    """Write a reference; `extractors` identifies those that saw it. The manifest, which makes it count, is last."""
    rows = {name: rows for name, rows in reference.features.items() if not isinstance(rows, Gaussian)}
    features = {**rows, **reference.told, "labels": reference.labels}
    moments = {**{name: one for name, one in reference.features.items() if name not in rows}, **reference.moments}
    (folder / MANIFEST).unlink(missing_ok=True)
    (folder / MOMENTS).unlink(missing_ok=True)
    sums = [_written(folder / FEATURES, features)]
    if moments:
        parts = {f"{part}:{name}": getattr(one, part) for name, one in moments.items() for part in Gaussian._fields}
        sums.append(_written(folder / MOMENTS, parts))
    REFERENCE.write(
        folder / MANIFEST,
        {
            "sha256": sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest(),
            "bytes": {name: (folder / name).stat().st_size for name in (FEATURES, MOMENTS)[: len(sums)]},
            "data": reference.source,
            "images": reference.images,
            "kept": len(reference.labels),
            "published": reference.published,
            **extractors,
        },
    )


def _written(path: Path, tensors: Tensors) -> str:
    """Write tensors; their file's SHA-256."""
    data = save({name: tensor.contiguous() for name, tensor in tensors.items()})
    write_bytes(path, data)
    return hashlib.sha256(data).hexdigest()


def obeyed_of(examples: Examples) -> Callable | None:
    """How the rule between the cells of a data set's images is read, where it has any."""
    return examples.data_set.obeyed if examples.data_set.cells > 1 else None


def read_reference(results: Path, examples: Examples) -> Reference:
    """What `sprint reference` wrote into results/<preset>. Raises UserError where it is missing or broken."""
    folder = results / "reference"
    seen = checkpoint.read_tensors(folder / FEATURES)
    features, told = split_features(seen)
    known = {"labels": seen.get("labels"), "told": told, "obeyed": obeyed_of(examples)}
    source = f"preset {results.name}"
    if not (folder / MANIFEST).exists():  # kept by an earlier version
        return Reference(features, file_sha256(folder / FEATURES), source, **known)
    manifest = REFERENCE.read(folder / MANIFEST)
    for name, size in manifest["bytes"].items():
        if not (folder / name).is_file() or (folder / name).stat().st_size != size:
            raise UserError(f"{folder / name}: not the file that {MANIFEST} beside it is of; make the reference anew")
    moments = _moments(folder / MOMENTS) if MOMENTS in manifest["bytes"] else {}
    alone = {name: one for name, one in moments.items() if name not in features}
    beside = {name: one for name, one in moments.items() if name in features}
    known |= {"moments": beside, "published": manifest["published"], "images": manifest["images"]}
    return Reference({**features, **alone}, manifest["sha256"], source, **known)


def seen_by(results: Path, name: str, weights_sha256: str) -> bool:
    """Whether the reference of results/<preset> was seen by an extractor with these weights."""
    path = results / "reference" / MANIFEST
    return path.is_file() and REFERENCE.read(path)["extractors"].get(name) == weights_sha256


def _moments(path: Path) -> dict[str, Gaussian]:
    parts = checkpoint.read_tensors(path)
    names = {key.partition(":")[2] for key in parts}
    return {name: Gaussian(*(parts[f"{part}:{name}"] for part in Gaussian._fields)) for name in sorted(names)}
