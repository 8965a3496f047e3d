"""The evaluation of images that did not come from us, against a reference of any kind.

sprint evaluate --images DIR --reference DIR|FILE.npz|PRESET [--extractor inception] [--out metrics.json]
"""

import hashlib
from pathlib import Path

import torch
from safetensors.torch import load_file

from sprint.data import ROWS
from sprint.evaluation.folders import file_sha256, read_arrays, read_images
from sprint.evaluation.measured import Extractors, Reference, identified, measured
from sprint.evaluation.statistics_file import read_npz
from sprint.metrics.extractors import weights_file
from sprint.metrics.networks.loading import Loaded
from sprint.plan.reading import load_preset
from sprint.plan.schema import Preset
from sprint.runtime.errors import UserError
from sprint.runtime.files import write_json


def evaluate_images(
    images: Path, reference: str, name: str, weights: Path | None, resize: str, preset: str, out: Path | None
) -> dict:
    """Measure a folder or array of images; the result is written to `out` when one is named, after all went well.

    An extractor that is trained here has the weights of the preset that is the reference, else of `preset`.
    """
    real = _preset_named(reference)
    extractors = Extractors([name], Path("results") / (real.name if real else preset), weights=weights)
    (extractor,) = extractors.loaded.values()
    known = _of_preset(real, extractor) if real else _of_files(Path(reference), extractor, resize)
    channels, height, width = extractor.image_shape
    size = (height, width) if height else known.size
    pixels, sha256 = read_images(images, size, channels if height else known.channels, resize)
    made = {
        "images_sha256": sha256,
        "image_size": list(pixels.shape[2:]),
        "channels": pixels.shape[1],
        "resize": resize,
    }
    result = {
        **identified(made, extractors, known),
        "images": len(pixels),
        "image_folder": str(images),
        "reference": known.source,
        "extractor": name,
        "label": extractor.label,
        "weights_file": str(extractor.path),
        **measured(extractors.see(pixels), None, extractors, known),
    }
    if out is not None:
        write_json(out, result)
    return result


def print_result(result: dict) -> None:
    """The metrics as a table, with what they were made with; missing ones with their reason, and the warnings."""
    print(f"{result['images']} images of {result['image_folder']} against {result['reference']}")
    print(f"extractor {result['extractor']}, {result['label']} ({result['weights_file']})")
    for name, value in result["metrics"].items():
        print(f"{name:32} {'missing: ' + result['reasons'][name] if value is None else f'{value:.6g}'}")
    for warning in result["warnings"]:
        print(f"warning: {warning}")


def _preset_named(reference: str) -> Preset | None:
    """The preset that the reference is, where it is no file. Raises UserError, naming the nearest, for an unknown."""
    if "/" in reference or Path(reference).exists() or Path(reference).suffix:
        return None
    try:
        return load_preset(reference)
    except UserError as error:
        raise UserError(f"--reference is {reference!r}, no folder and no file; as a preset: {error}") from error


def _of_files(path: Path, extractor: Loaded, resize: str) -> Reference:
    if path.suffix == ".npz" and path.is_file() and {"mu", "sigma"} <= set(read_arrays(path)):
        return Reference({extractor.name: read_npz(path, extractor.kind.dim)}, file_sha256(path), str(path))
    channels, height, width = extractor.image_shape
    pixels, sha256 = read_images(path, (height, width) if height else None, channels if height else None, resize)
    features = {extractor.name: extractor.features(pixels)}
    return Reference(features, sha256, str(path), size=tuple(pixels.shape[2:]), channels=pixels.shape[1])


def _of_preset(preset: Preset, extractor: Loaded) -> Reference:
    """The real images of a preset: their features where they were made with these weights, else made now."""
    examples, source = preset.examples(), f"preset {preset.name}"
    results = Path("results") / preset.name
    path, own = results / "reference" / "features.safetensors", weights_file(results, extractor.name)
    _, channels, height, width = examples.pictures(examples.data_set.measured[:1])[0].shape
    shape = {"size": (height, width), "channels": channels}
    if path.is_file() and own.is_file() and file_sha256(own) == extractor.weights_sha256:
        kept = load_file(path)
        if extractor.name in kept:
            return Reference({extractor.name: kept[extractor.name]}, file_sha256(path), source, **shape)
    features, sha256 = [], hashlib.sha256()
    for rows in examples.data_set.measured.split(ROWS):
        pixels, _ = examples.pictures(rows)
        features.append(extractor.features(pixels))
        sha256.update(pixels.numpy().data)
    return Reference({extractor.name: torch.cat(features)}, sha256.hexdigest(), source, **shape)
