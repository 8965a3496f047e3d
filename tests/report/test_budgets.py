"""Cost to a quality: of trainings that were run whole at several budgets, read where their line crosses the base's."""

import pytest
from fake_results import cost, evaluation, make_run, study

from sprint.report.budgets import budget_table, cost_to_quality, first_reached, saving
from sprint.report.read import read_study
from sprint.runtime.files import read_json, write_json

USUAL = 450


def test_a_level_on_a_power_law_is_reached_where_the_power_law_says():
    costs = [100.0, 200.0, 400.0, 800.0]
    values = [1000 * cost**-0.7 for cost in costs]
    found = first_reached(costs, values, 1000 * 300**-0.7)
    assert found.cost == pytest.approx(300) and not found.at_first


def test_the_first_crossing_counts_even_where_the_curve_rises_again():
    assert first_reached([1.0, 2.0, 4.0], [10.0, 5.0, 9.0], 5.0).cost == 2.0


def test_unreached_is_none_and_there_from_the_first_milestone_is_said():
    assert first_reached([1.0, 2.0], [10.0, 8.0], 5.0) is None
    assert first_reached([1.0, 2.0], [4.0, 8.0], 5.0).at_first


def trained(results, method: str, drop: float, steps: int, seed: int, value: float) -> tuple[str, dict]:
    """A run of so many steps whose distance at its end is given, and what it costs."""
    run = make_run(results, method, drop, seed, value, split=[steps])
    folder, apart = results / "runs" / run, {} if steps == USUAL else {"steps": steps}
    about = read_json(folder / "config.json")
    label = about["label"] + (f", steps {steps}" if apart else "")
    about |= {"label": label, "overrides": apart, "settings": {}, "train": about["train"] | {"steps": steps}}
    write_json(folder / "config.json", about | ({"subsampling": ""} if method == "dense" else {}))
    write_json(folder / "train.json", read_json(folder / "train.json") | {"step": steps, "steps": steps})
    entry = evaluation(steps, "none", 1.0, value)
    write_json(folder / "metrics.json", {"run": run, "state": "done", "evaluations": [entry]})
    known = cost(method, drop)
    scale = steps / USUAL
    stages = [one | {"steps": round(one["steps"] * scale)} for one in known["stages"]]
    return run, known | {"stages": stages, "train_flops": known["train_flops"] * scale}


def whole(results, values: dict):
    """A study of whole trainings: {(method, drop): {steps: distances by seed}}."""
    found = {}
    for (method, drop), by in values.items():
        for steps, distances in by.items():
            found |= dict(trained(results, method, drop, steps, seed, one) for seed, one in enumerate(distances))
    write_json(results / "cost" / "budgets.json", {"study": "budgets", "runs": found})
    return read_study("digits", results, study("budgets", [*found], ["method", "train.steps"]))


def power(steps: int, factor: float) -> tuple:
    """Distances of three seeds on a power law of the steps."""
    return tuple(factor * (40.0 + seed) * (USUAL / steps) ** 0.7 for seed in range(3))


def test_a_method_whose_distance_falls_as_a_power_of_steps_costs_what_that_says(tmp_path):
    """SPRINT needs 1.5 times the steps at .4907 of the FLOPs of a step: 1 / .736 of them are saved, in every seed."""
    sparse = {steps: power(steps, 1.5**0.7) for steps in (225, 450, 900)}
    found = whole(tmp_path, {("dense", 0.0): {USUAL: power(USUAL, 1.0)}, ("sprint", 0.75): sparse})
    base, lines = cost_to_quality([found])
    assert base == "Dense 0%" and set(lines) == {"Dense 0%", "SPRINT 75%"}
    for seed in range(3):
        assert lines["SPRINT 75%"][seed]["step"].cost == pytest.approx(1.5 * USUAL)
    spent = cost("sprint", 0.75)["train_flops_vs_dense"]
    effect = saving(lines[base], lines["SPRINT 75%"], "tflop")
    assert effect.value == pytest.approx(1 / (1.5 * spent), rel=0.01) and effect.seeds == 3
    assert saving(lines[base], lines["SPRINT 75%"], "step").value == pytest.approx(1 / 1.5)


def test_a_cost_that_is_at_most_so_much_saves_at_least_so_much_and_unreached_is_said(tmp_path):
    """SPRINT is as good from its smallest budget on, naive dropping not at its largest."""
    values = {("dense", 0.0): {USUAL: (40.0, 41.0)}, ("sprint", 0.75): {225: (35.0, 36.0), 450: (30.0, 31.0)}}
    values |= {("tokendrop", 0.75): {225: (95.0, 96.0), 450: (80.0, 41.0)}}
    _, rows = budget_table([whole(tmp_path, values)])
    by = {row[0]: row[1:] for row in rows}
    assert by["Dense 0%"][-1] == "1.00×" and by["SPRINT 75%"][0].startswith("≤ ")
    assert by["SPRINT 75%"][-1].startswith("≥ ")
    assert by["Naive drop 75%"][-1] == "unreached in 1 of 2 seeds" and "unreached in 1 of 2" in by["Naive drop 75%"][0]


def test_milestones_of_one_training_and_one_budget_give_no_cost_to_a_quality(tmp_path):
    found = whole(tmp_path, {("dense", 0.0): {USUAL: (40.0, 41.0)}, ("sprint", 0.75): {USUAL: (35.0, 36.0)}})
    assert budget_table([found]) == ([], []) and cost_to_quality([]) == ("", {})
