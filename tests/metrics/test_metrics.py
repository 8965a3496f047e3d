"""Metrics held against closed forms, against constructed sets, and against torch-fidelity and clean-fid."""

import math
import time

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sprint.data import to_pixels, to_signal
from sprint.data.vision import ensure_torchvision
from sprint.evaluation.statistics_file import read_npz
from sprint.metrics import Evidence
from sprint.metrics.maths import kernel, rows
from sprint.metrics.maths.frechet import Gaussian, fd_infinity, fd_per_class, frechet_distance, statistics
from sprint.metrics.maths.kernel import unbiased_mmd
from sprint.metrics.measuring import evidence_of, measure
from sprint.metrics.measuring.floor import floor, halves
from sprint.runtime.errors import UserError


def draw(count: int, dimensions: int = 8, seed: int = 0, shift: float = 0.0, scale: float = 1.0) -> torch.Tensor:
    """Features (n, d) of a correlated Gaussian, float32."""
    mixing = torch.randn(dimensions, dimensions, generator=torch.Generator().manual_seed(99)) / dimensions**0.5
    normal = torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed))
    return normal @ (mixing + torch.eye(dimensions)) * scale + shift


def compute(features: torch.Tensor, reference: torch.Tensor | Gaussian) -> tuple[dict, dict]:
    """All metrics of features alone, and the reasons of those missing."""
    values, reasons = measure(evidence_of({"x": features}, {"x": reference}, Evidence()))
    return {name.removesuffix("/x"): one for name, one in values.items()}, {
        name.removesuffix("/x"): one for name, one in reasons.items()
    }


def gaussian(features: torch.Tensor) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Mean and covariance by numpy alone."""
    rows = features.double().numpy()
    return rows.mean(0), numpy.cov(rows, rowvar=False)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.floats(-3, 3)] * 2, *[st.floats(0, 4)] * 2), min_size=1, max_size=6))
def test_frechet_distance_of_axis_aligned_gaussians_is_the_closed_form(axes):
    """In one dimension (m1 - m2)^2 + (s1 - s2)^2, and over independent axes the sum; deviations of zero included."""
    m1, m2, s1, s2 = torch.tensor(axes, dtype=torch.float64).T
    expected = float(((m1 - m2) ** 2 + (s1 - s2) ** 2).sum())
    rotation = torch.linalg.qr(torch.randn(len(axes), len(axes), generator=torch.Generator().manual_seed(1)).double()).Q
    turned = [Gaussian(rotation @ m, rotation @ (s**2).diag() @ rotation.T) for m, s in ((m1, s1), (m2, s2))]
    assert frechet_distance(*turned[0], *turned[1]) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(("count", "dimensions"), [(200, 8), (500, 64), (300, 256)])
def test_frechet_distance_agrees_with_torch_fidelity_and_clean_fid(count, dimensions):
    first, second = draw(count, dimensions, 1), draw(count + 50, dimensions, 2, shift=0.2, scale=1.3)
    ours = frechet_distance(*statistics(first), *statistics(second))
    ensure_torchvision()
    from cleanfid.fid import frechet_distance as clean
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    theirs = fid_statistics_to_metric(*map(fid_features_to_statistics, (first.double(), second.double())), False)
    assert ours == pytest.approx(theirs["frechet_inception_distance"], rel=1e-6)
    assert ours == pytest.approx(clean(*gaussian(first), *gaussian(second)), rel=1e-6)


def test_frechet_distance_of_a_set_to_itself_is_zero_even_where_covariances_are_singular():
    few = statistics(draw(5, 32))
    assert frechet_distance(*few, *few) == pytest.approx(0, abs=1e-5)


def test_frechet_distance_at_2048_dimensions_takes_at_most_ten_seconds_of_two_cores():
    """Counted as 20 s of processor time, which other work on the machine does not stretch."""
    first, second = statistics(draw(2100, 2048, 1)), statistics(draw(2100, 2048, 2, shift=0.1))
    began = time.process_time()
    frechet_distance(*first, *second)
    assert time.process_time() - began < 20


def test_frechet_distance_between_draws_of_one_distribution_falls_as_samples_grow():
    sizes = (50, 200, 800, 3200)
    values = [frechet_distance(*statistics(draw(n, 8, 1)), *statistics(draw(n, 8, 2))) for n in sizes]
    assert values == sorted(values, reverse=True)
    assert values[-1] < values[0] / 20


def test_extrapolation_to_infinity_removes_most_of_the_bias():
    truth = statistics(draw(200_000, 8, 7))
    plain = [frechet_distance(*truth, *statistics(draw(100, 8, seed))) for seed in range(20)]
    infinite = [fd_infinity(draw(100, 8, seed), truth, seed=0) for seed in range(20)]
    assert abs(numpy.mean(infinite)) < 0.25 * numpy.mean(plain)


def test_frechet_distance_per_class_is_that_of_the_class_alone():
    features, reference = draw(60, 4, 1), draw(90, 4, 2)
    labels, reference_labels = torch.arange(60) % 3, torch.arange(90) % 3
    distance = fd_per_class(features, labels, reference, reference_labels)
    alone = frechet_distance(*statistics(features[1::3]), *statistics(reference[1::3]))
    assert distance[1] == pytest.approx(alone, rel=1e-9)
    assert distance.keys() == {0, 1, 2}
    assert fd_per_class(features, torch.full((60,), 5), reference, reference_labels) == {}


def test_kid_over_all_pairs_is_unbiased():
    """Over many pairs of draws from one distribution the estimate is zero on average, within its standard error."""
    values = numpy.array([unbiased_mmd(draw(20, 4, 2 * i), draw(30, 4, 2 * i + 1)) for i in range(400)])
    assert abs(values.mean()) < 3 * values.std() / math.sqrt(len(values))
    assert (values < 0).any()


@pytest.mark.parametrize("strip", [2, 5, 256])
def test_kid_over_all_pairs_is_the_double_sum_of_its_definition(monkeypatch, strip):
    monkeypatch.setattr(kernel, "STRIP", strip)
    x, y = draw(7, 3, 1).double(), draw(5, 3, 2).double()

    def kernel_of(a, b):
        return float((a @ b / 3 + 1) ** 3)

    within = sum(kernel_of(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j) / (7 * 6)
    within += sum(kernel_of(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j) / (5 * 4)
    across = sum(kernel_of(a, b) for a in x for b in y) / (7 * 5)
    assert unbiased_mmd(x, y) == pytest.approx(within - 2 * across, rel=1e-10)


def test_kid_over_all_pairs_is_that_of_torch_fidelity_and_clean_fid_where_a_subset_is_the_whole_set():
    ensure_torchvision()
    from cleanfid.fid import kernel_distance
    from torch_fidelity.metric_kid import kid_features_to_metric

    x, y = draw(60, 8, 1).double(), draw(60, 8, 2, shift=0.3).double()
    theirs = kid_features_to_metric(x, y, kid_subsets=1, kid_subset_size=60, verbose=False)
    ours = unbiased_mmd(x, y)
    assert ours == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)
    assert ours == pytest.approx(kernel_distance(x.numpy(), y.numpy(), num_subsets=1), rel=1e-9)


def test_subset_kid_lies_within_its_error_of_the_estimate_over_all_pairs():
    values, _ = compute(draw(200, 8, 1, shift=0.3), draw(300, 8, 2))
    assert abs(values["kid"] - values["kid_full"]) < values["kid_error"]
    assert values["kid_full"] > 0


def clusters(*centres: float) -> torch.Tensor:
    """Ten points around each centre on a line in 4 dimensions, closer to each other than 1."""
    spread = torch.randn(10, 4, generator=torch.Generator().manual_seed(0)) / 10
    return torch.cat([spread + centre for centre in centres])


@pytest.mark.parametrize(
    ("samples", "reference", "precision", "recall"),
    [
        (clusters(0, 100), clusters(0, 100), 1.0, 1.0),
        (clusters(0), clusters(0, 100), 1.0, 0.5),  # a mode is missing
        (clusters(0, 100), clusters(0), 0.5, 1.0),  # a mode is invented
        (clusters(500), clusters(0), 0.0, 0.0),
    ],
)
def test_precision_recall_density_and_coverage_of_constructed_clusters(samples, reference, precision, recall):
    """Where clusters are far apart and equal inside, all four are known by counting clusters."""
    values, reasons = compute(samples, reference)
    assert values["precision"] == pytest.approx(precision)
    assert values["recall"] == pytest.approx(recall)
    assert values["coverage"] == pytest.approx(recall)
    own, _ = compute(clusters(0), clusters(0))
    assert values["density"] == pytest.approx(precision * own["density"])
    assert reasons.keys() <= {"fd_infinity"}


def test_density_and_coverage_are_their_definition():
    """Naeem et al. eq. 3 and 4 by plain loops."""
    samples, reference = draw(30, 3, 1).double(), draw(40, 3, 2).double()
    radius = [sorted(math.dist(a, b) for b in reference.tolist())[5] for a in reference.tolist()]
    inside = numpy.array(
        [[math.dist(s, r) < ball for s in samples.tolist()] for r, ball in zip(reference.tolist(), radius, strict=True)]
    )
    values, _ = compute(samples, reference)
    assert values["density"] == pytest.approx(inside.sum() / (5 * 30))
    assert values["coverage"] == pytest.approx(inside.any(1).mean())


def test_nearest_distance_is_zero_for_copies_and_one_in_ratio_for_fresh_draws():
    reference = draw(400, 4, 1)
    copied, _ = compute(reference[:100], reference)
    fresh, _ = compute(draw(400, 4, 2), reference)
    assert copied["nearest"] == pytest.approx(0, abs=1e-6)
    assert fresh["nearest_ratio"] == pytest.approx(1, abs=0.15)


def test_the_order_of_images_changes_no_bit():
    features, reference = draw(150, 8, 1), draw(200, 8, 2, shift=0.1)
    shuffled = features[torch.randperm(150, generator=torch.Generator().manual_seed(5))]
    shuffled_reference = reference[torch.randperm(200, generator=torch.Generator().manual_seed(6))]
    assert compute(features, reference) == compute(shuffled, shuffled_reference)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_the_size_of_blocks_changes_nothing(monkeypatch, size):
    features, reference = draw(30, 8, 1), draw(50, 8, 2)
    whole, _ = compute(features, reference)
    monkeypatch.setattr(rows, "BLOCK", size)
    assert compute(features, reference)[0] == pytest.approx(whole, rel=1e-9)


def test_computing_twice_gives_the_same_bits_and_leaves_the_global_random_state():
    features, reference = draw(100, 8, 1), draw(100, 8, 2)
    before = torch.get_rng_state(), numpy.random.get_state()[1].copy()
    first, *others = [compute(features, reference) for _ in range(20)]
    assert all(other == first for other in others)
    assert torch.equal(before[0], torch.get_rng_state()) and (before[1] == numpy.random.get_state()[1]).all()


def test_what_cannot_be_computed_is_none_with_a_reason():
    for samples, reference in [
        (draw(1), draw(50)),
        (draw(50), draw(1)),
        (draw(50) * math.nan, draw(50)),
        (draw(50), statistics(draw(50))),
        (draw(3), draw(3)),
        (draw(50), torch.ones(50, 8)),
        (draw(10), draw(50)),
    ]:
        values, reasons = compute(samples, reference)
        assert {name for name, value in values.items() if value is None} == reasons.keys()
        assert all(value is None or math.isfinite(value) for value in values.values())
    values, reasons = compute(draw(1), draw(50))
    assert set(values.values()) == {None} and reasons["fd"] == "needs at least 2 samples, got 1"
    assert compute(draw(50), statistics(draw(50, 8, 1)))[0]["fd"] > 0


def test_measure_names_each_metric_by_its_extractor_and_counts_labels():
    features, reference = {"one": draw(40, 4, 1), "two": draw(40, 6, 1)}, {"one": draw(60, 4, 2), "two": draw(60, 6, 2)}
    labels = torch.arange(40) % 2
    told = Evidence(labels=labels, predicted=labels.clone(), reference_labels=torch.arange(60) % 2)
    metrics, reasons = measure(evidence_of(features, reference, told))
    assert metrics["accuracy"] == 1.0 and reasons == {}
    assert metrics["fd/two"] == compute(features["two"], reference["two"])[0]["fd"]
    assert metrics["fd_class/one"] > 0
    published = {"one": statistics(draw(9, 4)), "two": statistics(draw(9, 6))}
    metrics, reasons = measure(evidence_of(features, published, Evidence(labels=labels)))
    assert metrics["accuracy"] is None and "classifies" in reasons["accuracy"]
    assert "accuracy" not in measure(evidence_of(features, published, Evidence()))[0]
    assert metrics["kid/one"] is None and "covariance" in reasons["kid/one"]


def test_the_floor_is_one_half_of_the_images_against_the_other():
    ours, theirs = halves(101)
    assert len(ours) == len(theirs) == 50 and not set(ours.tolist()) & set(theirs.tolist())
    features, labels = {"one": draw(101, 4)}, torch.arange(101) % 2
    metrics, _, deviations = floor(features, Evidence(labels=labels, predicted=labels), splits=1)
    expected, _ = compute(features["one"][ours], features["one"][theirs])
    assert metrics["fd/one"] == expected["fd"] and metrics["accuracy"] == 1.0 and set(deviations.values()) == {None}


def test_the_floor_is_the_mean_over_splits_with_their_deviation():
    features, labels = draw(101, 4), torch.arange(101) % 2
    metrics, reasons, deviations = floor({"one": features}, Evidence(labels=labels))
    expected = [compute(*(features[half] for half in halves(101, seed)))[0]["fd"] for seed in range(5)]
    assert metrics["fd/one"] == pytest.approx(numpy.mean(expected))
    assert deviations["fd/one"] == pytest.approx(numpy.std(expected, ddof=1))
    assert metrics["accuracy"] is None and deviations["accuracy"] is None and "classifies" in reasons["accuracy"]


def test_quantisation_returns_every_grey_level():
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_pixels(to_signal(levels)), levels)
    assert to_pixels(torch.tensor([-9.0, 9.0])).tolist() == [0, 255]


def test_published_statistics_are_read_and_a_wrong_file_is_refused(tmp_path):
    path = tmp_path / "statistics.npz"
    mean, covariance = gaussian(draw(50, 4))
    numpy.savez(path, mu=mean, sigma=covariance)
    assert numpy.array_equal(read_npz(path, 4).covariance, covariance)
    with pytest.raises(UserError, match=r"shapes \(4,\)"):
        read_npz(path, 2048)
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"not a zip", whole[:200] + b"x" * 40 + whole[240:]):
        path.write_bytes(broken)
        with pytest.raises(UserError, match=r"statistics\.npz"):
            read_npz(path, 4)
    numpy.savez(path, mean=mean)
    with pytest.raises(UserError, match="no mu and sigma"):
        read_npz(path, 4)
    with pytest.raises(UserError):
        read_npz(tmp_path / "absent.npz", 4)
