"""A codec is one file and a preset: the means of 2 x 2 pixels, added to a copy and run as far as the metrics."""

import json

import yaml

CODEC = '''"""The mean of every 2 x 2 pixels."""

import torch.nn.functional as F

from sprint.data import to_pixels, to_signal
from sprint.data.codecs import Codec


class Halved(Codec):
    title = "means of 2 x 2 pixels"
    cites = "none"

    @property
    def size(self):
        return self.stored_size // 2

    def signal(self, stored, indices, seed, step):
        return F.avg_pool2d(to_signal(stored), 2)

    def pictures(self, signal):
        return to_pixels(signal)
'''


def test_a_codec_is_one_file_and_a_preset(checkout, git, run_cli):
    preset = yaml.safe_load((checkout / "workflow/presets/smoke.yaml").read_text())
    preset |= {"codec": {"name": "halved"}, "extractor_steps": 4}
    preset["model"] |= {"patch": 1}
    preset["train"] |= {"steps": 4, "warmup": 1}
    preset["evaluate"] |= {"images": 12, "extractors": ["digits-cnn"]}
    (checkout / "sprint/data/codecs/halved.py").write_text(CODEC)
    (checkout / "workflow/presets/half.yaml").write_text(yaml.safe_dump(preset))

    def sprint(*arguments):
        done = run_cli(*arguments, "--preset", "half", cwd=checkout, env={"PYTHONPATH": str(checkout)})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    (run,) = {word for word in sprint("list").split() if word.startswith("dense-seed0-")}
    for command in (("extractor", "digits-cnn"), ("reference",), ("train", run), ("evaluate", run)):
        sprint(*command)
    folder = checkout / "results/half/runs" / run
    assert json.loads((folder / "config.json").read_text())["codec"] == {"name": "halved"}
    measured = json.loads((folder / "metrics.json").read_text())["evaluations"][-1]
    assert measured["identity"]["image_size"] == 4 and measured["metrics"]["fd/digits-cnn"] > 0
    new = {"sprint/data/codecs/halved.py", "workflow/presets/half.yaml"}
    assert set(git(checkout, "status", "--porcelain").split()) == {"??", *new}
