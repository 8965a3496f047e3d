"""Fine-tuning as SPRINT published it: a new training of the averaged weights; or, as usual, the same one going on."""

from dataclasses import replace

import pytest
import tiny
import torch

from sprint.plan.ranges import check_preset
from sprint.runtime.errors import UserError
from sprint.training import loop as train
from sprint.training.batches import draw_batch
from sprint.training.step import batch_loss, ema_decay, learning_rate, start, train_step

ANEW = {"finetune_from": "average", "finetune_warmup": 2, "warmup": 0, "clip": 1e9}


def run_of(**changes):
    return tiny.run("sprint", 0.75, **{"steps": 8, "finetune": 0.5, **changes})


def trained(run, steps: int):
    state = start(run)
    for state.step in range(steps):
        batch = draw_batch(run, tiny.digits(), state.step, state.model.method.skip_rate)
        train_step(run, state, state.model, batch)
    state.step = steps
    return state


def values(tensors) -> list[torch.Tensor]:
    return [tensor.detach().clone() for tensor in tensors]


def test_the_stage_begins_with_the_average_without_moments():
    """Its first step is the first step of AdamW from the averaged weights: lr g / (|g| + eps), whatever came before."""
    run = run_of(**ANEW)
    state = trained(run, 4)
    parameters = list(state.model.parameters())
    raw, average = values(parameters), values(state.average)
    assert any((one - other).abs().max() > 1e-4 for one, other in zip(raw, average, strict=True))
    batch = draw_batch(run, tiny.digits(), 4, state.model.method.skip_rate)
    fresh = start(run).model
    with torch.no_grad():
        for parameter, value in zip(fresh.parameters(), average, strict=True):
            parameter.copy_(value)
    batch_loss(run, fresh, fresh, batch).backward()
    train_step(run, state, state.model, batch)
    rate = run.train.finetune_learning_rate / 3
    for after, before, twin, mean in zip(parameters, average, fresh.parameters(), state.average, strict=True):
        step = torch.zeros_like(before) if twin.grad is None else rate * twin.grad / (twin.grad.abs() + 1e-8)
        assert torch.allclose(after, before - step, atol=1e-6)
        assert torch.allclose(mean, before - (1 - ema_decay(run, 4)) * step, atol=1e-6)
    assert {float(kept["step"]) for kept in state.optimizer.state.values()} == {1.0}


def test_going_on_keeps_weights_moments_and_average():
    run = run_of(clip=1e9, weight_decay=0.0)
    state = trained(run, 4)
    before = values(state.model.parameters())
    train_step(run, state, state.model, draw_batch(run, tiny.digits(), 4, 0.1))
    assert {float(kept["step"]) for kept in state.optimizer.state.values()} == {5.0}
    moved = max((a - b).abs().max().item() for a, b in zip(state.model.parameters(), before, strict=True))
    assert moved < 4 * run.train.finetune_learning_rate


def test_each_stage_warms_up_over_its_own_steps():
    run = run_of(learning_rate=1.0, finetune_learning_rate=0.1, warmup=0, finetune_warmup=3)
    assert [learning_rate(run, step) for step in range(8)] == pytest.approx([1, 1, 1, 1, 0.025, 0.05, 0.075, 0.1])
    alike = run_of(learning_rate=1.0, finetune_learning_rate=0.1, warmup=1)
    assert [learning_rate(alike, step) for step in (0, 1, 4, 5)] == pytest.approx([0.5, 1, 0.05, 0.1])


def test_the_fresh_average_is_short_in_early_warm_up():
    """Published: decay .999 up to step 5,000 // 8 processes of the stage, .9999 after."""
    run = run_of(steps=20_000, ema=0.9999, finetune_from="average", warmup=0, finetune_warmup=5000)
    steps = [9_999, 10_000, 10_625, 10_626, 19_999]
    assert [ema_decay(run, step) for step in steps] == [0.9999, 0.999, 0.999, 0.9999, 0.9999]
    going_on = replace(run, train=replace(run.train, finetune_from="raw"))
    assert {ema_decay(going_on, step) for step in steps} == {0.9999}
    assert ema_decay(run_of(ema=0.9, **ANEW), 4) == 0.9  # a shorter one stays


@pytest.mark.parametrize("fallen", [4, 5])  # with a checkpoint at the border, and with one in the stage
def test_a_run_that_fell_at_the_border_ends_with_the_same_bits(fallen, tmp_path, monkeypatch):
    run, draw = run_of(checkpoint_every=1, **ANEW), train.draw_batch
    whole = train.train(run, tmp_path / "whole")

    def drawn(of, images, step, *told):
        if step == fallen:
            raise MemoryError("fallen")
        return draw(of, images, step, *told)

    with monkeypatch.context() as patched, pytest.raises(MemoryError):
        patched.setattr(train, "draw_batch", drawn)
        train.train(run, tmp_path / "fallen")
    assert train.train(run, tmp_path / "fallen")["losses"] == whole["losses"]
    last = "milestones/step-00000008.safetensors"
    assert (tmp_path / "fallen" / last).read_bytes() == (tmp_path / "whole" / last).read_bytes()


def test_a_run_is_named_for_what_its_fine_tuning_starts_from_and_the_usual_is_not_written():
    usual = tiny.run()
    assert not {"finetune_from", "finetune_warmup"} & usual.document()["train"].keys()
    assert len({usual.hash, tiny.run(finetune_from="average").hash, tiny.run(finetune_warmup=1).hash}) == 3


def test_a_warm_up_longer_than_its_stage_is_refused():
    preset = replace(tiny.smoke(), train=replace(tiny.smoke().train, finetune_warmup=6))
    with pytest.raises(UserError, match=r"x: train.finetune_warmup is 6; allowed: at most 5, the steps of fine-tuning"):
        check_preset(preset, "x")
