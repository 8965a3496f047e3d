"""What is told of preset evening is what today's report makes of the packed results of its runs."""

import csv
import json

import pytest
from evening import EVENING, MADE, XEON, page, report

ROUNDING = 1e-4  # relative: processors differ in last digits, and the simultaneous intervals are of a simulation


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return report(tmp_path_factory.mktemp("evening"))


def content(path) -> list[dict]:
    """The rows of a table or the verdicts of a file, their numbers as numbers."""
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else [*map(numbers, csv.DictReader(text.splitlines()))]


def numbers(row: dict[str, str]) -> dict[str, str | float]:
    return {key: float(value) if value.replace(".", "").isdecimal() else value for key, value in row.items()}


@pytest.mark.parametrize("name", MADE)
def test_each_file_is_made_of_the_packed_results(made, name):
    ours, theirs = content(made / name), content(EVENING / name)
    assert len(ours) == len(theirs) > 0
    for one, other in zip(ours, theirs, strict=True):
        assert one.keys() == other.keys()
        for key, value in one.items():
            measured = isinstance(value, float) and isinstance(other[key], float)
            assert value == (pytest.approx(other[key], rel=ROUNDING) if measured else other[key]), (key, one)


def test_the_page_is_not_stale():
    assert page() == (XEON / "README.md").read_text(encoding="utf-8")


def test_every_packed_run_is_whole(made):
    runs = made.parent.parent / "results/evening/runs"
    assert {"config.json", "train.json", "metrics.json"} <= set.intersection(
        *({path.name for path in run.iterdir()} for run in runs.iterdir())
    )
