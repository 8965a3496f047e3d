"""Intervals of a mean hold what they promise, replicates are paired, and identities say what may be compared."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from sprint.data.vision import ensure_torchvision
from sprint.metrics import METRICS, Evidence
from sprint.metrics.maths import kernel
from sprint.metrics.maths.frechet import frechet_distance, frechet_influence, statistics, symmetric_root, weighted
from sprint.metrics.maths.rows import SEED, canonical
from sprint.metrics.measuring import bootstrap, evidence_of
from sprint.statistics.comparable import conflicts, identity_of
from sprint.statistics.intervals import Sample, estimate, mean_of


def normal(count: int, dimensions: int, seed: int, shift: float = 0.0) -> torch.Tensor:
    return torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed)).double() + shift


@pytest.mark.parametrize("values", [(1.0, 3.0), (1.0, 2.0, 4.5), (2.0, 2.5, 1.0, 3.0, 2.2)])
def test_without_image_noise_the_interval_is_students(values):
    found = estimate([Sample(value) for value in values])
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    assert (found.mean, found.seeds) == (pytest.approx(np.mean(values)), len(values))
    assert found.low == pytest.approx(low, rel=0.02, abs=0.02) and found.high == pytest.approx(high, rel=0.02, abs=0.02)


def test_where_seeds_agree_the_interval_is_that_of_the_images():
    noise = normal(2000, 1, 0).squeeze(1).numpy()
    found = estimate([Sample(5.0, tuple(8 + noise))] * 3)
    assert found.low == pytest.approx(5 - 1.96, abs=0.15) and found.high == pytest.approx(5 + 1.96, abs=0.15)


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(("between", "images"), [(1.0, 0.0), (1.0, 1.0), (0.3, 1.0)])
def test_intervals_cover_the_truth_as_often_as_they_say(seeds, between, images):
    """Gaussian seeds, and image noise that all seeds share; too wide is allowed, too narrow is not."""
    random = np.random.default_rng(7)
    hits = []
    for _ in range(500):
        shared, replicates = random.normal(0, images), random.normal(0, images, 100)
        values = random.normal(0, between, seeds) + shared
        found = estimate([Sample(value, tuple(9 + value + replicates)) for value in values])
        hits.append(found.low <= 0 <= found.high)
    assert 0.92 <= np.mean(hits) <= 1.0


def test_one_seed_has_no_interval():
    found = estimate([Sample(2.0, (1.9, 2.1))])
    assert (found.mean, found.seeds, found.low, found.high) == (2.0, 1, None, None)


def test_a_logarithmic_interval_is_never_below_zero():
    found = mean_of([Sample(1.0), Sample(30.0)], logarithmic=True)
    assert found.mean == 15.5 and 0 < found.low < 15.5 < found.high


def test_replicate_numbers_draw_the_same_images_for_all_and_keep_the_shares_of_labels():
    labels = torch.arange(40) % 10
    counts = bootstrap.resample(labels, 20)
    assert torch.equal(counts, bootstrap.resample(labels, 30)[:20])
    assert (counts.sum(1) == 40).all() and not torch.equal(counts[0], counts[1])
    assert all((counts[:, labels == label].sum(1) == 4).all() for label in range(10))


def test_replicates_of_a_share_spread_as_the_binomial_says():
    labels = torch.zeros(400, dtype=torch.int64)
    predicted = (torch.arange(400) < 80).long()
    values = bootstrap.bootstrap(evidence_of({}, {}, Evidence(labels=labels, predicted=predicted)), 400, 400)[
        "accuracy"
    ]
    assert np.mean(values) == pytest.approx(0.8, abs=0.01)
    assert np.std(values) == pytest.approx(math.sqrt(0.8 * 0.2 / 400), rel=0.15)


def test_replicates_of_a_distance_spread_as_fresh_samples_do():
    reference = statistics(normal(20000, 4, 5))
    fresh = [frechet_distance(*reference, *statistics(normal(500, 4, seed, 0.5))) for seed in range(100, 250)]
    values = bootstrap.bootstrap(evidence_of({"x": normal(500, 4, 9, 0.5)}, {"x": reference}, Evidence()), 500)["fd/x"]
    assert np.std(values) == pytest.approx(np.std(fresh), rel=0.3)


def test_linearised_replicates_follow_exact_ones_and_their_derivative_is_that_of_the_distance():
    rows, reference = normal(800, 6, 1, 0.4), statistics(normal(900, 6, 2) * 1.3)
    root = symmetric_root(reference.covariance)
    distance, influence = frechet_influence(rows, statistics(rows), reference, root)
    assert distance == pytest.approx(frechet_distance(*reference, *statistics(rows)), rel=1e-9)
    counts = bootstrap.resample(torch.zeros(800, dtype=torch.int64), 100)
    exact = METRICS["fd"].replicates(Evidence(rows, reference), counts)
    linear = distance + counts.double() @ influence / 800
    assert np.corrcoef(exact, linear)[0, 1] > 0.99 and np.std(exact) == pytest.approx(linear.std().item(), rel=0.1)


def test_a_distance_weighted_alike_is_the_distance():
    rows = normal(50, 3, 3)
    ones = weighted(rows, torch.ones(50))
    assert torch.allclose(ones.covariance, statistics(rows).covariance) and torch.allclose(ones.mean, rows.mean(0))
    doubled = weighted(rows, 2 * (torch.arange(50) < 25))
    assert torch.allclose(doubled.covariance, statistics(torch.cat([rows[:25]] * 2)).covariance)


def test_kid_over_subsets_is_torch_fidelitys_to_the_last_subset():
    ensure_torchvision()
    from torch_fidelity.metric_kid import kid_features_to_metric

    ours, theirs = canonical(normal(90, 8, 1)), canonical(normal(120, 8, 2, 0.3))
    evidence = Evidence(ours, theirs)
    settings = {"kid_subsets": kernel.SUBSETS, "kid_subset_size": 45, "rng_seed": SEED}
    found = kid_features_to_metric(ours, theirs, verbose=False, **settings)
    assert METRICS["kid"].compute(evidence) == pytest.approx(found["kernel_inception_distance_mean"], rel=1e-9)
    assert METRICS["kid_error"].compute(evidence) == pytest.approx(found["kernel_inception_distance_std"], rel=1e-9)


def test_identities_may_differ_in_weights_and_guidance_and_in_nothing_else():
    one = {"identity": {"weights": "a" * 64, "guidance": {"kind": "none"}, "images": 640, "sampler": {"steps": 4}}}
    other = {"identity": one["identity"] | {"weights": "b" * 64, "guidance": {"kind": "cfg"}}}
    assert conflicts([one, other]) == [] and identity_of(one) == identity_of(other)
    changed = {"identity": one["identity"] | {"images": 40, "sampler": {"steps": 8}}}
    lost = [{**one, "identity": {**identity_of(one), "held_out": count}} for count in (64, 128)]
    assert conflicts([one, lost[0]]) == [] and conflicts([one, *lost]) == ["held out 64 and 128"]
    assert conflicts([one, other, changed]) == ["images 640 and 40", "sampler (steps 4) and (steps 8)"]
