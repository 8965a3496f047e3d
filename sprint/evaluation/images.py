"""The evaluation of images that did not come from us, against a reference of any kind.

sprint evaluate --images DIR --reference DIR|FILE.npz|PRESET [--extractor inception] [--out metrics.json]
"""

import hashlib
from dataclasses import replace
from pathlib import Path

from sprint.evaluation.folders import read_images
from sprint.evaluation.kept import read_reference, seen_by
from sprint.evaluation.measured import Extractors, Reference, identified, measured
from sprint.evaluation.reference import published, see_real, together
from sprint.evaluation.statistics_file import LAYERS, members
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
    known = _of_preset(real, extractors) if real else _of_files(Path(reference), extractor, resize)
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
    if path.suffix == ".npz" and path.is_file() and set(LAYERS[""]) <= set(members(path)):
        return published(path, extractor)
    channels, height, width = extractor.image_shape
    pixels, sha256 = read_images(path, (height, width) if height else None, channels if height else None, resize)
    size, channels = tuple(pixels.shape[2:]), pixels.shape[1]
    return Reference(extractor.outputs(pixels), sha256, str(path), size=size, channels=channels)


def _of_preset(preset: Preset, extractors: Extractors) -> Reference:
    """The real images of a preset: their features where they were made with these weights, else made now."""
    examples, results = preset.examples(), Path("results") / preset.name
    (extractor,) = extractors.loaded.values()
    _, channels, height, width = examples.pictures(examples.data_set.measured[:1])[0].shape
    shape = {"size": (height, width), "channels": channels}
    if seen_by(results, extractor.name, extractor.weights_sha256):
        return replace(read_reference(results, examples).of(extractor.name), **shape)
    found = together([see_real(examples, extractors)], examples, extractors)
    digest = hashlib.sha256()
    for name in sorted(found.features):
        digest.update(found.features[name].numpy().data)
    return replace(found.of(extractor.name), sha256=digest.hexdigest(), source=f"preset {preset.name}", **shape)
