"""What measuring many images costs once they are seen: all metrics and intervals of made features, and the memory.

sprint bench evaluate --rows 50000 --dim 2048
"""

import resource
import time
from pathlib import Path

import torch

from sprint.metrics import METRICS, Evidence
from sprint.metrics.measuring import applies, evidence_of, value_of
from sprint.metrics.measuring.bootstrap import bootstrap
from sprint.runtime import provenance
from sprint.runtime.files import write_json
from sprint.runtime.progress import track

NAME, CLASSES = "made", 1000


def bench_rows(count: int, width: int, threads: int, out: Path) -> dict:
    """Measure so many made features against as many, as an evaluation of a thousand classes does; write and return it.

    Metrics share what they share, so that the first of them bears it. Seconds are by the clock and of processors.
    """
    torch.set_num_threads(threads)
    random = torch.Generator().manual_seed(0)
    features, reference = (torch.randn(count, width, generator=random).abs_() for _ in range(2))
    reference += 0.01
    labels = torch.arange(count) % CLASSES
    told = Evidence(labels=labels, reference_labels=labels, predicted=labels)
    evidence = evidence_of({NAME: features}, {NAME: reference}, told)
    start, began = time.process_time(), time.monotonic()
    rows, missing = [], {}
    kinds = {name: extractor for extractor in evidence for name in METRICS if _applies(name, evidence, extractor)}
    for name in track([*kinds, "intervals"], "measuring", len(kinds) + 1):
        before, clock = time.process_time(), time.monotonic()
        if name == "intervals":
            bootstrap(evidence, count)
        else:
            _, reason = value_of(METRICS[name], evidence[kinds[name]])
            missing |= {name: reason} if reason else {}
        spent = {"seconds": round(time.monotonic() - clock, 3), "cpu_seconds": round(time.process_time() - before, 3)}
        rows.append({"label": name, **spent})
    result = {
        **provenance.measurement("evaluate, made features", threads),
        **{"images": count, "reference_images": count, "dimensions": width, "classes": CLASSES, "rows": rows},
        "seconds": round(time.monotonic() - began, 3),
        "cpu_seconds": round(time.process_time() - start, 3),
        "missing": missing,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    write_json(out, result)
    return result


def _applies(name: str, evidence: dict[str, Evidence], extractor: str) -> bool:
    return applies(METRICS[name], evidence[extractor], extractor)
