"""What a step sees follows from (seed, step) alone: methods are compared in pairs, and a run can be resumed."""

import threading
from dataclasses import replace

import pytest
import tiny
import torch

from sprint.data import Examples
from sprint.methods import METHODS
from sprint.plan.schedule import batch_size, sparse_steps, stage_of, stages
from sprint.training import loop as train
from sprint.training.batches import draw_batch, prefetch

RUN = tiny.run()
SHARED = ("x_BCHW", "noise_BCHW", "t_B", "y_B")


def numbered(count: int) -> Examples:
    """Images that can be told apart: image i holds i in every pixel, and its label is i modulo 10."""
    index = torch.arange(count)
    return tiny.examples(index.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 8, 8), index % 10, 10)


def numbers(batch) -> list[int]:
    """Which of the numbered images a batch holds."""
    return ((batch.x_BCHW[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


def same(first, second) -> bool:
    return torch.equal(first, second) if isinstance(first, torch.Tensor) else first is second


@pytest.mark.parametrize("step", [0, 7, RUN.train.steps - 1])
def test_a_step_repeats_whatever_was_drawn_before_it(step):
    first = draw_batch(RUN, tiny.digits(), step, 0.1)
    torch.manual_seed(1)
    draw_batch(RUN, tiny.digits(), 3, 0.1)
    again = draw_batch(RUN, tiny.digits(), step, 0.1)
    assert all(same(value, getattr(again, name)) for name, value in vars(first).items())


@pytest.mark.parametrize("step", [0, RUN.train.steps - 1])
def test_all_methods_and_drop_ratios_see_the_same(step):
    expected = draw_batch(RUN, tiny.digits(), step, 0.1)
    runs = [run for method in METHODS for run in [tiny.run(method, drop) for drop in tiny.possible_drops(method)]]
    assert {run.method for run in runs} == set(METHODS)
    for run in runs:
        batch = draw_batch(run, tiny.digits(), step, 0.0)
        assert all(torch.equal(getattr(batch, name), getattr(expected, name)) for name in SHARED)


def test_steps_and_seeds_differ_in_everything():
    batches = [draw_batch(replace(RUN, seed=seed), tiny.digits(), step, 0.5) for seed, step in ((0, 0), (0, 1), (1, 0))]
    for name in (*SHARED, "keep_BK", "skip_B"):
        first, *others = (getattr(batch, name) for batch in batches)
        assert not any(torch.equal(first, other) for other in others), name


@pytest.mark.parametrize("count", [5, 48, 50])  # an epoch shorter than a step, three whole steps, and neither
def test_every_epoch_passes_all_images_once(count):
    images = numbered(count)
    seen = [number for step in range(RUN.train.steps) for number in numbers(draw_batch(RUN, images, step, 0.0))]
    assert len(seen) == RUN.train.steps * 16
    epochs = [seen[first : first + count] for first in range(0, len(seen) - count + 1, count)]
    assert all(sorted(epoch) == list(range(count)) for epoch in epochs)
    assert epochs[0] != epochs[1]


def test_epochs_run_on_through_a_change_of_batch_size():
    run, images = tiny.run(finetune_batch=24), numbered(60)
    batches = [draw_batch(run, images, step, 0.0) for step in range(run.train.steps)]
    assert [len(batch.x_BCHW) for batch in batches] == [16] * 15 + [24] * 5
    seen = [number for batch in batches for number in numbers(batch)]
    assert all(sorted(seen[first : first + 60]) == list(range(60)) for first in range(0, 360, 60))


def test_images_are_in_range_and_keep_their_labels():
    run, images = tiny.run(label_drop=0.0), numbered(200)
    batch = draw_batch(run, images, 0, 0.0)
    assert batch.y_B.tolist() == [number % 10 for number in numbers(batch)]
    digits = draw_batch(run, tiny.digits(), 0, 0.0).x_BCHW
    assert digits.min() == -1 and digits.max() == 1 and digits.dtype == torch.float32


def test_labels_and_deep_paths_are_dropped_at_their_rates_and_independently():
    run = tiny.run(label_drop=0.3, batch=4000)
    batch = draw_batch(run, tiny.digits(), 0, 0.2)
    unlabelled = batch.y_B == 10
    assert unlabelled.double().mean().item() == pytest.approx(0.3, abs=0.04)
    assert batch.skip_B.double().mean().item() == pytest.approx(0.2, abs=0.03)
    assert (unlabelled & batch.skip_B).double().mean().item() == pytest.approx(0.06, abs=0.02)
    assert draw_batch(run, tiny.digits(), 0, 0.0).skip_B is False


def test_the_first_stage_keeps_some_tokens_and_the_second_all():
    kept = [draw_batch(RUN, tiny.digits(), step, 0.0).keep_BK for step in range(RUN.train.steps)]
    stages = [stage_of(RUN, step) for step in range(RUN.train.steps)]
    assert sparse_steps(RUN) == 15 and stages == ["pretrain"] * 15 + ["finetune"] * 5
    assert [None if keep is None else keep.shape for keep in kept] == [(16, 4)] * 15 + [None] * 5


@pytest.mark.parametrize(("share", "sparse"), [(0.0, 20), (1.0, 0), (0.1, 18)])
def test_the_share_of_fine_tuning_sets_the_stages(share, sparse):
    run = tiny.run(finetune=share, finetune_batch=4)
    assert sparse_steps(run) == sparse
    assert [batch_size(run, step) for step in range(20)] == [16] * sparse + [4] * (20 - sparse)


def test_batches_drawn_ahead_are_the_same_in_the_same_order():
    drawn, taken = [], []

    def draw(step: int) -> int:
        drawn.append((step, threading.current_thread() is threading.main_thread()))
        return step * step

    for value in prefetch(draw, range(3, 9), 2):
        taken.append(value)
        assert len(drawn) <= len(taken) + 2
    assert taken == [step * step for step in range(3, 9)]
    assert drawn == [(step, False) for step in range(3, 9)]
    assert list(prefetch(draw, range(3), 0)) == [0, 1, 4] and drawn[-1] == (2, True)


def test_an_error_in_drawing_ahead_reaches_the_training_and_leaving_early_ends_the_thread():
    with pytest.raises(OSError, match="gone"):
        list(prefetch(lambda step: (_ for _ in ()).throw(OSError("gone")), range(3), 2))
    before = threading.active_count()
    batches = prefetch(lambda step: step, range(100), 2)
    assert next(batches) == 0
    batches.close()
    assert threading.active_count() == before


def test_a_training_that_draws_ahead_ends_with_the_same_bits(monkeypatch, tmp_path):
    """What a GPU does, but for pinning, which needs one."""
    run = tiny.run(steps=6)
    plain = train.train(run, tmp_path / "plain")
    monkeypatch.setattr(
        train, "_batches", lambda run, state, images, steps, features: prefetch(
            lambda step: draw_batch(run, images, step, state.model.method.skip_rate), steps, train.PREFETCHED
        )
    )  # fmt: skip
    assert train.train(run, tmp_path / "ahead")["losses"] == plain["losses"]


def test_the_control_arm_of_fine_tuning_goes_on_dropping_and_differs_in_nothing_else():
    """The same images, noise and times at every step of both stages; tokens are kept in the second one too."""
    whole, arm = tiny.run("sprint", 0.75), tiny.run("sprint", 0.75, finetune_on="kept")
    kept = draw_batch(whole, tiny.digits(), 0, 0.1).keep_BK.shape
    for step in (whole.train.sparse_steps - 1, whole.train.sparse_steps, whole.train.steps - 1):
        mine, theirs = (draw_batch(run, tiny.digits(), step, 0.1) for run in (whole, arm))
        assert torch.equal(mine.x_BCHW, theirs.x_BCHW) and torch.equal(mine.noise_BCHW, theirs.noise_BCHW)
        assert torch.equal(mine.t_B, theirs.t_B) and torch.equal(mine.y_B, theirs.y_B)
        assert (mine.keep_BK is None) == (step >= whole.train.sparse_steps) and theirs.keep_BK.shape == kept
    sparse, last = stages(arm)
    assert last.kept == sparse.kept == kept[1] and stages(whole)[1].kept is None
