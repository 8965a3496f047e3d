"""Processes that share a run: real torchrun, gloo on the CPU, held against one process."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
import tiny
import torch
import yaml
from safetensors.torch import load_file

from sprint.cli import launch
from sprint.evaluation.reference import make_reference
from sprint.evaluation.runs import evaluate
from sprint.evaluation.sampling import trained_here
from sprint.metrics.networks import training
from sprint.plan.reading import Entry, load_plan, load_preset, make_run
from sprint.plan.schema import Cluster
from sprint.runtime import distributed
from sprint.runtime.errors import UserError
from sprint.runtime.status import Interrupted
from sprint.training import loop as train
from sprint.training.batches import draw_batch

PRESETS = {"alone": 1, "by-hand": 1, "pair": 2, "four": 4}  # name: devices; weights differ by rounding alone
PASSES = {"four": {"micro_batch": 3, "recompute": True}}
TRAINING = {"steps": 50, "finetune": 0.4, "checkpoint_every": 5, "milestones": [0.5, 1.0]}
EVALUATING = {"images": 34, "batch": 8, "grid": 34, "extractors": ["digits-cnn"], "guidance": [{"kind": "none"}]}
TOLERANCE = 1e-5  # relative


@pytest.fixture(scope="module")
def project(new_workspace):
    folder = new_workspace("devices")
    preset = yaml.safe_load((folder / "workflow/presets/smoke.yaml").read_text())
    preset["train"] |= TRAINING
    preset["evaluate"] |= EVALUATING
    preset["studies"] = ["methods"]
    for name, count in PRESETS.items():
        (folder / f"workflow/presets/{name}.yaml").write_text(
            yaml.safe_dump(preset | {"devices": count, "passes": PASSES.get(name, {})})
        )
    return folder


@pytest.fixture(scope="module")
def runs(project):
    """Runs by method: SPRINT has a frozen parameter and dropped paths, MaskDiT one that fine-tuning does not use."""
    plans = [load_plan(name, project).study("methods").runs for name in PRESETS]
    assert len({tuple(run.name for run in found) for found in plans}) == 1
    return {run.method: run for run in plans[0]}


@pytest.fixture(scope="module")
def alone(project, runs):
    """alone(run): its folder, trained by one process from start to end."""

    def trained(run):
        folder = project / "results/alone/runs" / run.name
        train.train(run, folder)
        return folder

    return trained


@pytest.fixture(scope="module")
def start(project, command_environment):
    """start("train", ..., torchrun=2): the command, by itself or under torchrun with so many processes."""

    def begin(*arguments: str, torchrun: int = 0) -> subprocess.Popen:
        by_hand = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(torchrun), "-m"]
        command = [sys.executable, "-m", *(by_hand if torchrun else []), "sprint.cli", *arguments]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=project, env=command_environment(), **streams)

    return begin


def losses(folder) -> dict[int, float]:
    return dict(json.loads((folder / "train.json").read_text())["losses"])


def assert_same_training(folder, other) -> None:
    """Equal losses at every step, and at the end equal weights but for rounding."""
    assert len(losses(folder)) == 50 and losses(folder) == pytest.approx(losses(other), rel=TOLERANCE)
    names = sorted(path.name for path in (other / "milestones").glob("*.safetensors"))
    assert names == sorted(path.name for path in (folder / "milestones").glob("*.safetensors")) and len(names) == 2
    for name in names:
        found, expected = (load_file(place / "milestones" / name) for place in (folder, other))
        assert all(torch.allclose(found[key], expected[key], atol=1e-4) for key in expected)


def test_two_processes_of_torchrun_train_as_one_does(project, runs, alone, start):
    run = runs["sprint"]
    printed, errors = (process := start("train", run.name, "--preset", "by-hand", torchrun=2)).communicate(timeout=120)
    assert process.returncode == 0, errors
    folder = project / "results/by-hand/runs" / run.name
    assert printed.count("done after 50 of 50 steps") == 1
    assert json.loads((folder / "train.json").read_text())["processes"] == 2
    assert json.loads((folder / "status.json").read_text())["state"] == "done"
    assert_same_training(folder, alone(run))


def test_four_processes_that_take_their_part_in_passes_train_as_one_does(project, runs, alone, start):
    run = runs["sprint"]
    _, errors = (process := start("train", run.name, "--preset", "four")).communicate(timeout=240)
    assert process.returncode == 0 and "Warning" not in errors, errors
    folder = project / "results/four/runs" / run.name
    assert json.loads((folder / "train.json").read_text())["processes"] == 4
    assert_same_training(folder, alone(run))


def process_of_rank(parent: int, rank: int) -> int:
    """The process that `parent` started with that rank."""
    for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        if f"RANK={rank}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            return int(pid)
    raise AssertionError(f"no process of rank {rank}")


@pytest.mark.skipif(not os.path.exists(f"/proc/self/task/{os.getpid()}/children"), reason="needs Linux's /proc")
def test_a_request_to_stop_at_one_process_stops_both_and_one_alone_goes_on(project, runs, alone, start):
    run = runs["sprint"]
    folder, process = project / "results/pair/runs" / run.name, start("train", run.name, "--preset", "pair")
    deadline = time.monotonic() + 120
    while not list(folder.glob("checkpoints/*.json")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    holder, other = (process_of_rank(process.pid, rank) for rank in (0, 1))
    assert json.loads((folder / "lock").read_text())["pid"] == holder
    os.kill(other, signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == distributed.RESUMABLE, errors
    assert errors.count("of 50; the same command goes on from there") == 1
    assert json.loads((folder / "status.json").read_text())["state"] == "interrupted"
    assert train.train(run, folder)["processes"] == 1
    assert_same_training(folder, alone(run))


def test_two_go_on_where_one_stopped(project, runs, alone, start, monkeypatch):
    run = runs["maskdit"]
    folder = project / "results/pair/runs" / run.name

    def drawn(of, images, step, *told):
        if step == 20:
            os.kill(os.getpid(), signal.SIGTERM)
        return draw_batch(of, images, step, *told)

    with monkeypatch.context() as patched, pytest.raises(Interrupted, match="step 21 of 50"):
        patched.setattr(train, "draw_batch", drawn)
        train.train(run, folder)
    process = start("train", run.name, "--preset", "pair")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors and "Warning" not in errors
    assert_same_training(folder, alone(run))


def test_two_processes_draw_the_same_images_and_judge_them_the_same(project, runs, alone, start, monkeypatch):
    run, preset = runs["sprint"], load_preset("alone", project)
    results, other = project / "results/alone", project / "results/pair"
    images = preset.examples().to_learn_from()
    training.train("digits-cnn", images, results / "extractors", steps=5)
    make_reference(preset.examples(), preset.evaluate, results)
    shutil.copytree(results / "extractors", other / "extractors")
    shutil.rmtree(other / "runs" / run.name, ignore_errors=True)
    shutil.copytree(alone(run), other / "runs" / run.name)
    evaluate(trained_here(run, results), results, preset.evaluate, [], results / "runs" / run.name / "metrics.json")
    for arguments in (["reference"], ["evaluate", run.name]):
        _, errors = (process := start(*arguments, "--preset", "pair")).communicate(timeout=120)
        assert process.returncode == 0, errors
    for name in ("reference/features.safetensors", "reference/floor.json"):
        assert (results / name).read_bytes() == (other / name).read_bytes()
    samples = sorted((results / "runs" / run.name / "samples").iterdir())
    assert len(samples) == 2
    for path in samples:
        assert path.read_bytes() == (other / path.relative_to(results)).read_bytes()
        features = f"evaluations/{path.name}"
        expected, found = (load_file(place / "runs" / run.name / features) for place in (results, other))
        assert all(torch.allclose(found[key], expected[key], atol=1e-5) for key in expected)
    assert judged(results, run) == judged(other, run)


def judged(results, run) -> list[dict]:
    """What the metrics of a run say, as far as the order of additions cannot move it."""
    found = json.loads((results / "runs" / run.name / "metrics.json").read_text())["evaluations"]
    return [{key: evaluation[key] for key in ("key", "network_evaluations", "reasons")} for evaluation in found]


def test_a_run_with_parameters_that_never_have_a_gradient_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    small = replace(tiny.smoke(), train=replace(tiny.smoke().train, steps=8, checkpoint_every=2))
    run = make_run(small, Entry("sprint", 0.75, settings={"deep": "off"}), 0, "test")
    whole = train.train(run, tmp_path / "whole")

    def drawn(of, images, step, *told):
        if step == 5:
            raise MemoryError("fallen")
        return draw_batch(of, images, step, *told)

    with monkeypatch.context() as patched, pytest.raises(MemoryError):
        patched.setattr(train, "draw_batch", drawn)
        train.train(run, tmp_path / "fallen")
    assert train.train(run, tmp_path / "fallen")["losses"] == whole["losses"]


@pytest.mark.parametrize("change", [{"train": {"batch": 15}}, {"train": {"finetune_batch": 7}}, {"nodes": 5}])
def test_batches_that_do_not_divide_are_refused_when_the_preset_is_read(change, workspace):
    path = workspace / "workflow/presets/smoke.yaml"
    preset = yaml.safe_load(path.read_text())
    preset["train"] |= change.pop("train", {})
    path.write_text(yaml.safe_dump(preset | {"devices": 2} | change))
    with pytest.raises(UserError, match=r"yaml: train\.\w+ is \d+; allowed for \d+ processes, .*: a multiple of"):
        load_preset("smoke", workspace)


def test_a_study_that_sets_such_a_batch_is_refused_too(workspace):
    path = workspace / "workflow/presets/smoke.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"devices": 4}))
    (workspace / "ablations/odd.yaml").write_text(
        "{title: Odd, question: Odd, vary: [train.batch], runs: [{method: dense, train: {batch: 6}}]}"
    )
    with pytest.raises(UserError, match=r"odd\.yaml: runs\[0\]\.train\.batch is 6; allowed for 4 processes"):
        load_plan("smoke", workspace).runs()


@pytest.fixture
def process_of(monkeypatch):
    """process_of(rank, world): have this process take itself for one of so many."""

    def become(rank: int, world: int) -> None:
        for name, value in {"TORCHELASTIC_RUN_ID": "x", "RANK": rank, "WORLD_SIZE": world}.items():
            monkeypatch.setenv(name, str(value))

    return become


@pytest.mark.parametrize("world", [1, 2, 3, 8])
@pytest.mark.parametrize("length", [1, 2, 5, 8, 17])
def test_parts_are_contiguous_and_almost_equal(length, world, process_of):
    parts = []
    for rank in range(world):
        process_of(rank, world)
        parts.append(list(distributed.shard(range(length))))
    assert list(chain(*parts)) == list(range(length))
    assert len(parts[0]) == max(map(len, parts)) and max(map(len, parts)) - min(map(len, parts)) <= 1


def test_devices_and_nodes_are_no_part_of_a_runs_name():
    shared = replace(tiny.smoke(), devices=4, nodes=2, cluster=Cluster(gpus=4))
    one, other = (make_run(preset, Entry("dense"), 0, "test") for preset in (tiny.smoke(), shared))
    assert one == other


def test_what_a_preset_asks_a_cluster_for():
    preset = tiny.smoke()
    assert preset.resources(shared=True) == {"gpu": 0, "cpus_per_task": 1}
    large = replace(preset, devices=4, cluster=Cluster(gpus=4, memory=9000, minutes=60))
    assert large.resources(shared=True) == {"gpu": 4, "cpus_per_task": 4, "mem_mb": 9000, "runtime": 60}
    assert large.resources(shared=False) == {"gpu": 1, "mem_mb": 9000, "runtime": 60}
    many = replace(large, nodes=2).resources(shared=True)
    assert "gpu" not in many and many["slurm_extra"] == "--gpus-per-node=4"
    assert (many["nodes"], many["tasks"], many["mpi"]) == (2, 2, "srun")


def test_several_nodes_outside_of_slurm_are_refused_in_a_sentence(monkeypatch):
    for name in ("SLURM_JOB_ID", "SLURM_STEP_NUM_NODES"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match="the preset's nodes is 2, and this is no Slurm job"):
        launch.over_devices(replace(tiny.smoke(), nodes=2))
