"""The real images against which samples are measured: their features, the floor, and how far noise is from them.

    sprint reference --preset digits

They are read by index, so many at a time, each process its part.
"""

import hashlib
from pathlib import Path

import torch
from safetensors.torch import save

from sprint.data import ROWS, Examples
from sprint.diffusion.guidance import GUIDANCES, Guidance
from sprint.diffusion.guided import Guided
from sprint.diffusion.sample import balanced_labels, sample
from sprint.evaluation.measured import Extractors, Reference, Tensors, split_features, told_of, whole
from sprint.metrics.measuring import evidence_of, floor, measure
from sprint.plan import code
from sprint.plan.schema import Evaluating
from sprint.runtime import distributed, provenance
from sprint.runtime.files import write_bytes
from sprint.runtime.results import FLOOR
from sprint.training import checkpoint
from sprint.training.step import device

UNGUIDED = GUIDANCES[Guidance.usual]()


def read_reference(results: Path, examples: Examples) -> Reference:
    """What `make_reference` wrote into results/<preset>. Raises UserError where it is missing or broken."""
    kept = checkpoint.read_tensors(results / "reference" / "features.safetensors")
    sha256 = hashlib.sha256(save(kept)).hexdigest()
    return _reference(kept, examples, sha256, f"preset {results.name}")


def _reference(seen: Tensors, examples: Examples, sha256: str = "", source: str = "") -> Reference:
    obeyed = examples.data_set.obeyed if examples.data_set.cells > 1 else None
    return Reference(split_features(seen)[0], sha256, source, seen["labels"], obeyed=obeyed)


def make_reference(examples: Examples, evaluating: Evaluating, results: Path) -> None:
    """Write reference/features.safetensors and reference/floor.json of a preset's real images."""
    with distributed.process_group():
        with distributed.all_or_none():
            extractors = Extractors(evaluating.extractors, results, str(device()))
            seen = _see_real(examples, extractors)
        seen = whole(seen)
    if distributed.is_main():
        made_by = {
            "code": code.of_evaluation(evaluating, [UNGUIDED], examples.codec),
            "versions": provenance.versions(),
        }
        _write_reference(examples, seen, _untrained(evaluating, examples, extractors), made_by, results)


def _see_real(examples: Examples, extractors: Extractors) -> Tensors:
    """What is seen of this process's part of the real images, and their labels; so many are read at a time."""
    parts = []
    for rows in distributed.shard(examples.data_set.measured.split(ROWS)) or [torch.arange(0)]:
        pixels, labels = examples.pictures(rows)
        parts.append({**extractors.see(pixels), "labels": labels})
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def still(x: torch.Tensor, *told) -> torch.Tensor:
    """The velocity of a network that was never trained: its last layer starts at zero (adaLN-Zero)."""
    return torch.zeros_like(x)


def _untrained(evaluating: Evaluating, examples: Examples, extractors: Extractors) -> Tensors:
    """What is seen of an untrained network's samples: the noise that sampling starts from, as uint8."""
    shape, count, seen = (examples.channels, examples.size, examples.size), evaluating.images, []
    field = Guided(still, UNGUIDED, examples.classes)
    for first in range(0, count, evaluating.batch):
        last = min(first + evaluating.batch, count)
        drawn = sample(field, evaluating.sampler, evaluating.sample_seed, first, last, shape, device())
        seen.append(extractors.see(examples.codec.pictures(drawn).cpu()))
    return {name: torch.cat([part[name] for part in seen]) for name in seen[0]}


def _write_reference(examples: Examples, seen: Tensors, untrained: Tensors, made_by: dict, results: Path) -> None:
    real = _reference(seen, examples)
    metrics, reasons, deviations = floor.floor(real.features, told_of(seen, real.labels, real))
    drawn = len(next(iter(untrained.values())))
    told = told_of(untrained, balanced_labels(0, drawn, examples.classes), real)
    noise, noise_reasons = measure(evidence_of(split_features(untrained)[0], real.features, told))
    half = len(real.labels) // 2
    write_bytes(results / "reference" / "features.safetensors", save(seen))
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
