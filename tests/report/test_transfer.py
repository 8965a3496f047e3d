"""Published ratios beside ours, and distances that disagree: sentences that follow from the numbers."""

import pytest
import yaml
from fake_results import STEPS, evaluation, make_run, study

from sprint.report.published import FILE, read_published
from sprint.report.read import read_study
from sprint.report.views import Report
from sprint.report.views.agreement import sentences
from sprint.report.views.transfer import pairs_of, sentence
from sprint.runtime.files import read_json, write_json

CNN = "digits-cnn"
PLACES = [
    ("dense", 0.0),
    ("sprint", 0.75),
    ("maskdit", 0.5),
    ("tokendrop", 0.25),
    ("tokendrop", 0.5),
    ("maskdit", 0.75),
]


def made(results, values: dict):
    """A study by (method, drop): metrics of each seed, unguided."""
    names = []
    for (method, drop), seeds in values.items():
        for seed, metrics in enumerate(seeds):
            run = make_run(results, method, drop, seed, 40.0)
            path = results / "runs" / run / "config.json"
            about = read_json(path) | {"overrides": {}}
            write_json(path, about | ({"subsampling": ""} if method == "dense" else {}))
            entry = evaluation(STEPS, "none", 1.0, 40.0) | {"metrics": metrics}
            write_json(results / "runs" / run / "metrics.json", {"run": run, "state": "done", "evaluations": [entry]})
            names.append(run)
    return read_study("digits", results, study("methods", names, ["method", "drop"]))


def report(results, ratios: list, ours: list) -> Report:
    """Ours are these times the dense model's, in two seeds; published ones are given."""
    values = {
        place: [{f"fd/{CNN}": ratio * (40.0 + seed)} for seed in (0, 1)]
        for place, ratio in zip(PLACES, (1.0, *ours), strict=False)
    }
    rows = [
        {"method": method, "drop": drop, "model": "M", "metric": "FID", "base": 10.0, "value": 10 * ratio, "at": "end"}
        for (method, drop), ratio in zip(PLACES[1:], ratios, strict=False)
    ]
    facts = {"ratios": [row | {"source": "a table", "confidence": "author"} for row in rows]}
    return Report("digits", results, [made(results, values)], facts, whole=True)


def test_the_same_order_is_said_to_agree_and_a_mixed_one_is_not_shown_to(tmp_path):
    ratios, same, mixed = [0.9, 1.1, 1.3, 1.6, 2.0], [1.2, 1.3, 1.5, 1.9, 4.0], [1.5, 1.2, 1.9, 1.3, 1.4]
    found = pairs_of(report(tmp_path / "same", ratios, same))
    assert [pair.ours.value for pair in found] == pytest.approx(same)
    assert [pair.mean for pair in found] == pytest.approx(ratios)
    assert "Over 5 methods and drop ratios the order of ours agrees with the published one: Kendall's τ 1.00" in (
        sentence(found)
    )
    assert "is not shown to predict" in sentence(pairs_of(report(tmp_path / "mixed", ratios, mixed)))


def test_too_few_points_are_said_to_be_too_few(tmp_path):
    found = pairs_of(report(tmp_path, [0.9, 1.1], [1.2, 1.3]))
    assert sentence(found).endswith("cannot be said: 2 of the 5 points that it would take.")
    assert "no method that this page compares" in sentence([])


def test_every_published_ratio_says_where_it_stands():
    rows = read_published(FILE)["ratios"]
    assert len(rows) >= 12 and yaml.safe_dump(rows)
    for row in rows:
        assert {"method", "drop", "model", "metric", "base", "value", "at", "source", "confidence"} == set(row)
        assert row["base"] > 0 and row["value"] > 0 and 0 < row["drop"] < 1


def distances(fd: float, infinity: float, kid: float) -> dict:
    return {f"fd/{CNN}": fd, f"fd_infinity/{CNN}": infinity, f"kid/{CNN}": kid}


def test_distances_that_disagree_are_told_with_the_share_of_bias(tmp_path):
    """SPRINT is nearer than dense by KID and farther by both Frechet distances, of which a quarter to half is bias."""
    values = {("dense", 0.0): [distances(2.0, 1.0, 0.010), distances(2.1, 1.05, 0.011)]}
    values |= {("sprint", 0.75): [distances(2.4, 1.8, 0.008), distances(2.5, 1.875, 0.0088)]}
    found = made(tmp_path, values)
    assert found.primary == f"fd_infinity/{CNN}"
    first, *more = sentences(found)
    assert first.startswith(
        "Distances disagree: SPRINT 75%, unguided, is better than Dense 0% by KID (digits-cnn) (-0.002"
    )
    assert "and worse by FD∞ (digits-cnn) (1.79×, surely) and FD (digits-cnn) (1.20×" in first
    assert more == ["The bias of few images is 25% to 50% of FD (digits-cnn), by FD∞ (digits-cnn)."]


def test_distances_that_agree_are_said_to(tmp_path):
    values = {("dense", 0.0): [distances(2.0, 1.0, 0.010)], ("sprint", 0.75): [distances(2.4, 1.8, 0.018)]}
    assert sentences(made(tmp_path, values))[0].endswith("put every setting on the same side of Dense 0%.")
    assert sentences(made(tmp_path / "one", {("dense", 0.0): [{f"fd/{CNN}": 2.0}] * 2})) == []
