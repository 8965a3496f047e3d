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


def test_a_backbone_is_one_file_and_one_preset(checkout, git, in_one_process):
    (checkout / FILE).write_text(CODE, encoding="utf-8")
    preset = (checkout / "workflow/presets/smoke.yaml").read_text(encoding="utf-8")
    for usual, changed in (
        ("model: {", "model: {kind: plain, "),
        ("images: 40", "images: 20"),
        ("extractors: [digits-cnn, digits-ssl]", "extractors: [digits-cnn]"),
    ):
        assert usual in preset
        preset = preset.replace(usual, changed)
    (checkout / PRESET).write_text(preset, encoding="utf-8")
    page = in_one_process(checkout, "tiny_plain")
    (folder,) = (checkout / "results/tiny_plain/runs").iterdir()
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["model"]["kind"] == "plain"
    assert json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["state"] == "done"
    assert folder.name in page
    assert git(checkout, "status", "--porcelain").split() == ["??", FILE, "??", PRESET]
