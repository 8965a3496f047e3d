"""Tuning: as many trials for every method, on seeds used for nothing else; what was chosen is read by the preset."""

import math
from dataclasses import replace

import pytest
import tiny
import yaml

from sprint.plan.ranges import check_preset
from sprint.plan.reading import Entry, load_plan, make_run
from sprint.plan.tuned import TUNED, Tuned, choose, read_rates, write_tuned
from sprint.runtime.errors import UserError

LOSSES = {"dense": {1.0: [0.5, 0.4], 2.0: [0.4, 0.3], 4.0: [0.6, 0.5]}, "sprint": {2.0: [0.7], 1.0: [0.6], 4.0: [0.8]}}


def test_every_method_has_as_many_trials_on_the_tuning_seeds_alone():
    for preset in ("digits", "evening"):
        plan = load_plan(preset, tiny.ROOT)
        runs, trials = plan.study("tuning").runs, {}
        assert {run.seed for run in runs} == set(plan.preset.tuning_seeds)
        for run in runs:
            trials.setdefault(run.method, set()).add(run.train.learning_rate)
        assert len({len(rates) for rates in trials.values()}) == 1 and len(trials) == 7
        others = {run.seed for study in map(plan.study, plan.studies) if study.name != "tuning" for run in study.runs}
        assert not others & set(plan.preset.tuning_seeds)


def test_a_tuning_seed_among_the_reported_ones_is_refused():
    wrong = replace(tiny.smoke(), seeds=[0, 1], tuning_seeds=[1])
    with pytest.raises(UserError, match="tuning_seeds holds 1, which is one of seeds"):
        check_preset(wrong, "here.yaml")


def test_the_lowest_mean_loss_is_chosen_and_the_edge_of_the_grid_said():
    chosen = choose(LOSSES)
    assert chosen["dense"].rate == 2.0 and not chosen["dense"].edge
    assert chosen["dense"].losses == pytest.approx({1.0: 0.45, 2.0: 0.35, 4.0: 0.55})
    assert chosen["sprint"].rate == 1.0 and chosen["sprint"].edge


def test_a_method_that_diverged_at_every_rate_is_told():
    with pytest.raises(UserError, match="method 'dense' diverged at every rate: 1, 2"):
        choose({"dense": {1.0: [math.inf], 2.0: [0.5, math.inf]}})


def test_what_was_chosen_is_read_back_and_used_by_every_run_of_the_method(tmp_path):
    path = tmp_path / TUNED / "smoke.yaml"
    write_tuned(path, Tuned("smoke", "tuning", "held_out_loss", [1000], "2026-11-26", choose(LOSSES)))
    rates = read_rates(path, "here")
    assert rates == {"dense": 2.0, "sprint": 1.0}
    plain, tuned = tiny.smoke(), replace(tiny.smoke(), rates=rates)
    before, after = (make_run(preset, Entry("dense"), 0, "test") for preset in (plain, tuned))
    assert after.train.learning_rate == 2 * before.train.learning_rate
    assert after.train.finetune_learning_rate == 2 * before.train.finetune_learning_rate
    assert after.overrides == {} and after.hash != before.hash
    assert make_run(tuned, Entry("dense", rate=1.0), 0, "test").hash == before.hash
    for rate in (1.0, 2.0):
        names = {make_run(preset, Entry("dense", rate=rate), 0, "test").name for preset in (plain, tuned)}
        assert len(names) == 1 and f"-rate{rate}-" in names.pop()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"chosen": {"denze": {"rate": 1.0, "edge": False, "losses": {}}}}, "denze"),
        ({"chosen": {"dense": {"rate": -1.0, "edge": False, "losses": {}}}}, "rate is -1.0; allowed"),
        ({"chosen": {"dense": {"rate": 1.0}}}, "edge is missing"),
        ({"extra": 1}, "unknown key 'extra'"),
    ],
)
def test_a_file_of_rates_that_is_wrong_is_refused(change, said, tmp_path):
    path = tmp_path / "rates.yaml"
    write_tuned(path, Tuned("smoke", "tuning", "held_out_loss", [1000], "2026-11-26", {}))
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **change}))
    with pytest.raises(UserError, match=said):
        read_rates(path, "here")


def test_a_file_of_rates_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match="which is no file; allowed: one that `sprint tune` wrote"):
        read_rates(tmp_path / "none.yaml", "here.yaml: tuned")


def test_a_backbone_changed_for_one_run_stands_in_its_name():
    run = make_run(tiny.smoke(), Entry("dense", model={"depth": 2}), 0, "test")
    assert run.model.depth == 2 and run.overrides == {"depth": 2} and run.name.startswith("dense-depth2-seed0-")
    with pytest.raises(UserError, match="dept"):
        make_run(tiny.smoke(), Entry("dense", model={"dept": 2}), 0, "test")
