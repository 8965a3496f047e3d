"""What sets a run apart is read from results of today (`overrides`) and from those made when it was called `named`."""

import pytest
import yaml
from fake_results import cost, make_run, study

from sprint.report.judging import outcomes
from sprint.report.read import read_study
from sprint.report.tables import study_table
from sprint.runtime.files import read_json, write_json
from sprint.statistics.claims import read_claims

RULE = {
    "metric": "distance",
    "of": {"method": "sprint", "drop": 0.75},
    "over": {"method": "dense"},
    "at_most": 1.1,
}


def told(results, name: str, key: str, overrides: dict) -> str:
    """The run's configuration as it was written with what sets it apart under `key`."""
    path = results / "runs" / name / "config.json"
    config = read_json(path)
    config |= {"subsampling": ""} if config["method"] == "dense" else {}
    write_json(path, config | {"train": config["train"] | overrides, key: overrides})
    return name


def read(results, key: str):
    """Dense, SPRINT as the preset has it, and SPRINT with half as many steps."""
    plain = [
        told(results, make_run(results, "dense", 0.0, 0, 40.0), key, {}),
        told(results, make_run(results, "sprint", 0.75, 0, 42.0), key, {}),
    ]
    shorter = told(results, make_run(results, "sprint", 0.75, 0, 80.0, split=[2, 2, 2]), key, {"steps": 225})
    names = [*plain, shorter]
    costs = {name: cost(name.partition("-")[0], 0.0 if name == names[0] else 0.75) for name in names}
    costs[shorter] |= {"train_flops_vs_dense": 9.0}
    write_json(results / "cost" / "methods.json", {"study": "methods", "runs": costs})
    return read_study("digits", results, study("methods", names, ["method", "drop", "settings.split", "train.steps"]))


@pytest.mark.parametrize("key", ["overrides", "named"])
def test_a_claim_about_a_method_means_the_run_that_the_preset_alone_describes(tmp_path, key):
    path = tmp_path / "published.yaml"
    claim = {"id": "a", "method": "sprint", "claim": "b", "fixed": "2026-11-26", "rules": [RULE]}
    path.write_text(yaml.safe_dump({"claims": [claim]}))
    (found,) = outcomes.verdicts([read(tmp_path / "results", key)], read_claims(path))
    outcome = found.outcomes[0]
    assert "several settings" not in outcome.why and outcome.effect.value == pytest.approx(1.05)


@pytest.mark.parametrize("key", ["overrides", "named"])
def test_training_cost_is_told_in_multiples_of_the_studys_own_dense_run(tmp_path, key):
    """The cost files say 9 times that of a dense run of as many steps: of the study's dense run it is less than one."""
    told_small = [cell.main for group in study_table(read(tmp_path / "results", key)).groups for cell in group.costs]
    assert "9.00×" not in told_small and "1.00×" in told_small


def test_a_setting_names_its_teacher_once(tmp_path):
    """Its label has it, and the factor that tells them apart is called `teacher`, not `kind`."""
    results = tmp_path / "results"
    names = [make_run(results, "dense", 0.0, 0, 40.0), make_run(results, "sprint", 0.75, 0, 42.0)]
    path = results / "runs" / names[1] / "config.json"
    config = read_json(path)
    write_json(path, config | {"label": "SPRINT 75%, teacher repa", "teacher": {"kind": "repa"}})
    found = read_study("digits", results, study("teacher", names, ["method", "teacher.kind"]))
    assert "SPRINT 75%, teacher repa" in found.settings
    heads = [column.name for column in study_table(found).factors]
    assert "teacher" in heads and "kind" not in heads
