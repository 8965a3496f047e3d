"""The evaluation alone: images that did not come from us against a reference of any kind.

sprint evaluate --images DIR --reference DIR|FILE.npz|PRESET [--extractor inception] [--out metrics.json]
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file

from sprint.data import ROWS
from sprint.evaluation.folders import file_sha256, read_arrays, read_images
from sprint.evaluation.statistics_file import read_npz
from sprint.metrics import extractors
from sprint.metrics.maths.frechet import Gaussian
from sprint.metrics.measuring import evidence_of, measure
from sprint.metrics.measuring.bootstrap import bootstrap
from sprint.runtime.errors import UserError
from sprint.runtime.files import write_json

UNPUBLISHED = "weights not the published ones"


@dataclass(frozen=True)
class Reference:
    """What samples are measured against: features or their Gaussian, and where they came from."""

    features: torch.Tensor | Gaussian
    source: str
    sha256: str
    size: tuple[int, int] | None  # pixels of the real images, where they are known
    channels: int | None


def judge_images(
    images: Path, reference: str, name: str, weights: Path | None, resize: str, preset: str, out: Path | None
) -> dict:
    """Measure a folder or array of images; the result is written to `out` when one is named, after all went well."""
    results = Path("results") / (reference if _is_preset(reference) else preset)
    extractor = load_extractor(name, weights, results)
    known = _reference(reference, extractor, results, resize)
    size, channels = _wanted(extractor, known)
    pixels, sha256 = read_images(images, size, channels, resize)
    features = extractors.features(extractor, pixels)
    evidence = evidence_of({name: features}, {name: known.features})
    metrics, reasons = measure(evidence)
    result = {
        "identity": {
            "images_sha256": sha256,
            "image_size": list(pixels.shape[2:]),
            "channels": pixels.shape[1],
            "resize": resize,
            "extractors": {name: extractor.weights_sha256},
            "reference": known.sha256,
            "dtype": "float32",
        },
        "images": len(pixels),
        "image_folder": str(images),
        "reference": known.source,
        "extractor": name,
        "label": "published weights" if extractor.published else UNPUBLISHED,
        "metrics": metrics,
        "reasons": reasons,
        "bootstrap": bootstrap(evidence, len(pixels)),
    }
    if name in extractors.SMALL:
        result["label"] = "weights trained here"
    if out is not None:
        write_json(out, result)
    return result


def load_extractor(name: str, weights: Path | None, results: Path) -> extractors.Extractor:
    """An extractor with the weights named, or a preset's own, or the published ones from the usual cache."""
    extractors.check(name)
    trained = results / "extractors" / f"{name}.safetensors"
    if weights is None and name in extractors.SMALL:
        if not trained.is_file():
            raise UserError(
                f"{trained}: no such file; extractor {name} is trained by `sprint extractor {name} "
                f"--preset {results.name}`, or name its file with --extractor-weights"
            )
        weights = trained
    return extractors.load(name, weights)


def print_result(result: dict) -> None:
    """The metrics as a table, with what they were made with; missing ones with their reason."""
    print(f"{result['images']} images of {result['image_folder']} against {result['reference']}")
    print(f"extractor {result['extractor']}, {result['label']}")
    for name, value in result["metrics"].items():
        print(f"{name:32} {'missing: ' + result['reasons'][name] if value is None else f'{value:.6g}'}")


def _is_preset(reference: str) -> bool:
    return "/" not in reference and not Path(reference).exists() and Path(reference).suffix == ""


def _reference(reference: str, extractor: extractors.Extractor, results: Path, resize: str) -> Reference:
    path = Path(reference)
    if _is_preset(reference):
        return _preset(reference, extractor, results)
    if path.suffix == ".npz" and path.is_file() and {"mu", "sigma"} <= set(read_arrays(path)):
        return Reference(read_npz(path, extractor.dim), reference, file_sha256(path), None, None)
    size, channels = _fixed(extractor)
    pixels, sha256 = read_images(path, size, channels, resize)
    return Reference(
        extractors.features(extractor, pixels), reference, sha256, tuple(pixels.shape[2:]), pixels.shape[1]
    )


def _preset(reference: str, extractor: extractors.Extractor, results: Path) -> Reference:
    """The real images of a preset: their features where they were made with these weights, else made now."""
    from sprint.plan.reading import load_preset

    preset = load_preset(reference)
    examples = preset.examples()
    path, own = results / "reference" / "features.safetensors", results / "extractors" / f"{extractor.name}.safetensors"
    _, channels, height, width = examples.pictures(examples.data_set.measured[:1])[0].shape
    shape = (height, width), channels
    if path.is_file() and own.is_file() and file_sha256(own) == extractor.weights_sha256:
        kept = load_file(path)
        if extractor.name in kept:
            return Reference(kept[extractor.name], f"preset {reference}", file_sha256(path), *shape)
    features, sha256 = [], hashlib.sha256()
    for rows in examples.data_set.measured.split(ROWS):
        pixels, _ = examples.pictures(rows)
        features.append(extractors.features(extractor, pixels))
        sha256.update(pixels.numpy().data)
    return Reference(torch.cat(features), f"preset {reference}", sha256.hexdigest(), *shape)


def _fixed(extractor: extractors.Extractor) -> tuple[tuple[int, int] | None, int | None]:
    """The size and channels that an extractor insists on; one of coloured images takes grey ones too."""
    channels, height, width = extractor.module.image_shape
    return ((height, width) if height else None), (channels if height else None)


def _wanted(extractor: extractors.Extractor, known: Reference) -> tuple[tuple[int, int] | None, int | None]:
    size, channels = _fixed(extractor)
    return size or known.size, channels or known.channels
