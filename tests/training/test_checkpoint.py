"""Checkpoints are whole or refused, the one before serves instead, and a run's folder has one writer."""

import json
import subprocess
import sys

import pytest
import torch

from sprint.runtime import files
from sprint.runtime.errors import UserError
from sprint.runtime.lock import hold
from sprint.training import checkpoint

TENSORS = {"weight": torch.arange(12.0).view(3, 4).t(), "step": torch.tensor(7.0)}
HOLDER = """
import sys, time
from sprint.runtime.lock import hold
with hold(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def write(folder, step: int, value: float = 0.0, configuration: str = "abc") -> None:
    checkpoint.write(folder, step, {"value": torch.full((50,), value)}, {"seconds": value}, configuration)


def cut(path):
    path.write_bytes(path.read_bytes()[:-5])


def flip(path):
    data = bytearray(path.read_bytes())
    data[-3] ^= 4
    path.write_bytes(data)


def lose(path):
    path.unlink()


def cut_json(path):
    cut(path.with_suffix(".json"))


def empty_json(path):
    path.with_suffix(".json").write_text("{}")


def other_json(path):
    path.with_suffix(".json").write_text("[1, 2]")


DAMAGES = {
    cut: "damaged, its SHA-256 is not the one recorded",
    flip: "damaged, its SHA-256 is not the one recorded",
    lose: "cannot be read",
    cut_json: r"step-00000002\.json: not valid JSON",
    empty_json: "not the JSON of a checkpoint",
    other_json: "not the JSON of a checkpoint",
}


def test_tensors_and_the_rest_come_back_bit_for_bit(tmp_path):
    rest = {"seconds": 1.5, "losses": [[1, 0.25]], "milestones": []}
    checkpoint.write(tmp_path, 7, TENSORS, rest, "abc")
    tensors, found = checkpoint.read(checkpoint.path_of(tmp_path, 7), "abc")
    assert tensors.keys() == TENSORS.keys() and all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert found["step"] == 7 and {key: found[key] for key in rest} == rest


def test_equal_content_is_equal_bytes(tmp_path):
    for folder in ("one", "two"):
        checkpoint.write(tmp_path / folder, 7, TENSORS, {"seconds": 1.0}, "abc")
    for name in ("step-00000007.safetensors", "step-00000007.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_checkpoint_is_refused_and_the_one_before_it_serves(damage, tmp_path, capsys):
    write(tmp_path, 1, 1.0)
    write(tmp_path, 2, 2.0)
    damage(checkpoint.path_of(tmp_path, 2))
    with pytest.raises(UserError, match=DAMAGES[damage]) as caught:
        checkpoint.read(checkpoint.path_of(tmp_path, 2), "abc")
    assert "\n" not in str(caught.value)
    tensors, rest = checkpoint.latest(tmp_path, "abc")
    assert rest["step"] == 1 and torch.equal(tensors["value"], torch.full((50,), 1.0))
    assert f"{caught.value}; trying the one before it" in capsys.readouterr().err


def test_a_checkpoint_of_another_configuration_is_refused(tmp_path):
    write(tmp_path, 1, configuration="abc")
    write(tmp_path, 2, configuration="xyz")
    with pytest.raises(UserError, match="written by configuration xyz, asked for abc"):
        checkpoint.read(checkpoint.path_of(tmp_path, 2), "abc")
    assert checkpoint.latest(tmp_path, "abc")[1]["step"] == 1


def test_without_a_checkpoint_there_is_none(tmp_path):
    assert checkpoint.latest(tmp_path, "abc") is None and checkpoint.latest(tmp_path / "absent", "abc") is None
    checkpoint.path_of(tmp_path, 3).write_bytes(b"tensors whose JSON was never written")
    assert checkpoint.latest(tmp_path, "abc") is None


@pytest.mark.parametrize("failing", [1, 2])  # the tensors, the JSON
def test_a_write_that_fails_leaves_a_checkpoint_to_go_on_from(failing, tmp_path, monkeypatch):
    write(tmp_path, 1, 1.0)
    replace, calls = files.os.replace, []

    def fail(source, target):
        calls.append(target)
        if len(calls) == failing:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(UserError, match="No space left on device"):
        write(tmp_path, 2, 2.0)
    monkeypatch.undo()
    assert checkpoint.latest(tmp_path, "abc")[1]["step"] == 1
    assert not list(tmp_path.glob(".*"))


def test_writing_a_step_again_and_failing_half_way_never_gives_mixed_content(tmp_path, monkeypatch):
    write(tmp_path, 1, 1.0)
    write(tmp_path, 2, 2.0)
    monkeypatch.setattr(checkpoint, "write_json", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, 2, 3.0)
    assert checkpoint.latest(tmp_path, "abc")[1]["step"] == 1


def test_only_the_newest_are_kept(tmp_path):
    for step in range(1, 5):
        write(tmp_path, step, float(step))
    checkpoint.keep_newest(tmp_path, 2, 4)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"step-0000000{step}.{ending}" for step in (3, 4) for ending in ("json", "safetensors")
    ]
    checkpoint.keep_newest(tmp_path, 0, 4)
    assert not list(tmp_path.iterdir())


def test_a_second_writer_is_told_who_is_at_work_and_since_when(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UserError) as caught, hold(tmp_path):
            pytest.fail("two hold one folder")
        assert f"{tmp_path}: process {holder.pid} on " in str(caught.value)
        assert json.loads((tmp_path / "lock").read_text())["since"] in str(caught.value)
        holder.kill()
    with hold(tmp_path):  # the system let go of it when its holder was killed
        pass


def test_a_lock_is_free_again_after_an_error(tmp_path):
    with pytest.raises(RuntimeError), hold(tmp_path):
        raise RuntimeError
    with hold(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"), hold(tmp_path / "file" / "run"):
        pass
