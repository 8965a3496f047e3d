"""What holds of every teacher, found by listing the folder, under every method."""

import math
from dataclasses import replace

import pytest
import tiny
import torch
import torch.nn.functional as F

from sprint.cost.flops import on_meta, step_flops
from sprint.methods import METHODS
from sprint.plan.budget import cost_of
from sprint.runtime.errors import UserError
from sprint.runtime.strict import convert
from sprint.teachers import TEACHERS, Teacher, frozen
from sprint.training.batches import draw_batch
from sprint.training.step import batch_loss

GRID, TOKENS, DIM = 4, 16, 64
over = pytest.mark.parametrize("name", TEACHERS)


def taught(name: str, method: str = "dense", drop: float = 0.0, **settings):
    return tiny.run(method, drop, teacher={"kind": name, **settings})


def untrained(run) -> frozen.Features:
    torch.manual_seed(0)
    return frozen.untrained(run.teacher["extractor"], tiny.digits(), GRID)


@over
def test_it_says_what_it_is_and_follows_the_published_proportions(name):
    assert TEACHERS[name].title and TEACHERS[name].cites
    found = taught(name).teacher
    assert (found["kind"], found["extractor"]) == (name, "digits-ssl")
    assert (found["block"], found["hidden"]) == (round(6 * 8 / 28), round(16 * 2048 / 1152))
    assert convert(Teacher, found, "teacher").document() == found


@over
def test_a_run_is_known_by_its_teacher_and_is_the_same_without(name):
    plain, run = tiny.run("dense", 0.0), taught(name)
    assert "teacher" not in plain.document() and f"teacher{name}" in run.name and run.hash != plain.hash
    assert taught(name, block=3).name.startswith("dense-block3-teacher")
    assert set(run.code) > set(plain.code) and f"sprint/teachers/{name}.py" in run.code


@over
@pytest.mark.parametrize("method", METHODS)
def test_its_loss_is_minus_the_cosine_on_the_tokens_that_the_block_saw(name, method):
    """Computed here anew from what the block gives; and gradients reach the projection and the blocks before."""
    drop = next((one for one in (0.5, 0.75, 0.0) if one in tiny.possible_drops(method)), 0.0)
    try:
        run = taught(name, method, drop, block=1)
    except UserError as refused:
        assert "sees pooled tokens; allowed for this method" in str(refused)
        return
    model, features = tiny.stirred(run), untrained(run)
    batch = draw_batch(run, tiny.digits(), 0, 0.0, features=features)
    shown = model.teacher.projection.register_forward_hook(lambda part, given, out: seen.append((given, out)))
    seen: list = []
    with_teacher = batch_loss(run, model, model, batch)
    shown.remove()
    expected = 0.0
    for (tokens, keep), projected in seen:
        target = model.teacher.teacher.target(batch.features_BND)
        if tokens.shape[1] < TOKENS:
            assert torch.equal(keep, batch.keep_BK)
            target = torch.stack([row[kept] for row, kept in zip(target, keep, strict=True)])
        product = (projected * target).sum(-1) / (projected.norm(dim=-1) * target.norm(dim=-1)).clamp(min=1e-8)
        expected = expected - 0.5 * product.mean()
    without = batch_loss(run, model, model, replace(batch, features_BND=None))
    assert len(seen) == len(model.method.passes(batch.keep_BK))
    assert torch.allclose(with_teacher - without, expected, atol=1e-4)
    model.zero_grad()
    expected.backward()
    assert all(one.grad is not None and one.grad.any() for one in model.teacher.projection.parameters())
    assert model.patches.weight.grad.any() and model.final.linear.weight.grad is None


def test_repa_costs_its_three_layers_and_the_frozen_network_of_clean_images():
    run, plain = taught("repa"), tiny.run("dense", 0.0)
    width, hidden = 16, run.teacher["hidden"]
    layers = 2 * TOKENS * (width * hidden + hidden**2 + hidden * DIM)
    model, dense = (on_meta(tiny.model_config(one)) for one in (run, plain))
    assert step_flops(model, None) == step_flops(dense, None) + layers
    convolutions = 2 * 9 * (64 * 1 * 24 + 64 * 24 * 48 + 16 * 48 * 64)  # 8 x 8 twice, 4 x 4 after pooling
    own, base = (cost_of(one)["train_flops_per_image"] for one in (run, plain))
    assert own == base + 3 * layers + convolutions
    assert cost_of(run)["sampling_flops_per_step"] == cost_of(plain)["sampling_flops_per_step"]


def test_irepa_takes_what_all_places_share_from_the_features():
    features = torch.randn(3, TOKENS, DIM, generator=torch.Generator().manual_seed(0)) + 5
    target = TEACHERS["irepa"]().target(features)
    assert torch.allclose(target.mean(1), torch.zeros(3, DIM), atol=1e-5)
    assert torch.allclose(target.std(1), torch.ones(3, DIM), atol=1e-4)
    assert torch.allclose(target, TEACHERS["irepa"]().target(2 * features - 7), atol=1e-4)
    assert torch.equal(TEACHERS["repa"]().target(features), features)


def test_irepa_projects_a_kept_token_as_one_among_zeros():
    model = tiny.stirred(taught("irepa", "tokendrop", 0.75))
    tokens, keep = torch.randn(1, 4, 16), torch.tensor([[0, 5, 10, 15]])
    found = model.teacher.projection(tokens, keep)
    image = torch.zeros(1, 16, GRID, GRID)
    for place, (row, column) in enumerate([(0, 0), (1, 1), (2, 2), (3, 3)]):
        image[0, :, row, column] = tokens[0, place]
    layer = model.teacher.projection.layer
    whole = F.conv2d(image, layer.weight, layer.bias, padding=1)[0]
    assert torch.allclose(found[0], torch.stack([whole[:, one, one] for one in range(4)]), atol=1e-5)


def test_features_follow_the_image_by_place():
    """A changed pixel in one corner changes those of that corner, and not those of the opposite one."""
    features = untrained(taught("repa"))
    pixels = tiny.digits().pictures(torch.arange(3))[0]
    found = frozen.by_place(features.network, pixels, GRID)
    assert found.shape == (3, TOKENS, DIM)
    below = pixels.clone()
    below[:, :, 7, 7] = 255 - below[:, :, 7, 7]
    changed = (frozen.by_place(features.network, below, GRID) != found).any(-1).any(0).view(GRID, GRID)
    assert changed[-1, -1] and not changed[0, 0]


def test_what_cannot_be_taught_is_refused_when_the_plan_is_read():
    for settings, said in (
        ({"kind": "repi"}, "teacher 'repi' is unknown"),
        ({"kind": "repa", "extractor": "inception"}, r"extractor is 'inception'; allowed: one that is trained here"),
        ({"kind": "repa", "block": 9}, "block is 9; allowed: 1 to 6"),
        ({"kind": "repa", "weight": 0.0}, "weight is 0"),
        ({"kind": "repa", "wait": 1.0}, r"unknown key 'wait' \(nearest: 'weight'\)"),
    ):
        with pytest.raises(UserError, match=said):
            tiny.run("dense", 0.0, teacher=settings)
    with pytest.raises(UserError, match=r"block is 2, which sees pooled tokens; allowed for this method: 1, "):
        tiny.run("sparsedit", 0.75, teacher={"kind": "repa", "block": 2})
    assert math.isclose(taught("repa").teacher["weight"], 0.5)
