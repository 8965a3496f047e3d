"""MDTv2's two passes are both made, both charged and both trained; its size has a closed form."""

import tiny
import torch

from sprint.cost.flops import forward_flops, on_meta, parameters, step_flops
from sprint.cost.papers import published_config
from sprint.methods import METHODS
from sprint.plan.budget import cost_of
from sprint.training.batches import draw_batch
from sprint.training.step import batch_loss


def test_a_sparse_step_costs_the_masked_and_the_full_pass():
    run = tiny.run("mdt", 0.5)
    model = on_meta(tiny.model_config(run))
    masked, full = forward_flops(model, 8), forward_flops(model)
    assert step_flops(model, 8) == masked + full and step_flops(model, None) == full
    cost = cost_of(run)
    assert cost["train_flops_per_image"] == 3 * (masked + full) and cost["finetune_flops_per_image"] == 3 * full
    assert cost["train_flops_per_image"] > 3 * forward_flops(on_meta(tiny.model_config(tiny.run("dense", 0.0))))


def test_the_loss_of_a_sparse_step_is_the_sum_of_both_passes_and_of_a_full_step_one():
    run = tiny.run("mdt", 0.5)
    model = tiny.stirred(run)
    seen = []

    def network(noisy, t, y, keep, skip):
        seen.append(None if keep is None else keep.shape[1])
        return model(noisy, t, y, keep, skip)

    for step, expected in ((0, [8, None]), (run.train.steps - 1, [None])):
        batch = draw_batch(run, tiny.digits(), step, 0.0)
        with torch.no_grad():
            loss, parts = batch_loss(run, model, network, batch), []
            for keep in [batch.keep_BK, None][-len(expected) :]:
                noise, x, t = batch.noise_BCHW, batch.x_BCHW, batch.t_B.view(-1, 1, 1, 1)
                prediction = model.image((1 - t) * x + t * noise, batch.t_B, batch.y_B, keep)
                parts.append((prediction - (noise - x)).square().mean())
        assert seen == expected and torch.allclose(loss, sum(parts), rtol=1e-5)
        seen.clear()


def test_its_size_has_the_closed_form():
    """DiT's, and of linear layers that join two widths one for each pair of encoder blocks and each decoder block, and
    the side block with its mask token."""
    dense, own = (
        on_meta(published_config("XL/2", 256, name, drop, {})) for name, drop in (("dense", 0.0), ("mdt", 0.5))
    )
    width, joins = 1152, 12 + 4
    block = 18 * width**2 + (3 + 1 + 4 + 1 + 6) * width
    assert parameters(own) - parameters(dense) == joins * (2 * width**2 + width) + block + width
    assert forward_flops(own) - forward_flops(dense) == 2 * joins * 256 * 2 * width**2  # no side block on all tokens


def test_only_the_dropped_places_pass_the_side_block():
    """Without it what comes out is the same where every token is kept, and another where some are dropped."""
    run = tiny.run("mdt", 0.5)
    model, (x, t, y) = tiny.stirred(run), tiny.inputs(run)
    keep, everything = torch.arange(8).expand(3, -1), torch.arange(16).expand(3, -1)
    with torch.no_grad():
        before = [model(x, t, y, one) for one in (keep, everything, None)]
        model.method.side = None
        after = [model(x, t, y, one) for one in (keep, everything, None)]
    assert not torch.allclose(before[0], after[0], atol=1e-3)
    assert torch.allclose(before[1], after[1], atol=1e-6) and torch.equal(before[2], after[2])
    assert METHODS["mdt"].sparse(model.method.Settings(1), model.config.backbone) == range(5)
