"""Micro-batches and activation checkpointing fit a step into the memory, and change its numbers by rounding at most."""

from dataclasses import replace

import pytest
import tiny
import torch

from sprint.methods import METHODS
from sprint.nn.backbones import BACKBONES, Backbone
from sprint.nn.layers import Block
from sprint.plan.ranges import check_preset
from sprint.plan.reading import Entry, make_run
from sprint.plan.training import Passes
from sprint.runtime.errors import UserError
from sprint.runtime.strict import convert
from sprint.training.batches import draw_batch
from sprint.training.loop import train
from sprint.training.recompute import recompute
from sprint.training.step import start, train_step

RUNS = [tiny.run(method, tiny.possible_drops(method)[-1], depth=6, steps=6) for method in METHODS]


def weights(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "milestones").glob("*.safetensors"))}


@pytest.mark.parametrize("micro_batch", [1, 5, 16])
def test_a_step_in_several_passes_has_the_same_gradient_and_loss(micro_batch):
    """Held against autograd over the whole step; 5 does not divide the 16 images."""
    run = tiny.run("maskdit", 0.5, clip=1e9)
    whole, parts = start(run), start(run)
    batch = draw_batch(run, tiny.digits(), 0, 0.0)
    expected = train_step(run, whole, whole.model, batch)
    found = train_step(run, parts, parts.model, batch, micro_batch=micro_batch)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    for one, other in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        moments = [of.optimizer.state.get(value, {}).get("exp_avg") for of, value in ((whole, one), (parts, other))]
        if moments[0] is None:
            assert moments[1] is None
            continue
        assert torch.allclose(*moments, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.method)
def test_a_training_in_passes_has_the_losses_of_one_that_takes_all_at_once(run, tmp_path):
    whole = train(run, tmp_path / "whole")
    found = train(run, tmp_path / "passes", Passes(micro_batch=3))
    steps, losses = zip(*found["losses"], strict=True)
    assert len(steps) == 6 and losses == pytest.approx([loss for _, loss in whole["losses"]], rel=1e-5)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.method)
def test_recomputing_activations_changes_no_bit(run, tmp_path):
    whole = train(run, tmp_path / "whole")
    again = train(run, tmp_path / "again", Passes(recompute=True))
    assert again["losses"] == whole["losses"] and weights(tmp_path / "again") == weights(tmp_path / "whole")


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.method)
def test_recomputing_keeps_a_fraction_of_the_activations(run):
    def kept(again: bool) -> int:
        state, sizes = start(run), {}
        if again:
            recompute(state.model)
        own = {parameter.untyped_storage().data_ptr() for parameter in state.model.parameters()}

        def pack(tensor):
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                sizes[storage.data_ptr()] = (storage, storage.nbytes())  # held, so that no address is used twice
            return tensor

        batch = draw_batch(run, tiny.digits(), 0, 0.0)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            state.model(batch.x_BCHW, batch.t_B, batch.y_B, batch.keep_BK)
        return sum(size for _, size in sizes.values())

    assert kept(True) < 0.5 * kept(False)


def test_a_compiled_training_can_recompute(tmp_path, monkeypatch):
    """Captured whole and run as it was captured, so that no compiler is needed."""
    run = tiny.run(steps=2, depth=3, finetune=0.0)
    plain = train(run, tmp_path / "plain")
    compiled = torch.compile
    monkeypatch.setattr(torch, "compile", lambda network: compiled(network, backend="eager", fullgraph=True))
    found = train(replace(run, train=replace(run.train, compile=True)), tmp_path / "found", Passes(2, recompute=True))
    torch.compiler.reset()
    assert [loss for _, loss in found["losses"]] == pytest.approx([loss for _, loss in plain["losses"]], rel=1e-5)


def test_passes_are_no_part_of_a_runs_name():
    shared = replace(tiny.smoke(), passes=Passes(4, recompute=True))
    one, other = (make_run(preset, Entry("sprint", 0.75), 0, "test") for preset in (tiny.smoke(), shared))
    assert one == other


@pytest.mark.parametrize("kind", BACKBONES)
def test_what_cannot_be_computed_again_is_refused(kind):
    """Where a backbone says that its blocks change their tokens alone, two passes of a block in a row give the same."""
    content = {**tiny.smoke().model.document(), "kind": kind, "positions": "sincos"}
    model = convert(Backbone, content, "model")
    preset = replace(tiny.smoke(), model=model, passes=Passes(recompute=True))
    if not model.repeatable:
        with pytest.raises(UserError, match=f"x: passes.recompute is true; allowed for backbone '{kind}'.*: false"):
            check_preset(preset, "x")
        return
    check_preset(preset, "x")
    run = make_run(preset, Entry("dense"), 0, "test")
    network, (images, t, y) = tiny.stirred(run), tiny.inputs(run)
    tokens, context = network.config.backbone.embed(network, images, t, y)
    block = next(module for module in network.modules() if isinstance(module, Block))
    assert torch.equal(block(tokens, context), block(tokens, context))
