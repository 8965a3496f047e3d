"""Samples are drawn in shards: what is killed goes on with the next; neither that nor the number of processes shows."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import tiny
import torch
from safetensors.torch import load_file

from sprint.evaluation import runs, sampling, shards
from sprint.evaluation.reference import make_reference
from sprint.evaluation.runs import evaluate
from sprint.evaluation.sampling import trained_here
from sprint.evaluation.shards import Shards, joined
from sprint.metrics.networks import training
from sprint.runtime import distributed
from sprint.training.loop import train

IMAGES, BATCH, GRID = 30, 4, 11


def asked(**changes):
    """How the run is evaluated: in four shards of two batches where a shard has at least 8 images."""
    usual = {"images": IMAGES, "batch": BATCH, "grid": GRID, "extractors": ["digits-cnn"]}
    evaluating = tiny.smoke().evaluate
    return replace(evaluating, **usual | {"guidance": evaluating.guidance[1:]} | changes)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """(results, run): a trained run of preset smoke, its extractor and reference."""
    results = tmp_path_factory.mktemp("results") / "smoke"
    preset = tiny.smoke()
    run = replace(tiny.run("sprint", 0.75, steps=4, milestones=[1.0]), preset=preset.name)
    training.train("digits-cnn", preset.examples().to_learn_from(), results / "extractors", steps=5)
    make_reference(preset.examples(), asked(), results)
    train(run, results / "runs" / run.name)
    return results, run


@pytest.fixture
def evaluated(project, tmp_path, monkeypatch):
    """evaluated("name", images=...): all that an evaluation in a folder of that name writes, by path."""
    results, run = project
    monkeypatch.setattr(shards, "LEAST", 8)

    def call(name: str, **changes) -> dict[str, bytes]:
        folder = tmp_path / name / "runs" / run.name
        if not folder.exists():
            folder.parent.mkdir(parents=True)
            os.symlink(results / "reference", tmp_path / name / "reference")
            os.symlink(results / "extractors", tmp_path / name / "extractors")
            folder.mkdir()
            for part in ("milestones", "train.json"):
                os.symlink(results / "runs" / run.name / part, folder / part)
        out = folder / "metrics.json"
        evaluate(trained_here(run, tmp_path / name), results, asked(**changes), [], out)
        found = [out, *(path for part in ("evaluations", "samples") for path in (folder / part).rglob("*"))]
        return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.is_file()}

    return call


def interrupted(monkeypatch, after: int):
    """Have the process fall when it is about to draw image `after`; the images that it draws."""
    drawn, sample = [], sampling.sample

    def counted(field, sampler, seed, first, last, *rest):
        if first == after:
            raise KeyboardInterrupt
        drawn.extend(range(first, last))
        return sample(field, sampler, seed, first, last, *rest)

    monkeypatch.setattr(sampling, "sample", counted)
    return drawn


def test_what_falls_goes_on_with_the_next_shard_and_ends_with_the_same_bytes(evaluated, monkeypatch, capsys):
    whole = evaluated("whole")
    assert len(whole) == 4 and sum(name.startswith("samples/") for name in whole) == 1
    with monkeypatch.context() as patched:
        interrupted(patched, after=20)
        with pytest.raises(KeyboardInterrupt):
            evaluated("fallen")
    drawn = interrupted(monkeypatch, after=-1)
    assert evaluated("fallen") == whole
    assert drawn == list(range(16, IMAGES))
    assert "going on after 2 of 4 shards" in capsys.readouterr().err


def test_shards_of_another_batch_or_cut_short_are_drawn_anew(evaluated, monkeypatch, tmp_path):
    whole = evaluated("whole")
    with monkeypatch.context() as patched:
        interrupted(patched, after=24)
        with pytest.raises(KeyboardInterrupt):
            evaluated("fallen")
    first, second, third = sorted(tmp_path.glob("fallen/runs/*/evaluations/*/*.safetensors"))
    second.write_bytes(second.read_bytes()[:-9])
    third.write_bytes(first.read_bytes()[:64])
    drawn = interrupted(monkeypatch, after=-1)
    assert evaluated("fallen") == whole and drawn == list(range(8, IMAGES))
    with monkeypatch.context() as patched:
        interrupted(patched, after=20)
        with pytest.raises(KeyboardInterrupt):
            evaluated("other", batch=2)
    drawn.clear()
    evaluated("other")
    assert drawn == list(range(IMAGES))


def test_what_falls_while_it_measures_draws_nothing_again(evaluated, monkeypatch):
    whole = evaluated("whole")

    def fall(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(runs, "measured", fall)
        evaluated("fallen")
    drawn = interrupted(monkeypatch, after=-1)
    assert evaluated("fallen") == whole and drawn == []


def test_two_processes_make_the_shards_of_one(tmp_path, monkeypatch):
    def make(first: int, last: int) -> dict[str, torch.Tensor]:
        return {"rows": torch.arange(first, last).float().unsqueeze(1), "place": torch.tensor([first])}

    def files(place: Shards) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in place.folder.iterdir()}

    monkeypatch.setattr(shards, "LEAST", 8)
    alone, pair = (Shards(tmp_path / name, IMAGES, BATCH, {}) for name in ("alone", "pair"))
    alone.fill(make)
    monkeypatch.setattr(distributed, "world", lambda: 2)
    monkeypatch.setattr(distributed, "broadcast", lambda value: pair.places())
    monkeypatch.setattr(distributed, "barrier", lambda: None)
    for rank, made in ((1, 2), (0, 4)):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        pair.fill(make)
        assert len(files(pair)) == made
    assert files(pair) == files(alone)
    whole = joined(({"rows": part["rows"]} for part in pair.read()), IMAGES)
    assert whole["rows"].squeeze(1).tolist() == list(range(IMAGES))


def test_no_more_images_are_held_than_a_shard_and_the_grid(evaluated, monkeypatch):
    """Every picture that is decoded is seen and let go before the next shard."""
    alive, most = [], []
    see = runs.Extractors.see

    def seen(self, pixels):
        import weakref

        alive.append(weakref.ref(pixels.untyped_storage()))
        most.append(sum(one() is not None for one in alive))
        return see(self, pixels)

    monkeypatch.setattr(runs.Extractors, "see", seen)
    found = evaluated("whole")
    assert len(most) == 4 and max(most) <= 2
    (name,) = (name for name in found if name.startswith("samples/"))
    assert len(found[name]) < 3 * GRID * 64 + 500  # the grid, and the closest training pictures


def test_unusual_protocols_are_named_in_the_row_and_usual_ones_are_not(evaluated, tmp_path):
    from sprint.runtime.results import METRICS

    def row(name, **changes):
        evaluated(name, **changes)
        (path,) = tmp_path.glob(f"{name}/runs/*/metrics.json")
        return METRICS.read(path)["evaluations"][-1]

    usual, other = row("usual"), row("other", labels="random", quantise="down", precision="bfloat16")
    assert not {"precision", "quantise"} & usual.keys() and "precision" not in usual["identity"]
    assert usual["labels"] == "balanced" and usual["identity"]["quantised"] == "uint8, nearest"
    assert (other["labels"], other["quantise"], other["precision"]) == ("random", "down", "bfloat16")
    assert other["identity"]["quantised"] == "uint8, down" and other["identity"]["precision"] == "bfloat16"
    assert other["key"] != usual["key"]
    assert other["metrics"]["fd/digits-cnn"] != usual["metrics"]["fd/digits-cnn"]


KILL_SECONDS = 900


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_kill_9_while_sampling_loses_one_shard(project, tmp_path):
    """A real process, killed once its first shard is there."""
    results, run = project
    folder = tmp_path / "smoke" / "runs" / run.name
    folder.mkdir(parents=True)
    for name in ("reference", "extractors"):
        os.symlink(results / name, tmp_path / "smoke" / name)
    for part in ("milestones", "train.json"):
        os.symlink(results / "runs" / run.name / part, folder / part)
    command = [sys.executable, "-c", WHOLE, str(tmp_path / "smoke")]
    process = subprocess.Popen(command, cwd=tiny.ROOT, env=os.environ | {"PYTHONPATH": str(tiny.ROOT / "tests")})
    deadline = time.monotonic() + KILL_SECONDS
    while not (there := sorted(folder.glob("evaluations/*/*.safetensors"))):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL and not (folder / "metrics.json").exists()
    when = there[0].stat().st_mtime_ns
    kept = [path for path in folder.glob("evaluations/*/*.safetensors") if path.stat().st_mtime_ns == when]
    done = subprocess.run(
        command,
        cwd=tiny.ROOT,
        env=os.environ | {"PYTHONPATH": str(tiny.ROOT / "tests")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert len(kept) == 1 and "shards" in done.stderr and "going on after" in done.stderr
    (features,) = folder.glob("evaluations/*.safetensors")
    assert len(load_file(features)["digits-cnn"]) == 3 * 512 and not list(folder.glob("evaluations/*/"))
    whole = tmp_path / "whole" / "runs" / run.name
    whole.mkdir(parents=True)
    for part in ("milestones", "train.json"):
        os.symlink(results / "runs" / run.name / part, whole / part)
    evaluate(trained_here(run, tmp_path / "whole"), results, asked(images=1536, batch=256), [], whole / "metrics.json")
    assert (whole / "metrics.json").read_bytes() == (folder / "metrics.json").read_bytes()
    assert (whole / "evaluations" / features.name).read_bytes() == features.read_bytes()


WHOLE = """
import sys
from dataclasses import replace
from pathlib import Path
import tiny
from evaluation.test_streaming import asked
from sprint.evaluation.runs import evaluate
from sprint.evaluation.sampling import trained_here
results = Path(sys.argv[1])
run = replace(tiny.run("sprint", 0.75, steps=4, milestones=[1.0]), preset="smoke")
trained = trained_here(run, results)
evaluate(trained, results, asked(images=1536, batch=256), [], trained.folder / "metrics.json")
"""
