"""Equal budgets: steps that spend the dense run's FLOPs, and the cost at which a curve reaches a level."""

import pytest
import tiny

from sprint.cost.flops import training_total
from sprint.plan.budget import cost_of, with_equal_flops
from sprint.plan.reading import load_plan, make_run
from sprint.plan.schedule import stages
from sprint.plan.schema import Training
from sprint.report.budgets import first_reached
from sprint.runtime.errors import UserError


def test_equal_flops_are_equal_within_one_percent():
    runs = load_plan("digits", tiny.ROOT).study("equal_flops").runs
    spent = {run.name: cost_of(run)["train_flops"] for run in runs}
    dense = next(spent[run.name] for run in runs if run.method == "dense")
    assert len(spent) > 2 and all(abs(flops / dense - 1) < 0.01 for flops in spent.values())
    longer = {run.method: run.train.steps for run in runs}
    assert all(steps > longer["dense"] for method, steps in longer.items() if method != "dense")


def test_the_dense_run_keeps_its_steps_so_that_studies_share_it():
    dense = tiny.run("dense", 0.0)
    assert with_equal_flops(dense) == dense
    plan = load_plan("smoke", tiny.ROOT)
    shared = {run.name for run in plan.study("methods").runs} & {run.name for run in plan.study("equal_flops").runs}
    assert any(name.startswith("dense") for name in shared)


def test_what_training_costs_is_three_times_what_forward_passes_do():
    run = tiny.run("sprint", 0.75)
    assert training_total(tiny.model_config(run), stages(run)) == cost_of(run)["train_flops"]


def test_an_unknown_budget_is_refused():
    entry = tiny.Entry("sprint", 0.75, budget="flop")
    with pytest.raises(UserError, match="budget is 'flop'; allowed: steps, flops"):
        make_run(tiny.smoke(), entry, 0, "test")
    assert "steps" in {known.name for known in Training.__dataclass_fields__.values()}


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
