"""`sprint tune` writes what study tuning found, for every method, and refuses what is not there yet."""

import pytest

from sprint.cli import tune as command
from sprint.plan.reading import load_plan, load_preset
from sprint.plan.tuned import read_tuned
from sprint.runtime.errors import UserError
from sprint.runtime.results import METRICS

EVALUATION = {
    **{"key": "k", "step": 20, "stage": "finetune", "images": 10, "labels": "balanced"},
    "guidance": {"kind": "none", "scale": 1.0, "interval": [0.0, 1.0]},
    "sampler": {"kind": "heun", "steps": 2},
    "network_evaluations": {"strong": 3, "weak": 0},
}


@pytest.fixture
def project(workspace, monkeypatch):
    """Tuning done: at k times the preset's rates the loss is (k - 2)^2 + 1, but diverged or flat for some methods."""
    monkeypatch.chdir(workspace)
    plan = load_plan("smoke")
    for run in plan.study("tuning").runs:
        rate = run.train.learning_rate / plan.preset.train.learning_rate
        lost = {"held_out_loss": rate if run.method == "sprint" else (rate - 2) ** 2 + 1}
        failed = run.method == "tread" and rate > 1.5
        found = [] if failed else [{**EVALUATION, "metrics": lost}]
        state = {"run": run.name, "state": "diverged" if failed else "done", "reason": ""}
        METRICS.write(workspace / "results/smoke/runs" / run.name / "metrics.json", {**state, "evaluations": found})
    return workspace


def test_the_choice_is_written_with_where_it_came_from(project, capsys):
    command.tune("smoke")
    said = capsys.readouterr().out
    tuned = read_tuned(project / "workflow/tuned/smoke.yaml", "here")
    assert (tuned.preset, tuned.study, tuned.metric, tuned.seeds) == ("smoke", "tuning", "held_out_loss", [1000])
    assert {method: one.rate for method, one in tuned.chosen.items()} == {
        **dict.fromkeys(("dense", "tokendrop", "maskdit", "microdit", "sparsedit"), 2.0),
        **{"sprint": 0.5, "tread": 1.0},
    }
    assert tuned.chosen["sprint"].edge and not tuned.chosen["dense"].edge
    assert "SPRINT: 0.5 times" in said and "at the edge of what was tried" in said
    assert "`tuned: workflow/tuned/smoke.yaml` in the preset makes its runs use them" in said


def test_a_preset_that_names_the_file_trains_at_its_rates(project):
    command.tune("smoke")
    path = project / "workflow/presets/smoke.yaml"
    path.write_text(path.read_text() + "tuned: workflow/tuned/smoke.yaml\n")
    assert load_preset("smoke").rates["sprint"] == 0.5
    (run,) = [run for run in load_plan("smoke").study("methods").runs if run.method == "sprint"]
    assert run.train.learning_rate == pytest.approx(1e-3) and "rate" not in run.overrides


def test_what_is_not_trained_yet_is_named(project):
    name = load_plan("smoke").study("tuning").runs[3].name
    (project / "results/smoke/runs" / name / "metrics.json").unlink()
    with pytest.raises(UserError, match=r"no such file; first: snakemake --cores all tuning --config preset=smoke"):
        command.tune("smoke")
