"""One file is a guidance, by an earlier milestone's weights, and one a sampler, as far as the report."""

import json
import re
import subprocess
import sys

SAMPLER = "sprint/diffusion/samplers/midpoint.py"
SAMPLER_FILE = '''"""Midpoint steps of the ODE: two calls a step."""

from dataclasses import dataclass

from sprint.diffusion.samplers import Sampler


@dataclass(frozen=True)
class Midpoint(Sampler):
    title = "midpoint ODE"
    cites = "made for a test"
    order = 2

    def calls(self, t, following):
        return 2

    def step(self, velocity, x, t, following, noise, past):
        middle = (t + following) / 2
        return x + (following - t) * velocity(x + (middle - t) * velocity(x, t), middle)
'''
GUIDANCE = "sprint/diffusion/guidance/halfway.py"
PRESET = "workflow/presets/flow.yaml"
COMMANDS = """
from sprint.cli.main import app
from sprint.plan.reading import load_plan
plan = load_plan("flow")
run = plan.study("methods").runs[0].name
steps = [["extractor", name] for name in plan.preset.evaluate.extractors]
for arguments in [*steps, ["reference"], ["train", run], ["evaluate", run], ["cost", "methods"], ["report", "methods"]]:
    app([*arguments, "--preset", "flow"], standalone_mode=False)
"""


def test_a_guidance_and_a_sampler_are_one_file_each_and_a_preset_that_names_them(checkout, git, command_environment):
    """The guidance is README's own."""
    readme = (checkout / "README.md").read_text(encoding="utf-8")
    (guidance,) = re.findall(rf"`{re.escape(GUIDANCE)}`[^`]*`[^`]*`[^`]*```python\n(.*?)^```", readme, re.M | re.S)
    usual = (checkout / "workflow/presets/smoke.yaml").read_text(encoding="utf-8")
    asked = usual.replace("{kind: heun, steps: 2}", "{kind: midpoint, steps: 3}")
    asked = asked.replace("{kind: cfg, scale: 1.5}", "{kind: halfway, scale: 2}")
    assert "halfway" in asked and "midpoint" in asked
    for name, content in ((SAMPLER, SAMPLER_FILE), (GUIDANCE, guidance), (PRESET, asked)):
        (checkout / name).write_text(content, encoding="utf-8")
    environment = command_environment(PYTHONPATH=str(checkout))
    command = [sys.executable, "-c", COMMANDS]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (checkout / "results/flow/runs").glob("*/metrics.json")
    *_, plain, guided = json.loads(path.read_text(encoding="utf-8"))["evaluations"]
    assert (plain["network_evaluations"], guided["network_evaluations"]) == (
        {"strong": 6, "weak": 0},
        {"strong": 6, "weak": 6},
    )
    (earlier,) = guided["identity"]["earlier_weights"].values()
    assert earlier != guided["identity"]["weights"] and guided["metrics"] != plain["metrics"]
    page = (checkout / "reports/flow/methods.html").read_text(encoding="utf-8")
    assert "halfway 2" in page and "midpoint ODE, 3 steps" in page
    assert sorted(git(checkout, "status", "--porcelain").split()[1::2]) == sorted([SAMPLER, GUIDANCE, PRESET])
