"""The commands of docs/imagenet.md about published checkpoints, on small networks under published names."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest
import tiny
import yaml
from released import OF_SPRINT, SIZE, released

from sprint.cli import main as cli
from sprint.data import opened
from sprint.evaluation.sampling import imported
from sprint.training.imported import import_checkpoint


def test_a_checkpoint_is_decoded_by_a_preset_of_its_own_shape_alone(tmp_path):
    out = tmp_path / "run"
    import_checkpoint(released(tmp_path / "sit.pt"), "sit", SIZE, out)
    alike = tiny.digits()
    assert imported(out, alike).codec is alike.codec
    other = opened({"name": "noise", "channels": 3, "classes": 10, "images": 4}, {"name": "pixels"}, 8)
    assert imported(out, other).codec is not other.codec and imported(out, other).codec.channels == 1


def test_the_commands_run_one_after_the_other(repository, workspace, monkeypatch, capsys):
    monkeypatch.chdir(workspace)
    text = (repository / "docs/imagenet.md").read_text(encoding="utf-8")
    part = text.partition("\n## Published checkpoints\n")[2].partition("\n## ")[0]
    _, block = re.findall(r"```bash\n(.*?)```", part, re.DOTALL)  # the first is tests/published/test_released.py's
    preset = yaml.safe_load(Path("workflow/presets/smoke.yaml").read_text())
    preset["evaluate"] |= {"images": 20, "extractors": ["digits-cnn"]}
    Path("workflow/presets/imagenet256_xl2.yaml").write_text(yaml.safe_dump(preset | {"extractor_steps": 4}))
    released(Path("checkpoints/SiT-XL-2-256x256.pt"))
    released(Path("checkpoints/sprint-xl-256.safetensors"), **OF_SPRINT)
    first = "sprint extractor digits-cnn --preset imagenet256_xl2"  # which a preset of ImageNet's size does not have
    for line in [first, *block.splitlines()]:
        line = line.replace("XL/2 --out", f"{SIZE} --image-size 8 --out").replace("--count 50000", "--count 10")
        line += " --extractor digits-cnn --preset imagenet256_xl2" if "--images" in line else ""
        monkeypatch.setattr(sys, "argv", shlex.split(line))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code in (0, None), (line, capsys.readouterr().err)
    for path in ("results/sit-xl/metrics.json", "results/sprint-xl/metrics.json"):
        found = json.loads(Path(path).read_text())["evaluations"]
        assert len(found) == 2 and all(one["stage"] == "published" for one in found)
    assert json.loads(Path("results/sprint-pdg.json").read_text())["images"] == 10
