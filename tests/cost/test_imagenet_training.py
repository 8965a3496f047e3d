"""What docs/imagenet.md says of training: presets with the published schedules, and commands that run without data."""

import re
import shlex
import sys

import pytest

from sprint.cli import main as cli
from sprint.plan.reading import load_preset
from sprint.plan.training import Training

PRESETS = ("imagenet256_b2", "imagenet256_xl2", "imagenet512_xl2")
SMALL = {"--model": "6x32x2/2", "--resolution": "64", "--batch": "2"}


@pytest.fixture(scope="module")
def commands(repository) -> list[str]:
    """Those of the page's part on training."""
    text = (repository / "docs/imagenet.md").read_text(encoding="utf-8")
    part = text.partition("\n## Training\n")[2].partition("\n## ")[0]
    return [line for block in re.findall(r"```bash\n(.*?)```", part, re.DOTALL) for line in block.splitlines()]


def published(steps: int, first: int, **changes) -> dict:
    """SPRINT's configurations: what its configs/train say of both stages."""
    return {"steps": steps, "sparse_steps": first, "batch": 256, "finetune_batch": 1024, "learning_rate": 1e-4} | {
        "finetune_learning_rate": 2e-4,
        "warmup": 0,
        "warmup_of_finetuning": 5000,
        "finetune_from": "average",
        "ema": 0.9999,
        "clip": 1.0,
        "weight_decay": 0.0,
        "label_drop": 0.1,
        "precision": "bfloat16",
        **changes,
    }


@pytest.mark.parametrize(
    ("name", "expected", "recompute"),
    [
        ("imagenet256_xl2", published(2_200_000, 2_000_000), False),
        ("imagenet512_xl2", published(2_200_000, 2_000_000, finetune_learning_rate=1.5e-4), True),
        ("imagenet256_b2", published(440_000, 400_000), False),
    ],
)
def test_the_presets_have_the_published_schedules(name, expected, recompute, repository):
    preset = load_preset(name, repository)  # without data or autoencoder
    train: Training = preset.train
    assert {key: getattr(train, key) for key in expected} == expected
    assert preset.passes.recompute == recompute and preset.evaluate.images == 50_000
    assert (preset.evaluate.sampler.kind(), preset.evaluate.sampler.steps) == ("sde", 250)
    examples = preset.examples()
    assert (examples.channels, examples.classes, examples.size) == (4, 1000, preset.image_size // 8)
    assert train.milestone_step(train.milestones[-2]) == train.sparse_steps


def test_a_dry_run_needs_no_data(commands, workspace, snakemake):
    (line,) = [line for line in commands if line.startswith("snakemake -n ")]
    done = snakemake(*shlex.split(line)[1:], cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^train +[1-9]", done.stdout, re.MULTILINE), done.stdout


def test_the_commands_of_forecast_run(commands, workspace, monkeypatch, capsys):
    monkeypatch.chdir(workspace)
    mine = [line for line in commands if line.startswith("sprint ")]
    assert [line.split()[1] for line in mine] == ["forecast", "bench", "forecast"]
    for line in mine:
        words = shlex.split(line)
        words = [SMALL.get(before, word) for before, word in zip(["", *words], words, strict=False)]
        words += ["--method", "sprint", "--repeats", "1"] if words[1] == "bench" else []
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code in (0, None), line
    printed = capsys.readouterr().out
    assert "300 TFLOP/s of each device" in printed and "FLOP/s of training steps by method" in printed


def test_every_other_command_names_a_study_and_a_preset_that_there_are(commands, repository):
    others = [line for line in commands if not line.startswith(("sprint ", "snakemake -n "))]
    assert others == ["snakemake --cores all paper --config preset=imagenet256_b2"]
    assert (repository / "ablations/paper.yaml").exists()
