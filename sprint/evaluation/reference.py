"""The real images against which samples are measured: their features, the floor, and how far noise is from them.

    sprint reference --preset digits

They are read by index, so many at a time, each process its part. Of more than rows.MOST images the features of as many
are kept, drawn always the same, beside the mean and covariance of all; extractors that the preset's
`evaluate.references` names have published statistics instead. What was made of what stands in manifest.json, with the
hash of it, so that no evaluation reads it all to know which it is.
"""

from pathlib import Path

import torch

from sprint.data import ROWS, Examples
from sprint.diffusion.guidance import GUIDANCES, Guidance
from sprint.diffusion.guided import Guided
from sprint.diffusion.sample import labels_of, sample
from sprint.evaluation.kept import obeyed_of, write_kept
from sprint.evaluation.measured import Extractors, Reference, Tensors, split_features, told_of
from sprint.evaluation.sampling import quantised
from sprint.evaluation.statistics_file import images_in, read_moments
from sprint.metrics.maths.frechet import Moments, pooled
from sprint.metrics.maths.rows import MOST, places_drawn
from sprint.metrics.measuring import evidence_of, floor, measure
from sprint.metrics.networks.loading import Loaded
from sprint.plan import code
from sprint.plan.schema import Drawing, Evaluating
from sprint.runtime import distributed, provenance
from sprint.runtime.files import file_sha256
from sprint.runtime.results import FLOOR
from sprint.training.step import device

UNGUIDED = GUIDANCES[Guidance.usual]()
UNTRAINED = 5_000  # images of noise at most


def make_reference(examples: Examples, evaluating: Evaluating, results: Path) -> None:
    """Write reference/features.safetensors and reference/floor.json of a preset's real images."""
    with distributed.process_group():
        with distributed.all_or_none():
            extractors = Extractors(evaluating.extractors, results, str(device()))
            own = extractors.without(evaluating.references)
            found = see_real(examples, own)
        parts = distributed.gather(found)
    if distributed.is_main():
        reference = together(parts, examples, own)
        for name, path in evaluating.references.items():
            reference = reference.beside(published(Path(path), extractors.loaded[name]))
        made_by = {
            "code": code.of_evaluation(evaluating, [Drawing(UNGUIDED)], examples.codec),
            "versions": provenance.versions(),
        }
        noise = _untrained(evaluating, examples, extractors)
        _write(reference, examples, evaluating, extractors, noise, made_by, results)


def see_real(examples: Examples, extractors: Extractors) -> tuple[Tensors, dict[str, Moments]]:
    """What is seen of this process's part of the real images: rows that are kept with their labels, and moments where
    they are not of all. So many are read at a time."""
    indices = examples.data_set.measured if extractors.loaded else torch.arange(0)
    chosen = torch.zeros(len(indices), dtype=torch.bool)
    chosen[places_drawn(len(indices), MOST)] = True
    moments: dict[str, Moments] = {}
    parts = []
    turns = list(zip(indices.split(ROWS), chosen.split(ROWS), strict=True))
    for rows, kept in distributed.shard(turns) or [(torch.arange(0), chosen[:0])]:
        pixels, labels = examples.pictures(rows)
        seen = extractors.see(pixels)
        for name, outputs in seen.items() if len(indices) > MOST else ():
            if outputs.ndim == 2:
                moments.setdefault(name, Moments(outputs.shape[1])).add(outputs)
        parts.append({name: part[kept] for name, part in {**seen, "labels": labels}.items()})
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}, moments


def together(parts: list[tuple[Tensors, dict[str, Moments]]], examples: Examples, extractors: Extractors) -> Reference:
    """What all processes have seen of the real images, in order."""
    seen = {name: torch.cat([rows[name] for rows, _ in parts]) for name in parts[0][0]}
    counted = {name: pooled([moments[name] for _, moments in parts if name in moments]) for name in parts[0][1]}
    features, told = split_features(seen)
    count = len(examples.data_set.measured) if extractors.loaded else 0
    known = {"moments": counted, "told": told, "images": count, "obeyed": obeyed_of(examples)}
    return Reference(features, "", examples.name, seen["labels"], **known)


def published(path: Path, extractor: Loaded) -> Reference:
    """Statistics that somebody published in an .npz of the features of an extractor, and features of images in it."""
    moments, sha256 = read_moments(path, extractor.name, extractor.kind), file_sha256(path)
    parts, count, size = [], 0, None
    for pixels in images_in(path):
        parts.append(extractor.outputs(pixels))
        count, size = count + len(pixels), tuple(pixels.shape[2:])
    if not parts:
        return Reference(dict(moments), sha256, str(path), published={extractor.name: sha256})
    features = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    known = {"moments": moments, "published": {extractor.name: sha256}, "images": count}
    return Reference(features, sha256, str(path), size=size, channels=3, **known)


def still(x: torch.Tensor, *told) -> torch.Tensor:
    """The velocity of a network that was never trained: its last layer starts at zero (adaLN-Zero)."""
    return torch.zeros_like(x)


def _untrained(evaluating: Evaluating, examples: Examples, extractors: Extractors) -> Tensors:
    """What is seen of an untrained network's samples: the noise that sampling starts from, as uint8."""
    shape, count, seen = (examples.channels, examples.size, examples.size), min(evaluating.images, UNTRAINED), []
    field = Guided(still, UNGUIDED, examples.classes)
    for first in range(0, count, evaluating.batch):
        last = min(first + evaluating.batch, count)
        drawn = sample(
            field, evaluating.sampler, evaluating.sample_seed, first, last, shape, device(), evaluating.labels
        )
        seen.append(extractors.see(quantised(examples.codec, drawn, evaluating.quantise).cpu()))
    return {name: torch.cat([part[name] for part in seen]) for name in seen[0]}


def _write(
    reference: Reference,
    examples: Examples,
    evaluating: Evaluating,
    extractors: Extractors,
    untrained: Tensors,
    made_by: dict,
    results: Path,
) -> None:
    told = told_of(reference.told, reference.labels, reference)
    metrics, reasons, deviations = floor.floor_of(reference.features, told, reference.published)
    drawn, half = len(next(iter(untrained.values()))), (len(reference.labels) or reference.images) // 2
    labels = labels_of(evaluating.labels, evaluating.sample_seed, 0, drawn, examples.classes)
    ours = split_features(untrained)[0]
    noise, noise_reasons = measure(evidence_of(ours, told=told_of(untrained, labels, reference), **reference.known()))
    write_kept(results / "reference", reference, extractors.identity())
    FLOOR.write(
        results / "reference" / "floor.json",
        {
            "images": half,
            "reference_images": half,
            "data": examples.name,
            "metrics": metrics,
            "reasons": reasons,
            "held_out": bool(len(examples.data_set.held_out())),
            "splits": floor.SPLITS,
            "deviations": deviations,
            "untrained": {"images": drawn, "metrics": noise, "reasons": noise_reasons},
            **made_by,
        },
    )
