"""What evaluating costs apart from sampling: features under each extractor, all metrics, the bootstrap.

sprint bench evaluate --preset digits
"""

from pathlib import Path

import torch

from sprint.bench import clock
from sprint.evaluation.measured import Extractors, Reference, split_features, told_of
from sprint.metrics.maths.frechet import frechet_distance, statistics
from sprint.metrics.measuring import evidence_of, measure
from sprint.metrics.measuring.bootstrap import bootstrap
from sprint.plan.schema import Preset
from sprint.runtime import provenance
from sprint.runtime.files import write_json

WIDTH, ROWS = 2048, 4096  # of random features as wide as Inception's


def bench_evaluate(preset: Preset, results: Path, repeats: int, threads: int, out: Path) -> dict:
    """Measure the parts of one evaluation on the preset's own real images; write and return what was found."""
    torch.set_num_threads(threads)
    images, count = preset.examples().to_learn_from(), preset.evaluate.images
    extractors = Extractors(preset.evaluate.extractors, results)
    rows = torch.arange(count) % len(images.labels)
    pixels, labels = images.pixels[rows], images.labels[rows]
    seen, whole = extractors.see(pixels), split_features(extractors.see(images.pixels))[0]
    features, told = split_features(seen)[0], told_of(seen, labels, Reference(whole, "", "", images.labels))
    wide = torch.randn(2, ROWS, WIDTH, generator=torch.Generator().manual_seed(0))
    tasks = {
        **{f"features, {name}": lambda one=one: one.features(pixels) for name, one in extractors.loaded.items()},
        "metrics": lambda: measure(evidence_of(features, whole, told)),
        "bootstrap": lambda: bootstrap(evidence_of(features, whole, told), count),
        f"Fréchet distance at {WIDTH} dimensions": lambda: frechet_distance(*statistics(wide[0]), *statistics(wide[1])),
    }
    seconds = clock.in_turns(tasks, repeats, "measuring evaluation")
    result = {
        **provenance.measurement("evaluate", threads),
        "images": count,
        "reference_images": len(images.labels),
        "rows": [{"label": name, "seconds": clock.summary(taken)} for name, taken in seconds.items()],
        "peak_memory_bytes": provenance.peak_memory(),
    }
    write_json(out, result)
    return result
