"""A network that several studies have is measured once, in turns with the base, and read as one number everywhere."""

from dataclasses import replace

import pytest
import tiny

from sprint.bench import clock
from sprint.bench import study as bench
from sprint.methods import METHODS, YARDSTICK
from sprint.plan.schema import Study
from sprint.runtime.files import read_json, write_json


def of(name: str, *runs) -> Study:
    return Study(name, name, "Which?", ["method"], list(runs), [], {}, [])


@pytest.fixture
def measure(tmp_path, monkeypatch):
    """measure(study): what is written, and which networks took turns; no network is built."""
    turns = []

    def in_turns(tasks, repeats, what):
        turns.append({key for (key, _), _ in tasks})
        return {task: [1.0] * (repeats + 1) for task in tasks}

    monkeypatch.setattr(clock, "in_turns", in_turns)
    monkeypatch.setattr(
        bench, "_tasks", lambda run, images, measuring: {("train", ""): int, ("sample_none", "one call"): int}
    )

    def call(study: Study) -> tuple[dict, list[set]]:
        turns.clear()
        bench.measure_study(study, tiny.smoke(), 1, tmp_path / f"{study.name}.json")
        return read_json(tmp_path / f"{study.name}.json"), list(turns)

    return call


def runs_of_three():
    dense = tiny.run(YARDSTICK, 0.0)
    sparse = [tiny.run(method, 0.75) for method in METHODS if method != YARDSTICK]
    return dense, *[run for run in sparse if run.subsampling][:2]


def test_seeds_share_a_measurement_and_lengths_of_training_too():
    dense, sparse, _ = runs_of_three()
    longer = replace(sparse, seed=7, train=replace(sparse.train, steps=sparse.train.steps + 1))
    assert bench.network_of(longer) == bench.network_of(sparse) != bench.network_of(dense)


def test_the_second_study_measures_what_the_first_did_not(measure):
    dense, first, second = runs_of_three()
    one, turns = measure(of("one", dense, first))
    assert turns == [{bench.network_of(dense), bench.network_of(first)}]
    two, turns = measure(of("two", dense, first, second))
    assert turns == [{bench.network_of(dense), bench.network_of(second)}]  # the base is in all turns
    assert [two["measured_in"][run.name] for run in (dense, first, second)] == ["one", "one", "two"]
    assert two["runs"][first.name] == one["runs"][first.name]
    _, turns = measure(of("three", first))
    assert turns == []


def test_what_is_measured_again_is_not_taken_from_its_copy(measure):
    dense, first, _ = runs_of_three()
    measure(of("one", dense, first))
    measure(of("two", dense, first))
    again, turns = measure(of("one", dense, first))
    assert len(turns) == 1 and again["measured_in"][first.name] == "one"


@pytest.mark.parametrize("key", ["machine", "versions", "commit", "threads"])
def test_what_was_measured_otherwise_is_measured_again(key, measure, tmp_path):
    dense, first, _ = runs_of_three()
    one, _ = measure(of("one", dense, first))
    write_json(tmp_path / "one.json", {**one, key: "another"})
    assert len(measure(of("two", dense, first))[1]) == 1


def test_a_ratio_and_its_images_per_second_come_from_the_same_turns(measure):
    _, first, _ = runs_of_three()
    entry = measure(of("one", first))[0]["runs"][first.name]["train"]
    assert entry["of_base"]["repeats"] == entry["repeats"] and entry["of_base"]["median"] == 1.0
