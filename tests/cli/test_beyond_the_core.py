"""A run of each study that no preset's report is made of goes the whole way at smoke scale, in one process."""

import json
import subprocess
import sys

CHOSEN = {  # by study: what picks one of its runs, that of an addition
    "guidance_kinds": "run.method == 'tread'",
    "backbone": "run.method == 'sprint' and run.model.kind() == 'uvit'",
    "masked_passes": "run.method == 'mdt'",
    "teacher": "run.method == 'tokendrop' and run.teacher",
    "stage_two": "run.method == 'sprint' and run.train.finetune_from == 'average'",
    "rules": "run.method == 'tread' and run.subsampling == 'structured'",
}
COMMANDS = """
import json, sys
from sprint.cli.main import app
from sprint.plan.reading import load_plan
plan, found = load_plan("smoke"), {}
for name, chosen in json.loads(sys.argv[1]).items():
    found[name] = next(run.name for run in plan.study(name).runs if eval(chosen, {"run": run}))
steps = [["extractor", name] for name in plan.preset.evaluate.extractors]
steps += [["reference"], *(step for run in found.values() for step in (["train", run], ["evaluate", run]))]
steps += [["evaluate", found["guidance_kinds"], "--sweep", "guidance_kinds"]]
steps += [["bench", "attention", found["rules"], "--tokens", "64", "--repeats", "1", "--threads", "1"]]
steps += [step for name in found for step in (["cost", name], ["report", name])]
for arguments in steps:
    app([*arguments, "--preset", "smoke"], standalone_mode=False)
print(json.dumps(found))
"""


def test_additions_are_trained_evaluated_costed_and_reported(new_workspace, command_environment):
    folder = new_workspace("beyond")
    command = [sys.executable, "-c", COMMANDS, json.dumps(CHOSEN)]
    done = subprocess.run(command, cwd=folder, env=command_environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    results = folder / "results/smoke"
    for study, run in found.items():
        read = {name: json.loads((results / f"runs/{run}/{name}.json").read_text()) for name in ("train", "metrics")}
        assert read["train"]["state"] == "done" and read["metrics"]["evaluations"]
        assert read["metrics"]["evaluations"][-1]["metrics"]["fd/digits-cnn"] > 0
        assert run in json.loads((results / f"cost/{study}.json").read_text())["runs"]
        assert run in (folder / f"reports/smoke/{study}.html").read_text(encoding="utf-8")
    asked = json.loads((results / "attention.json").read_text(encoding="utf-8"))["rows"]
    assert {(row["tokens"], row["attention"]["kind"]) for row in asked} == {(64, "exact"), (64, "pisa"), (64, "tome")}
    config = json.loads((results / f"runs/{found['teacher']}/config.json").read_text())
    told = json.loads((results / f"runs/{found['teacher']}/train.json").read_text())["teacher_weights"]
    assert told == json.loads((results / f"extractors/{config['teacher']['extractor']}.json").read_text())["sha256"]
    swept = json.loads((results / f"sweeps/guidance_kinds/{found['guidance_kinds']}.json").read_text())["evaluations"]
    always = [evaluation for evaluation in swept if evaluation["guidance"]["interval"] == [0.0, 1.0]]
    calls = {evaluation["guidance"]["kind"]: evaluation["network_evaluations"] for evaluation in always}
    assert calls["sparse"] == calls["auto"] == calls["cfg"]
    keys = [evaluation["key"] for evaluation in swept]
    assert len(set(keys)) == len(keys) and {"cfg", "auto", "sparse"} == {one["guidance"]["kind"] for one in swept}
