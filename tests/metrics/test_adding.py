"""One file is a metric, and one file and a preset that names it an extractor: both as far as the report."""

import json
import re
import subprocess
import sys

METRIC = "sprint/metrics/mean_shift.py"
METRIC_FILE = '''"""How far the mean of generated images' features is from that of real ones."""

from sprint.metrics import Metric


class MeanShift(Metric):
    title = "shift of the mean"
    cites = "made for a test"
    meaning = "distance between the mean features of generated and of real images"
    better = "lower"
    range = (0.0, None)
    table = "main"
    place = 15

    @staticmethod
    def compute(evidence):
        from sprint.metrics.maths.rows import ours, theirs

        return float((evidence.once(ours).mean(0) - evidence.once(theirs).mean(0)).norm())
'''
EXTRACTOR = "sprint/metrics/extractors/brightness.py"
EXTRACTOR_FILE = '''"""A small network that learns how bright an image is, and never sees a label."""

from sprint.metrics.extractors import TrainedHere


class Brightness(TrainedHere):
    title = "small network of brightness"
    cites = "made for a test"
    steps = 10

    @staticmethod
    def outputs(classes):
        return 1

    @staticmethod
    def loss(network, pixels, labels, generator):
        return (network(pixels)[1].squeeze(1) - pixels.float().mean((1, 2, 3)) / 255).square().mean()

    @staticmethod
    def held_out_accuracy(network, seen, held_out):
        pixels, _ = held_out
        wrong = network(pixels)[1].squeeze(1) - pixels.float().mean((1, 2, 3)) / 255
        return float((wrong.abs() < 0.1).float().mean())
'''
PRESET = "workflow/presets/bright.yaml"
COMMANDS = """
import sys
from sprint.cli.main import app
from sprint.plan.reading import load_plan
preset = sys.argv[1]
plan = load_plan(preset)
run = plan.study("methods").runs[0].name
steps = [["extractor", name] for name in plan.preset.evaluate.extractors]
for arguments in [*steps, ["reference"], ["train", run], ["evaluate", run], ["report", "methods"]]:
    app([*arguments, "--preset", preset], standalone_mode=False)
"""


def made(checkout, preset: str, command_environment) -> tuple[list[dict], str]:
    """The evaluations of one run of a preset, by the copy's own commands, and the words of its study's page."""
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS, preset],
        cwd=checkout,
        env=command_environment(PYTHONPATH=str(checkout)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (checkout / "results" / preset / "runs").glob("*/metrics.json")
    page = (checkout / "reports" / preset / "methods.html").read_text(encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))["evaluations"], re.sub(r"<[^>]+>", "", page)


def test_a_metric_is_one_file(checkout, git, command_environment):
    (checkout / METRIC).write_text(METRIC_FILE, encoding="utf-8")
    evaluations, page = made(checkout, "smoke", command_environment)
    for extractor in ("digits-cnn", "digits-ssl"):
        assert all(entry["metrics"][f"mean_shift/{extractor}"] > 0 for entry in evaluations)
        assert f"shift of the mean ({extractor})" in page
    floor = json.loads((checkout / "results/smoke/reference/floor.json").read_text(encoding="utf-8"))
    assert 0 < floor["metrics"]["mean_shift/digits-cnn"] < evaluations[-1]["metrics"]["mean_shift/digits-cnn"]
    assert git(checkout, "status", "--porcelain").split() == ["??", METRIC]


def test_an_extractor_is_one_file_and_a_preset_that_names_it(checkout, git, command_environment):
    (checkout / EXTRACTOR).write_text(EXTRACTOR_FILE, encoding="utf-8")
    usual = (checkout / "workflow/presets/smoke.yaml").read_text(encoding="utf-8")
    asked = usual.replace("[digits-cnn, digits-ssl]", "[shades-brightness]")
    (checkout / PRESET).write_text(asked, encoding="utf-8")
    evaluations, page = made(checkout, "bright", command_environment)
    assert all(entry["metrics"]["fd/shades-brightness"] > 0 for entry in evaluations)
    assert all("classifies" in entry["reasons"]["accuracy"] for entry in evaluations)
    assert "FD (shades-brightness)" in page
    assert git(checkout, "status", "--porcelain").split() == ["??", EXTRACTOR, "??", PRESET]
