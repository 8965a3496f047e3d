"""A training that is killed, stopped, moved, or finds a damaged checkpoint ends with the bits of one that was not."""

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
import trial

from sprint.training import checkpoint

pytestmark = pytest.mark.usefixtures("whole")
KILLS, DAMAGES = trial.times(3, 20), trial.times(1, 10)


@pytest.mark.fault("kill -9 at a random moment of a training with checkpoints", "the rerun ends with the same bits")
@pytest.mark.parametrize("number", range(KILLS))
def test_kill_at_a_random_moment(number, project, sprint, whole):
    chance = random.Random(f"{number} of {KILLS}")
    while True:
        process = project.start(*project.train_command)
        moment, pause = int(chance.random() * trial.STEPS), chance.random() * 0.1
        hit = project.wait_for(moment, process)
        time.sleep(pause)
        process.kill()
        trial.ended(process)
        ended = (project.run_folder / "train.json").exists()  # before it was hit, or while its process was leaving
        if hit and process.returncode == -signal.SIGKILL and not ended:
            break
        shutil.rmtree(project.run_folder)  # it was at its end before: that is no kill
    assert not (project.run_folder / "train.json").exists()
    again = trial.FULL or number == 0  # in a process of its own, or in this one
    done = project.train() if again else sprint(project.folder, *project.train_command)
    assert done.status == 0 and f"done after {trial.STEPS} of {trial.STEPS} steps" in done.out, done
    assert trial.weights(project.run_folder) == whole
    assert not [path for path in project.run_folder.rglob(".*") if path.is_file()]
    assert not list((project.run_folder / "checkpoints").iterdir())


@pytest.mark.fault(
    "SIGTERM, as Slurm sends it", "checkpoint at once, exit status 75, the rerun ends with the same bits"
)
@pytest.mark.parametrize("number", range(trial.times(1, 10)))
def test_asked_to_stop(number, project, sprint, whole):
    chance = random.Random(number)
    process = project.start(*project.train_command)
    assert project.wait_for(int(chance.random() * trial.STEPS / 2) + 1, process)
    asked = time.monotonic()
    process.send_signal(signal.SIGTERM)
    stopped = trial.ended(process)
    assert stopped.status == 75 and time.monotonic() - asked < 30, stopped
    reached = project.reached()
    assert f"stopped at step {reached} of {trial.STEPS}; the same command goes on from there" in stopped.err
    assert json.loads((project.run_folder / "status.json").read_text())["state"] == "interrupted"
    assert sprint(project.folder, *project.train_command).status == 0
    assert trial.weights(project.run_folder) == whole


@pytest.mark.fault("Ctrl-C", "one sentence, exit status 130, the rerun ends with the same bits")
@pytest.mark.parametrize("number", range(trial.times(1, 3)))
def test_stopped_by_the_keyboard(number, project, sprint, whole):
    process = project.start(*project.train_command)
    assert project.wait_for(10 * number + 5, process)
    process.send_signal(signal.SIGINT)
    stopped = trial.ended(process)
    assert stopped.status == 130 and "sprint: stopped by the keyboard; the same command goes on" in stopped.err
    assert json.loads((project.run_folder / "status.json").read_text())["state"] == "interrupted"
    assert sprint(project.folder, *project.train_command).status == 0
    assert trial.weights(project.run_folder) == whole


@pytest.fixture
def stopped(project, sprint, monkeypatch) -> trial.Project:
    """A project whose run was stopped at step 40, with checkpoints at 39 and 40."""
    trial.interrupt(monkeypatch, 39)
    assert sprint(project.folder, *project.train_command).status == 75
    assert project.reached() == 40
    return project


def newest(project: trial.Project) -> Path:
    return checkpoint.path_of(project.run_folder / "checkpoints", project.reached())


def cut(path: Path, chance: random.Random) -> None:
    os.truncate(path, chance.randrange(path.stat().st_size))


def flip(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def flip_in_json(path: Path, chance: random.Random) -> None:
    flip(path.with_suffix(".json"), chance)


def cut_json(path: Path, chance: random.Random) -> None:
    cut(path.with_suffix(".json"), chance)


def of_another_configuration(path: Path, chance: random.Random) -> None:
    tensors, rest = checkpoint.read(path, json.loads(path.with_suffix(".json").read_text())["configuration"])
    checkpoint.write(path.parent, rest["step"] + chance.randrange(200), tensors, rest, "another")


DAMAGE = {
    cut: ("truncated", "damaged, its SHA-256 is not the one recorded"),
    flip: ("with one bit flipped", "damaged, its SHA-256 is not the one recorded"),
    cut_json: ("whose JSON is truncated", "step-"),
    flip_in_json: ("whose JSON has one bit flipped", "step-"),
    of_another_configuration: ("of another configuration", "written by configuration another, asked for"),
}


@pytest.mark.parametrize("number", range(DAMAGES))
@pytest.mark.parametrize("damage", [pytest.param(how, marks=pytest.mark.fault(
    f"a checkpoint {what}", "refused by its checksum in a sentence; the one before it serves, the same bits"
)) for how, (what, _) in DAMAGE.items()])  # fmt: skip
def test_a_damaged_checkpoint(damage, number, stopped, sprint, whole):
    damage(newest(stopped), random.Random(f"{damage.__name__} {number}"))
    done = sprint(stopped.folder, *stopped.train_command)
    assert done.status == 0 and trial.weights(stopped.run_folder) == whole
    lines = [line for line in done.err.splitlines() if line.endswith("; trying the one before it")]
    assert len(lines) == 1 and DAMAGE[damage][1] in lines[0], done.err
    assert done.err.count("whole, going on from step") == 1, done.err


@pytest.mark.fault("every checkpoint damaged", "said so; training starts anew and ends with the same bits")
def test_no_checkpoint_is_left(stopped, sprint, whole):
    for path in (stopped.run_folder / "checkpoints").glob("*.safetensors"):
        flip(path, random.Random(1))
    done = sprint(stopped.folder, *stopped.train_command)
    assert done.status == 0 and "no checkpoint is left to go on from; starting at step 0" in done.err
    assert trial.weights(stopped.run_folder) == whole


@pytest.mark.fault("two processes started on one run", "the second says who holds it and since when, exit status 2")
@pytest.mark.parametrize("number", range(trial.times(1, 5)))
def test_a_second_process_leaves(number, project, sprint, whole):
    process = project.start(*project.train_command)
    assert project.wait_for(10 * number + 3, process)
    process.send_signal(signal.SIGSTOP)
    try:
        sentence = sprint(project.folder, *project.train_command).sentence
        since = json.loads((project.run_folder / "lock").read_text())["since"]
        assert f"process {process.pid} on " in sentence and f"since {since}, is working on this run" in sentence
        assert json.loads((project.run_folder / "status.json").read_text())["state"] == "running"
        assert "running" in sprint(project.folder, "list", "--preset", project.preset).out
    finally:
        process.send_signal(signal.SIGCONT)
    assert trial.ended(process).status == 0 and trial.weights(project.run_folder) == whole
