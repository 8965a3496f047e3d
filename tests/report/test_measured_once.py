"""Speed in the report: one number for a network wherever it stands, marked where turns scatter; wall clock is told."""

import html

import pytest
from fake_results import make_results, make_run, study

from sprint.report import render_index
from sprint.report.format import ranged
from sprint.report.read import read_study
from sprint.report.settings_table import wall_clock
from sprint.runtime.files import read_json, write_json

SPEED = {"low": 90.0, "high": 110.0, "repeats": 3}


def throughput(results, name: str, medians: dict[str, float], measured_in: dict[str, str], **about) -> None:
    """What `sprint bench study` writes, of runs that are networks of their own."""
    runs = {run: {"train": {"median": median, **SPEED}} for run, median in medians.items()}
    found = {"study": name, "threads": 2, "batch": 64, "machine": {"cores": 2}, "base": "dense"}
    found |= {"peak_memory_bytes": 1 << 20, **about}
    networks = {run: f"network of {run}" for run in runs}
    write_json(
        results / "throughput" / f"{name}.json",
        {**found, "networks": networks, "measured_in": measured_in, "runs": runs},
    )


def speed_of(results, name: str, run: str) -> float:
    return read_study("digits", results, study(name, [run], ["method"])).runs[0].throughput["train"]["median"]


def test_a_network_has_the_speed_of_the_study_that_measured_it(tmp_path):
    """The copy in another study's file gives way, also after the original was measured again."""
    throughput(tmp_path, "methods", {"a": 100.0}, {"a": "methods"})
    throughput(tmp_path, "drop_ratio", {"a": 70.0, "b": 50.0}, {"a": "methods", "b": "drop_ratio"})
    assert speed_of(tmp_path, "methods", "a") == speed_of(tmp_path, "drop_ratio", "a") == 100.0
    assert speed_of(tmp_path, "drop_ratio", "b") == 50.0


def test_a_copy_stands_in_where_the_original_is_gone(tmp_path):
    throughput(tmp_path, "drop_ratio", {"a": 70.0}, {"a": "methods"})
    assert speed_of(tmp_path, "drop_ratio", "a") == 70.0


def test_two_that_measured_the_same_at_once_are_read_as_one(tmp_path):
    throughput(tmp_path, "methods", {"a": 100.0}, {"a": "methods"})
    throughput(tmp_path, "drop_ratio", {"a": 70.0}, {"a": "drop_ratio"})
    assert speed_of(tmp_path, "methods", "a") == speed_of(tmp_path, "drop_ratio", "a")


def test_a_speed_of_other_threads_is_no_speed_of_this_study(tmp_path):
    throughput(tmp_path, "drop_ratio", {"a": 70.0}, {"a": "drop_ratio"}, threads=1)
    throughput(tmp_path, "methods", {"a": 100.0}, {"a": "methods"})
    assert speed_of(tmp_path, "methods", "a") == 100.0 and speed_of(tmp_path, "drop_ratio", "a") == 70.0


def test_turns_that_scatter_are_marked_wherever_they_are_told(tmp_path):
    assert ranged({"median": 0.9, "low": 0.68, "high": 1.14, "scatters": True}) == "0.900 (turns scatter: 0.680–1.14)"
    assert ranged({"median": 0.9, "low": 0.88, "high": 0.95, "scatters": False}) == "0.900 (0.880–0.950)"
    results, plans = make_results(tmp_path)
    path = results / "throughput" / "methods.json"
    measured = read_json(path)
    for speeds in measured["runs"].values():
        speeds["train"] |= {"scatters": True, "of_base": {**speeds["train"]["of_base"], "scatters": True}}
    write_json(path, measured)
    render_index("digits", results, plans[:1], tmp_path / "index.html")
    page = html.unescape((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "<small>turns scatter: 360–440</small>" in page  # results by setting
    assert "400 (turns scatter: 360–440)" in page  # cost by stage
    assert "Turns scatter: Dense 0%, SPRINT 75%" in page  # speed-up


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (["2026-01-05 10:00:00", "2026-01-05 10:10:00"], "of one training at a time"),
        (["2026-01-05 10:00:00", "2026-01-05 10:00:30"], "2 of 2 trainings ran while another did"),
        (["2026-01-05 10:00:00", "2026-01-05 10:00:00"], "2 of 2 trainings ran while another did"),
        ([None, None], "was not recorded"),
    ],
)
def test_seconds_of_trainings_that_ran_side_by_side_are_said_to_be_so(ends, said, tmp_path):
    """Each took about two minutes."""
    names = [make_run(tmp_path, "dense", 0.0, seed, 38.0) for seed in (0, 1)]
    for name, ended in zip(names, ends, strict=True):
        path = tmp_path / "runs" / name / "train.json"
        write_json(path, read_json(path) | ({"ended": ended} if ended else {}))
    assert said in wall_clock([read_study("digits", tmp_path, study("one", names, ["seed"]))])
