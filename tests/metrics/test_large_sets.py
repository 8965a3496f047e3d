"""What is done a block at a time, in lower precision or on a draw of the images gives what the whole formula gives."""

import numpy
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sprint.metrics import METRICS, Evidence
from sprint.metrics.maths import frechet, kernel, neighbours, rows
from sprint.metrics.maths.frechet import (
    Moments,
    fd_infinity,
    fd_per_class,
    frechet_distance,
    frechet_of_few,
    pooled,
    statistics,
)
from sprint.metrics.measuring.bootstrap import bootstrap, resample
from sprint.runtime.rng import generator

NEIGHBOURS = ("precision", "recall", "density", "coverage", "nearest", "nearest_ratio")


def draw(count: int, width: int = 16, seed: int = 0, shift: float = 0.0) -> torch.Tensor:
    """Features (count, width) float32, far from zero as those of networks are, some of them twice."""
    normal = torch.randn(count, width, generator=torch.Generator().manual_seed(seed)) + 5.0 + shift
    normal[-3:] = normal[:3]
    return normal


def values(features: torch.Tensor, reference: torch.Tensor) -> dict[str, float]:
    evidence = Evidence(features, reference)
    return {name: METRICS[name].compute(evidence) for name in NEIGHBOURS}


def by_definition(features: torch.Tensor, reference: torch.Tensor) -> dict[str, float]:
    """All pairs at once, in numpy: Kynkäänniemi et al. eq. 1 and 2 (k = 3), Naeem et al. eq. 3 and 4 (k = 5)."""
    ours, theirs = features.double().numpy(), reference.double().numpy()

    def distances(a, b):
        return numpy.sqrt(((a[:, None] - b[None]) ** 2).sum(2))

    across, own, real = distances(ours, theirs), distances(ours, ours), distances(theirs, theirs)
    ball = {k: numpy.sort(real, 1)[:, k] for k in (1, 3, 5)}
    inside = across < ball[5]
    nearest = across.min(1).mean()
    return {
        "precision": (across <= ball[3]).any(1).mean(),
        "recall": (across <= numpy.sort(own, 1)[:, 3][:, None]).any(0).mean(),
        "density": inside.sum() / (5 * len(ours)),
        "coverage": inside.any(0).mean(),
        "nearest": nearest,
        "nearest_ratio": nearest / ball[1].mean(),
    }


@pytest.mark.parametrize("block", [13, 64, 2048])
@pytest.mark.parametrize(("exact", "within"), [(neighbours.EXACT, 1e-6), (0, 1e-4)])
def test_neighbours_by_blocks_and_in_float32_are_their_definition(monkeypatch, block, exact, within):
    features, reference = draw(300, seed=1, shift=0.3), draw(200, seed=2)
    monkeypatch.setattr(rows, "BLOCK", block)
    monkeypatch.setattr(neighbours, "EXACT", exact)
    expected = by_definition(features, reference)
    assert 0.1 < expected["precision"] < 0.99 and 0.1 < expected["recall"] < 0.99
    assert values(features, reference) == pytest.approx(expected, rel=within)


@pytest.mark.parametrize("group", [2, 5, 32])
@pytest.mark.parametrize("block", [13, 64, 2048])
def test_neighbours_of_points_on_a_lattice_are_their_definition_to_the_last_tie(monkeypatch, block, group):
    """Points stand on others, and every ball's rim goes through several: places in three dimensions, their squared
    distances whole numbers."""
    monkeypatch.setattr(rows, "BLOCK", block)
    monkeypatch.setattr(neighbours, "GROUP", group)
    draws = torch.Generator().manual_seed(3)
    features = torch.randint(0, 6, (150, 3), generator=draws).float()
    reference = torch.randint(2, 9, (120, 3), generator=draws).float()
    expected = by_definition(features, reference)
    assert all(0.1 < expected[name] < 0.9 for name in ("precision", "recall", "coverage"))
    assert values(features, reference) == pytest.approx(expected, rel=1e-6)  # shares are made in float32


def test_no_matrix_of_all_pairs_of_images_is_ever_held(monkeypatch):
    monkeypatch.setattr(rows, "BLOCK", 32)
    monkeypatch.setattr(kernel, "STRIP", 32)
    evidence = Evidence(draw(500, seed=1), draw(400, seed=2))
    with Largest() as held:
        for name in (*NEIGHBOURS, "kid_full"):
            METRICS[name].compute(evidence)
    assert 32 * 32 < held.numbers <= max(500 * 16, 32 * 500)


class Largest(TorchDispatchMode):
    """Remembers of how many numbers the largest tensor is that anything gives."""

    numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        sizes = [one.numel() for one in tree_leaves(found) if isinstance(one, torch.Tensor)]
        self.numbers = max([self.numbers, *sizes])
        return found


def test_of_more_images_than_are_looked_at_the_same_are_drawn_each_time(monkeypatch):
    features, reference = draw(300, seed=1), draw(200, seed=2)
    whole = values(features, reference)
    monkeypatch.setattr(neighbours, "SAMPLES", 150)
    monkeypatch.setattr(neighbours, "REAL", 100)
    found = values(features, reference)
    assert found == values(features, reference) != whole
    drawn = [rows.drawn(rows.canonical(side), most) for side, most in ((features, 150), (reference, 100))]
    assert [len(side) for side in drawn] == [150, 100]
    assert found == pytest.approx(by_definition(*drawn), rel=1e-6)


def test_of_many_real_images_features_are_drawn_and_the_mean_and_covariance_are_of_all(monkeypatch):
    features, reference = draw(100, seed=1), draw(500, seed=2)
    monkeypatch.setattr(rows, "MOST", 200)
    evidence = Evidence(features, reference)
    assert len(evidence.once(rows.theirs)) == 200
    assert METRICS["fd"].compute(evidence) == pytest.approx(
        frechet_distance(*statistics(reference), *statistics(features)), rel=1e-9
    )


@pytest.mark.parametrize("sizes", [(20, 30), (20, 400), (400, 20), (2, 2)])
def test_the_distance_of_few_images_is_that_of_their_covariances(sizes):
    ours, theirs = draw(sizes[0], 300, 1).double(), draw(sizes[1], 300, 2, 0.1).double()
    expected = frechet_distance(*statistics(theirs), *statistics(ours))
    assert frechet_of_few(ours, theirs) == pytest.approx(expected, rel=1e-5)


def test_distances_of_many_small_classes_are_those_of_each_alone(monkeypatch):
    labels, others = torch.arange(120) % 7, torch.arange(300) % 9
    ours, theirs = draw(120, 40, 1), draw(300, 40, 2)
    plain = fd_per_class(ours, labels, theirs, others)
    monkeypatch.setattr(frechet, "WIDE", 16)
    assert fd_per_class(ours, labels, theirs, others) == pytest.approx(plain, rel=1e-5) and len(plain) == 7


@pytest.mark.parametrize("strip", [3, 8, 256])
def test_moments_of_rows_a_few_at_a_time_are_numpys_of_all_of_them(monkeypatch, strip):
    monkeypatch.setattr(frechet, "STRIP", strip)
    features = draw(500, 8) * torch.arange(1, 9) + 1000
    moments = Moments(8)
    for block in (features[:0], features[:1], features[1:90], features[90:]):
        moments.add(block)
    other = Moments(8)
    other.add(features[90:])
    moments_of_some = Moments(8)
    moments_of_some.add(features[:90])
    expected = features.double().numpy()
    for mean, covariance in (moments.gaussian(), pooled([other, moments_of_some])):
        assert numpy.allclose(mean, expected.mean(0), rtol=1e-12)
        assert numpy.allclose(covariance, numpy.cov(expected, rowvar=False), rtol=1e-9, atol=1e-9)


def test_a_gaussian_by_blocks_is_that_of_one_go(monkeypatch):
    features = draw(500, 8)
    mean, covariance = statistics(features)
    monkeypatch.setattr(frechet, "BLOCK", 64)
    blocked = statistics(features)
    assert torch.allclose(blocked.mean, mean, rtol=1e-12) and torch.allclose(blocked.covariance, covariance, rtol=1e-9)


@pytest.mark.parametrize(("block", "strip"), [(7, 3), (8192, 256)])
def test_subsets_that_hold_the_smaller_ones_have_the_distances_of_each_alone(monkeypatch, block, strip):
    """Every subset's mean and covariance by numpy, and its line too."""
    for name, value in {"WIDE": 4, "BLOCK": block, "STRIP": strip}.items():
        monkeypatch.setattr(frechet, name, value)
    features, reference = draw(300, 8, 1, 0.2), statistics(draw(400, 8, 2))
    order = torch.randperm(300, generator=torch.Generator().manual_seed(5))
    sizes = numpy.linspace(150, 300, 15).astype(int)
    subsets = [features[order[:size]].double().numpy() for size in sizes]
    moments = [(torch.tensor(part.mean(0)), torch.tensor(numpy.cov(part, rowvar=False))) for part in subsets]
    distances = [frechet_distance(*one, *reference) for one in moments]
    expected = numpy.polyfit(1 / sizes, distances, 1)[1]
    assert fd_infinity(features, reference, seed=5) == pytest.approx(expected, rel=1e-9)
    assert abs(expected - distances[-1]) > 1e-3


def test_subsets_that_hold_the_smaller_ones_extrapolate_as_well(monkeypatch):
    """Of 100 images in 8 dimensions most of the bias is taken away, as tests/test_metrics.py has it of others."""
    monkeypatch.setattr(frechet, "WIDE", 4)
    truth = statistics(draw(100_000, 8, 7))
    plain = [frechet_distance(*truth, *statistics(draw(100, 8, seed))) for seed in range(20)]
    infinite = [fd_infinity(draw(100, 8, seed), truth, seed=0) for seed in range(20)]
    assert abs(numpy.mean(infinite)) < 0.25 * numpy.mean(plain)


def test_replicates_of_wide_features_are_around_the_distance_and_blocks_move_none(monkeypatch):
    features, reference = draw(600, 280, 1, 0.1), draw(700, 280, 2)
    evidence = {"x": Evidence(features, reference)}
    found = bootstrap(evidence, 600, 50)["fd/x"]
    spread = numpy.std(found)
    assert abs(numpy.mean(found) - METRICS["fd"].compute(evidence["x"])) < spread and spread > 0
    monkeypatch.setattr(frechet, "BLOCK", 100)
    assert bootstrap({"x": Evidence(features, reference)}, 600, 50)["fd/x"] == pytest.approx(found, rel=1e-4)
    assert resample(torch.zeros(600), 2).sum(1).tolist() == [600, 600]


@pytest.mark.parametrize("sizes", [[4, 4, 4], [3, 3, 5, 1, 1, 4], [6]])
def test_images_drawn_again_are_those_of_one_class_after_the_other(sizes):
    """Classes of one size are drawn from together: the same numbers, whatever the order of the images."""
    order = torch.randperm(sum(sizes), generator=torch.Generator().manual_seed(1))
    labels = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))[order]
    found = resample(labels, 3)
    for number in range(3):
        draws, expected = generator("bootstrap", number), numpy.zeros(len(labels), dtype=int)
        for label, size in enumerate(sizes):
            places = numpy.flatnonzero(labels.numpy() == label)
            numpy.add.at(expected, places[torch.randint(size, (size,), generator=draws).numpy()], 1)
        assert found[number].tolist() == expected.tolist()
