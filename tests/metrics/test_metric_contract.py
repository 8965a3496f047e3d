"""What holds of every metric, found by listing sprint/metrics: what it says of itself, and that it keeps its word."""

import math
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from sprint.metrics import BETTER, FORMS, METRICS, TABLES, Evidence, Unavailable
from sprint.metrics.measuring import value_of

CLASSES, EACH, WIDTH = 4, 30, 8


def draw(seed: int, shift: float = 0.0) -> torch.Tensor:
    """Features (CLASSES * EACH, WIDTH): a cluster a class, two apart."""
    normal = torch.randn(CLASSES * EACH, WIDTH, generator=torch.Generator().manual_seed(seed))
    return normal + 2.0 * labels().unsqueeze(1) + shift


def labels() -> torch.Tensor:
    return torch.arange(CLASSES * EACH) % CLASSES


def evidence(seed: int = 1, shift: float = 0.0, wrong: int = 6) -> Evidence:
    """Generated images whose features are moved by `shift`, and of which so many are classified wrongly, break the
    rule between their four cells, or are images of a network with a larger loss."""
    predicted = torch.where(torch.arange(CLASSES * EACH) < wrong, (labels() + 1) % CLASSES, labels())
    right = (predicted == labels()).double()
    cells, losses = predicted.unsqueeze(1).expand(-1, 4), 2 - right
    plain = Evidence(draw(seed, shift), draw(0), labels(), labels(), predicted, cells, right, losses, 2 * losses)
    return layered(plain, 1 / (1 + shift))


def layered(seen: Evidence, sure: float = 1.0) -> Evidence:
    """With every layer that a metric asks for: the features, where logits are so sure."""
    layers = {metric.layer for metric in map(METRICS.__getitem__, METRICS)} - {""}
    known = {name: replace(seen, layers={}, known={}) for name in layers}
    logits = known["logits"]
    return replace(seen, layers={**known, "logits": replace(logits, features=logits.features * sure)}, known={})


def faults(metric) -> list[str]:
    """In what a metric breaks the contract; the suite below holds all of them to it, and wrong ones against it."""
    found = []
    if not (metric.title and metric.cites and metric.meaning and not metric.meaning.endswith(".")):
        found.append("title, cites and meaning, which is one sentence without its full stop")
    if metric.better not in BETTER or metric.form not in FORMS or metric.table not in TABLES or metric.digits < 1:
        found.append("better, form, table or digits")
    if metric.ratios and metric.range[0] != 0.0:
        found.append("ratios are of numbers from 0 up")
    good, bad = metric.compute(evidence()), metric.compute(evidence(shift=30.0, wrong=60))
    for value in (good, bad):
        low, high = metric.range
        if not isinstance(value, float) or not math.isfinite(value):
            found.append("a finite float")
        elif (low is not None and value < low - 1e-9) or (high is not None and value > high + 1e-9):
            found.append(f"{value} lies outside of the range")
    if (metric.better == "lower" and bad < good) or (metric.better == "higher" and bad > good):
        found.append("images that are worse score better")
    if metric.better != "neither" and bad == good:
        found.append("images that are worse score the same")
    if metric.compute(shuffled(evidence())) != pytest.approx(good, rel=1e-9):
        found.append("the order of images changes the number")
    if metric.replicates and not replicates_follow(metric, good):
        found.append("replicates of all images as they are differ from the number")
    return found


def shuffled(seen: Evidence) -> Evidence:
    order = torch.randperm(CLASSES * EACH, generator=torch.Generator().manual_seed(5))
    other = torch.randperm(CLASSES * EACH, generator=torch.Generator().manual_seed(6))
    real = {"reference": seen.reference[other], "reference_labels": seen.reference_labels[other]}
    made = ("features", "labels", "predicted", "cells", "obeyed", "losses", "losses_skipped")
    return layered(Evidence(**real, **{name: getattr(seen, name)[order] for name in made}))


def replicates_follow(metric, value: float) -> bool:
    once = torch.ones(2, CLASSES * EACH, dtype=torch.int64)
    return metric.replicates(evidence(), once) == pytest.approx([value, value], rel=1e-6)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_keeps_its_word(name):
    assert faults(METRICS[name]) == []


@pytest.mark.parametrize("name", METRICS)
def test_what_a_metric_cannot_compute_has_a_reason(name):
    few, broken = draw(1)[:1], draw(1) * math.nan
    for features in (few, broken):
        asked, none = labels()[: len(features)], torch.empty(0)
        cells = asked.unsqueeze(1).expand(-1, 4)
        seen = layered(Evidence(features, draw(0), asked, labels(), None, cells, none, none, none))
        value, reason = value_of(METRICS[name], seen)
        assert value is None and reason and not reason.endswith("."), (value, reason)


def wrong(name: str, **changes) -> type:
    return type("Wrong", (METRICS[name],), changes)


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (wrong("fd", better="higher"), "images that are worse score better"),
        (wrong("precision", better="lower"), "images that are worse score better"),
        (wrong("nearest", range=(0.0, 1.0)), "outside of the range"),
        (wrong("kid", ratios=True), "ratios are of numbers from 0 up"),
        (wrong("recall", better="more"), "better, form, table or digits"),
        (wrong("recall", meaning="A sentence."), "meaning"),
        (wrong("fd", compute=staticmethod(lambda seen: float(seen.features[0].sum()))), "order of images"),
        (wrong("coverage", compute=staticmethod(lambda seen: 0.5)), "score the same"),
        (wrong("fd_infinity", compute=staticmethod(lambda seen: math.nan)), "a finite float"),
        (wrong("fd", replicates=staticmethod(lambda seen, counts: [1.0] * len(counts))), "replicates"),
    ],
)
def test_a_metric_with_a_mistake_is_told(mistake, said):
    assert any(said in fault for fault in faults(mistake))


def test_metrics_are_described_without_torch():
    code = (
        "import sys; from sprint.metrics import METRICS; "
        "assert all(METRICS[name].title for name in METRICS) and len(METRICS) > 10; "
        "heavy = {'torch', 'torch_fidelity', 'torchvision', 'numpy', 'scipy'}; print(heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stdout + done.stderr


def test_a_number_that_two_metrics_share_is_computed_once():
    calls = []

    def shared(seen: Evidence) -> int:
        calls.append(seen)
        return len(calls)

    seen = evidence()
    assert [seen.once(shared), seen.once(shared)] == [1, 1] and len(calls) == 1
    with pytest.raises(Unavailable):
        METRICS["kid"].compute(Evidence(draw(1)[:3], draw(0)))
