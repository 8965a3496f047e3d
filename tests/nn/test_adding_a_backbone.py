"""One file and one preset make another backbone known: a run on it is planned, trained and evaluated."""

import json

FILE = "sprint/nn/backbones/plain.py"
PRESET = "workflow/presets/tiny_plain.yaml"
CODE = '''"""DiT whose attention and MLPs have no biases."""

from dataclasses import dataclass

from torch import nn

from sprint.nn.backbones.dit import DiT


@dataclass(frozen=True)
class Plain(DiT):
    title = "DiT without biases"
    cites = "made for a test"

    def block(self, number, width=0, heads=0, attention=None):
        block = super().block(number, width, heads, attention)
        for linear in [part for part in block.modules() if type(part) is nn.Linear]:
            linear.register_parameter("bias", None)
        return block
'''


def test_a_backbone_is_one_file_and_one_preset(checkout, git, run_cli, snakemake):
    (checkout / FILE).write_text(CODE, encoding="utf-8")
    smoke = (checkout / "workflow/presets/smoke.yaml").read_text(encoding="utf-8")
    for usual, changed in (
        ("model: {", "model: {kind: plain, "),
        ("steps: 20", "steps: 4"),
        ("warmup: 2", "warmup: 0"),
        ("images: 40", "images: 20"),
        ("extractors: [digits-cnn, digits-ssl]", "extractors: [digits-cnn]"),
    ):
        assert usual in smoke
        smoke = smoke.replace(usual, changed)
    (checkout / PRESET).write_text(smoke, encoding="utf-8")
    copy = {"cwd": checkout, "env": {"PYTHONPATH": str(checkout)}}
    listed = run_cli("list", "--preset", "tiny_plain", **copy)
    name = next(word for word in listed.stdout.split() if word.startswith("sprint-drop"))
    metrics = f"results/tiny_plain/runs/{name}/metrics.json"
    done = snakemake(metrics, "--config", "preset=tiny_plain", **copy)
    assert done.returncode == 0, done.stdout + done.stderr
    config = json.loads((checkout / metrics).with_name("config.json").read_text(encoding="utf-8"))
    assert config["model"]["kind"] == "plain"
    assert json.loads((checkout / metrics).read_text(encoding="utf-8"))["state"] == "done"
    assert git(checkout, "status", "--porcelain").split() == ["??", FILE, "??", PRESET]
