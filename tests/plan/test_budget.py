"""Equal budgets: steps that spend the dense run's FLOPs, and lengths in multiples of the preset's steps."""

from dataclasses import replace

import pytest
import tiny

from sprint.cost.flops import training_total
from sprint.plan.budget import cost_of, with_equal_flops
from sprint.plan.reading import load_plan, make_run
from sprint.plan.schedule import stages
from sprint.plan.schema import Training
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


def test_a_length_multiplies_the_steps_and_leaves_the_rest(tmp_path):
    usual, longer = (make_run(tiny.smoke(), tiny.Entry("sprint", 0.75, length=length), 0, "test") for length in (1, 2))
    assert usual == tiny.run("sprint", 0.75) and longer.overrides == {"steps": 2 * usual.train.steps}
    assert longer.train == replace(usual.train, steps=2 * usual.train.steps)
    assert longer.train.sparse_steps == 2 * usual.train.sparse_steps
