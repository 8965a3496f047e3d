"""The way over latents whole, as small as can be: pictures, autoencoder, latents by the workflow; then all else."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sprint.cli import main as cli
from sprint.data.autoencoder import Autoencoder
from sprint.data.drawing import draw, drawn
from sprint.data.learning import learn
from sprint.plan.reading import load_plan, load_preset
from sprint.runtime.errors import UserError

PRESET = "latents_smoke"


def sprint(monkeypatch, *arguments) -> None:
    monkeypatch.setattr(sys, "argv", ["sprint", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code in (0, None)


def test_a_drawn_digit_is_the_published_one_in_two_colours():
    digit = np.zeros((8, 8), np.uint8)
    digit[:, 4:] = 255
    for seed in range(5):
        picture = drawn(digit, 64, np.random.default_rng(seed)).astype(float)
        corner, ink = picture[:4, :2].mean((0, 1)), picture[24:40, 38:44].mean((0, 1))
        assert picture.shape == (64, 64, 3) and (np.abs(ink - corner) > 70).all()
    assert np.array_equal(drawn(digit, 64, np.random.default_rng(1)), drawn(digit, 64, np.random.default_rng(1)))


def test_pictures_are_the_same_each_time_and_lie_in_the_folders_of_their_labels(tmp_path):
    for name in ("one", "two"):
        draw(tmp_path / name, 20, 30)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.png"))
    assert len(files) == 30 and [path.parent.name for path in sorted(files, key=lambda path: path.name)][:10] == [
        *"0123456789"
    ]  # as scikit-learn's table begins
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()
    with Image.open(tmp_path / "one" / files[0]) as picture:
        assert picture.size == (20, 20) and picture.mode == "RGB"
    with pytest.raises(UserError, match="asked for 2000 pictures of 20 pixels; allowed: 1 to 1797, of at least 16"):
        draw(tmp_path / "one", 20, 2000)


def test_an_autoencoder_learns_its_pictures_and_scales_latents_to_unit_variance(tmp_path):
    draw(tmp_path / "pictures", 16, 40)
    before = learn(tmp_path / "pictures", tmp_path / "untrained", 16, 1)["error"]
    found = learn(tmp_path / "pictures", tmp_path / "one", 16, 30)
    learn(tmp_path / "pictures", tmp_path / "two", 16, 30)
    assert found["error"] < before - 5
    for name in ("config.json", "diffusion_pytorch_model.safetensors"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    network = Autoencoder(str(tmp_path / "one"))
    files = sorted((tmp_path / "pictures").rglob("*.png"))
    pixels = torch.from_numpy(np.stack([np.asarray(Image.open(path)).transpose(2, 0, 1) for path in files]))
    mean, _ = network.encode(pixels, (-1.0, 1.0))
    assert abs(float(mean.std()) * network.scale - 1) < 0.02 and network.factor == 4


def test_a_preset_whose_workflow_makes_other_latents_than_it_reads_is_refused(workspace):
    path = workspace / f"workflow/presets/{PRESET}.yaml"
    path.write_text(path.read_text().replace(f"path: results/{PRESET}/latents", "path: elsewhere"))
    with pytest.raises(
        UserError, match=r"data\.path is 'elsewhere'; allowed with miniature: 'results/latents_smoke/lat"
    ):
        load_preset(PRESET, workspace)


def test_the_workflow_makes_latents_and_all_that_stands_on_them(module_workspace, snakemake, monkeypatch):
    index = Path(f"results/{PRESET}/latents/index.json")
    planned = snakemake("-n", "--quiet", "rules", "host", "--config", f"preset={PRESET}", cwd=module_workspace)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    done = snakemake(index, "--config", f"preset={PRESET}", cwd=module_workspace)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((module_workspace / index).read_text())
    assert (found["count"], found["classes"], found["shape"]) == (60, 10, [8, 4, 4])
    assert found["autoencoder"].startswith("autoencoder sha256:")
    monkeypatch.chdir(module_workspace)
    (run,) = (run for run in load_plan(PRESET).study("methods").runs if run.method == "dense" and not run.drop)
    for command in (
        ["extractor", "digits-cnn"],
        ["reference"],
        ["train", run.name],
        ["evaluate", run.name],
        ["sample", run.name, "--count", 4],
        ["report", "methods"],
    ):
        sprint(monkeypatch, *command, "--preset", PRESET)
    folder = Path(f"results/{PRESET}/runs") / run.name
    assert json.loads((folder / "config.json").read_text())["encoder"] == found["autoencoder"]
    last = json.loads((folder / "metrics.json").read_text())["evaluations"][-1]
    assert last["identity"]["decoder"] == found["autoencoder"] and last["metrics"]["fd/digits-cnn"] > 0
    with Image.open(next(Path("samples").glob("*.png"))) as picture:
        assert picture.size == (16, 16) and picture.mode == "RGB"
    assert run.label in Path(f"reports/{PRESET}/methods.html").read_text(encoding="utf-8")
