"""The commands of docs/imagenet.md about published checkpoints, on small networks under published names."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest
import tiny
import torch
import yaml
from published import make_golden
from safetensors.torch import save_file

from sprint.cli import main as cli
from sprint.data import opened
from sprint.evaluation.sampling import imported
from sprint.published.checkpoints import import_checkpoint
from sprint.published.golden import Golden

DIGITS = {"in_channels": 1, "num_classes": 10, "pos": "sincos"}
SPLIT = {"encoder_depth": 1, "middle_depth": 1, "decoder_depth": 1}
OF_SPRINT = {"method": "sprint", "pos": "rope2d", "qk_norm": "rms", **SPLIT}


def checkpoint(path: Path, **config) -> Path:
    """Weights of a small network for digits, as its authors would have saved them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = Golden(make_golden(path.with_suffix(".golden"), **{**DIGITS, **config})).group("weights.")
    torch.save({"ema": weights}, path) if path.suffix == ".pt" else save_file(weights, path)
    return path


def test_a_checkpoint_is_decoded_by_a_preset_of_its_own_shape_alone(tmp_path):
    out = tmp_path / "run"
    import_checkpoint(checkpoint(tmp_path / "sit.pt"), "sit", "3x32x2/2", out)
    alike = tiny.digits()
    assert imported(out, alike).codec is alike.codec
    other = opened({"name": "noise", "channels": 3, "classes": 10, "images": 4}, {"name": "pixels"}, 8)
    assert imported(out, other).codec is not other.codec and imported(out, other).codec.channels == 1


def test_the_commands_run_one_after_the_other(repository, workspace, monkeypatch, capsys):
    monkeypatch.chdir(workspace)
    text = (repository / "docs/imagenet.md").read_text(encoding="utf-8")
    part = text.partition("\n## Published checkpoints\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```bash\n(.*?)```", part, re.DOTALL)
    preset = yaml.safe_load(Path("workflow/presets/smoke.yaml").read_text())
    preset["evaluate"] |= {"images": 20, "extractors": ["digits-cnn"]}
    Path("workflow/presets/imagenet256_xl2.yaml").write_text(yaml.safe_dump(preset | {"extractor_steps": 4}))
    checkpoint(Path("checkpoints/SiT-XL-2-256x256.pt"))
    checkpoint(Path("checkpoints/sprint-xl-256.safetensors"), **OF_SPRINT)
    first = "sprint extractor digits-cnn --preset imagenet256_xl2"  # which a preset of ImageNet's size does not have
    for line in [first, *block.splitlines()]:
        line = line.replace("XL/2 --out", "3x32x2/2 --image-size 8 --out").replace("--count 50000", "--count 10")
        line += " --extractor digits-cnn --preset imagenet256_xl2" if "--images" in line else ""
        monkeypatch.setattr(sys, "argv", shlex.split(line))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code in (0, None), (line, capsys.readouterr().err)
    for path in ("results/sit-xl/metrics.json", "results/sprint-xl/metrics.json"):
        found = json.loads(Path(path).read_text())["evaluations"]
        assert len(found) == 2 and all(one["stage"] == "published" for one in found)
    assert json.loads(Path("results/sprint-pdg.json").read_text())["images"] == 10
