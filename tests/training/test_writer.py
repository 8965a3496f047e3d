"""Checkpoints are written beside the training, from one snapshot and with no copy beyond it; none is lost."""

import os
import signal
import threading
import weakref

import pytest
import tiny
import torch
from safetensors.torch import save

from sprint.bench.clock import working_bytes
from sprint.runtime.errors import UserError
from sprint.runtime.status import Interrupted
from sprint.training import checkpoint
from sprint.training import loop as train
from sprint.training.writer import Writer

MANY = 1 << 24  # numbers: 64 MiB


def test_what_is_written_is_what_was_when_it_was_asked_for():
    tensor, free, written = torch.zeros(3), threading.Event(), []

    def slowly(tensors):
        assert free.wait(60) and threading.current_thread() is not threading.main_thread()
        written.append(tensors["a"].tolist())

    with Writer() as writer:
        writer.write({"a": tensor}, slowly)
        tensor += 1  # the training goes on
        assert not written
        free.set()
    assert written == [[0.0, 0.0, 0.0]]


def test_one_snapshot_is_held_at_a_time():
    """The second is taken when the first is written, and then nothing holds the first any more."""
    done, found, held = [], [], []

    class Asked:
        def detach(self):
            found.append((len(done), [one() for one in held]))
            return torch.zeros(1)

    def slowly(tensors):
        held.append(weakref.ref(tensors["a"]))
        threading.Event().wait(0.1)
        done.append(True)

    with Writer() as writer:
        for _ in range(3):
            writer.write({"a": Asked()}, slowly)
    assert found == [(0, []), (1, [None]), (2, [None, None])]


def fail(tensors):
    raise UserError("no space")


def test_an_error_is_raised_where_the_next_is_written_or_at_the_end():
    with pytest.raises(UserError, match="no space"), Writer() as writer:
        writer.write({}, fail)
    with Writer() as writer:
        writer.write({}, fail)
        with pytest.raises(UserError, match="no space"):
            writer.write({}, fail)
    with pytest.raises(MemoryError), Writer() as writer:  # what ended the training is what is told
        writer.write({}, fail)
        raise MemoryError


def test_a_checkpoint_is_written_and_read_without_another_copy_of_it(tmp_path):
    tensors = {"a": torch.ones(MANY), "b": torch.ones(7)}
    assert working_bytes(lambda: checkpoint.write(tmp_path, 1, tensors, {}, "abc")) < MANY
    assert working_bytes(lambda: checkpoint.read(checkpoint.path_of(tmp_path, 1), "abc")) < MANY
    assert checkpoint.path_of(tmp_path, 1).read_bytes() == save(tensors)


def test_a_stop_waits_for_what_is_being_written(tmp_path, monkeypatch):
    """The last checkpoint is whole although writing it takes longer than the training would have."""
    run, write, draw = tiny.run(), checkpoint.write, train.draw_batch

    def slowly(*told):
        threading.Event().wait(0.3)
        write(*told)

    def drawn(of, images, number, *told):
        if number == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return draw(of, images, number, *told)

    monkeypatch.setattr(checkpoint, "write", slowly)
    monkeypatch.setattr(train, "draw_batch", drawn)
    with pytest.raises(Interrupted, match="step 4 of 20"):
        train.train(run, tmp_path)
    assert checkpoint.latest(tmp_path / "checkpoints", run.hash)[1]["step"] == 4
