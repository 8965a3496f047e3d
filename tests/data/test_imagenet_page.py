"""Every command of docs/imagenet.md about data does on small pictures what the page says of it."""

import re
import shlex
import sys

import pytest
import stores
import yaml

from sprint import data
from sprint.cli import main as cli
from sprint.data.codecs.autoencoder import AutoencoderCodec

BLOCK = re.compile(r"```(bash|yaml)\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def page(repository) -> dict[str, list[str]]:
    """Its blocks by language."""
    text = (repository / "docs/imagenet.md").read_text(encoding="utf-8")
    part = text.partition("\n## Data\n")[2].partition("\n## ")[0]
    found = {"bash": [], "yaml": []}
    for language, block in BLOCK.findall(part):
        found[language].append(block)
    return found


def test_the_commands_run_one_after_the_other(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    stores.pictures(tmp_path / "data/train", 12)
    stores.repa(tmp_path / "data/latents", stores.source(side=8))
    for name in ("sd-vae-ft-mse", "sd-vae-ft-ema"):
        AutoencoderCodec.smallest(tmp_path / "models" / name)
    commands = [line for block in page["bash"] for line in block.splitlines() if line]
    assert len(commands) >= 5 and all(line.startswith("sprint data ") for line in commands)
    for line in commands:
        monkeypatch.setattr(sys, "argv", shlex.split(line.replace("--size 256", "--size 8")))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code in (0, None), line
    printed = capsys.readouterr().out
    assert "encoder    sd-vae-ft-mse sha256:" in printed and (tmp_path / "contact-sheet.png").exists()
    for path in ("data/imagenet256", "data/converted"):
        assert (tmp_path / path / "index.json").exists()


def test_what_a_preset_says_is_read(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("sd-vae-ft-mse", "sd-vae-ft-ema"):
        AutoencoderCodec.smallest(tmp_path / "models" / name)
    usual, edm2 = (yaml.safe_load(block) for block in page["yaml"])
    announced = usual["data"] | {"classes": 1000, "shape": [8, 32, 32]}
    for codec in (usual["codec"], edm2["codec"]):
        examples = data.opened(announced, codec, usual["image_size"])
        examples.check()
        assert (examples.channels, examples.size, examples.classes) == (4, 32, 1000)
    mean, std = [5.81, 3.25, 0.12, -2.15], [4.17, 4.62, 3.71, 3.28]  # edm2's own
    assert edm2["codec"]["shift"] == mean
    assert edm2["codec"]["scale"] == pytest.approx([0.5 / one for one in std], abs=1e-4)
