"""What docs/imagenet.md says of evaluation is what presets take and commands do."""

import json
import re

import pytest
import yaml

from sprint.plan.reading import load_preset


@pytest.fixture(scope="module")
def part(repository) -> str:
    """Its part about evaluation."""
    text = (repository / "docs/imagenet.md").read_text(encoding="utf-8")
    return text.partition("\n## Evaluation\n")[2].partition("\n## ")[0]


def test_its_settings_are_taken_by_a_preset(part, workspace, monkeypatch):
    (block,) = re.findall(r"```yaml\n(.*?)```", part, re.DOTALL)
    asked = yaml.safe_load(block)["evaluate"]
    monkeypatch.chdir(workspace)
    (workspace / "references").mkdir()
    for path in asked["references"].values():
        (workspace / path).write_bytes(b"")  # read when the reference is made
    path = workspace / "workflow/presets/smoke.yaml"
    preset = yaml.safe_load(path.read_text())
    for values in ({"labels": "random", "quantise": "down", "precision": "bfloat16"}, {"quantise": "half_up"}):
        assert all(f"`{value}`" in part for value in values.values())
        preset["evaluate"] |= {**asked, **values, "sampler": {"kind": "sde", "steps": 250}}
        preset["evaluate"]["guidance"] = [{"kind": "cfg", "scale": 1.5, "channels": 1}]
        path.write_text(yaml.safe_dump(preset))
        found = load_preset("smoke", workspace).evaluate
        assert found.references == asked["references"] and found.quantise == values["quantise"]


def test_its_command_measures_made_features(part, run_cli, tmp_path):
    (command,) = re.findall(r"`sprint (bench evaluate [^`]*)`", part)
    words = command.replace("50000", "300").split()
    done = run_cli(*words, "--dim", "20", "--threads", "1", "--out", tmp_path / "rows.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "rows.json").read_text())
    measured = {row["label"] for row in found["rows"]}
    assert {"fd", "fd_class", "precision", "recall", "kid", "intervals"} <= measured
    assert found["images"] == 300 and found["peak_memory_bytes"] > 0
    assert found["missing"].keys() == {"fd_class"}  # of a thousand classes none has two images
