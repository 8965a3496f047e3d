"""Costs, counted from the modules, held against closed forms, DiT's published table and a real forward pass."""

import pytest
import tiny
import torch
from torch.utils.flop_counter import FlopCounterMode

from sprint.cost.flops import (
    SAMPLING_TIMES,
    TRAINING_TIMES,
    forward_flops,
    on_meta,
    parameters,
    sampling_flops,
)
from sprint.diffusion.attending import USUAL
from sprint.diffusion.attention.pisa import Pisa
from sprint.diffusion.attention.tome import TokenMerging
from sprint.diffusion.denoiser import ModelConfig
from sprint.diffusion.guidance import GUIDANCES
from sprint.diffusion.path import draw_times
from sprint.methods import METHODS
from sprint.nn.backbones.dit import DiT
from sprint.nn.sizes import parse
from sprint.plan.budget import cost_of
from sprint.plan.schedule import sparse_steps

WIDTH, DEPTH, TOKENS, PATCH = 32, 6, 64, 1
BACKBONE = {"width": WIDTH, "depth": DEPTH, "heads": 2, "patch": PATCH}
PUBLISHED_GMAC = {"S/2": 6.06, "B/2": 23.01, "L/2": 80.71, "XL/2": 118.64}  # DiT, arXiv 2212.09748, table 4
DIT_PARAMETERS = {"S/2": 33e6, "B/2": 130e6, "L/2": 458e6, "XL/2": 675e6}
ATTENTION_ON_CPU = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu


def block(tokens: int, width: int = WIDTH) -> int:
    """Multiply-accumulates of one block and image: projections and MLP, attention, adaLN."""
    return 12 * tokens * width**2 + 2 * tokens**2 * width + 6 * width**2


def around(tokens: int = TOKENS, width: int = WIDTH, values: int = PATCH**2) -> int:
    """Patches in, time, final layer."""
    return tokens * values * width + 256 * width + width**2 + 2 * width**2 + tokens * values * width


def published(size: str) -> ModelConfig:
    depth, width, heads, patch = parse(size)
    backbone = DiT(width, depth, heads, patch, "sincos", False).on(32)
    return ModelConfig(4, 32, 1000, backbone, "dense", METHODS["dense"].Settings(), out_channels=8)


def test_dense_has_the_closed_form():
    run = tiny.run("dense", 0.0, **BACKBONE)
    assert forward_flops(on_meta(tiny.model_config(run))) == 2 * (DEPTH * block(TOKENS) + around())


@pytest.mark.parametrize(("drop", "kept"), [(0.5, 32), (0.75, 16), (0.875, 8)])
def test_sprint_has_the_closed_form(drop, kept):
    run = tiny.run("sprint", drop, **BACKBONE)
    ends, middle, fusion = 2 * block(TOKENS), DEPTH - 2, 2 * TOKENS * WIDTH**2
    model = on_meta(tiny.model_config(run))
    assert run.settings["split"] == "1/4/1"
    assert forward_flops(model) == 2 * (ends + middle * block(TOKENS) + fusion + around())
    assert forward_flops(model, kept) == 2 * (ends + middle * block(kept) + fusion + around())
    assert forward_flops(model, skip=True) == 2 * (ends + fusion + around())


def test_naive_dropping_saves_in_every_block():
    run = tiny.run("tokendrop", 0.75, **BACKBONE)
    assert forward_flops(on_meta(tiny.model_config(run)), 16) == 2 * (DEPTH * block(16) + around())


@pytest.mark.parametrize("size", PUBLISHED_GMAC)
def test_published_sizes_cost_what_was_published(size):
    model = on_meta(published(size))
    assert forward_flops(model) / 2e9 == pytest.approx(PUBLISHED_GMAC[size], rel=0.007)
    assert parameters(model) == pytest.approx(DIT_PARAMETERS[size], rel=0.01)


@pytest.mark.parametrize("run", tiny.every_run(**BACKBONE), ids=lambda run: f"{run.method}-{run.drop:g}")
def test_a_real_forward_pass_counts_the_same(run):
    """On the CPU the counter gives attention as nothing; it is told here what its two products take."""

    def attention(query, key, *_, **__):
        batch, heads, queries, width = query
        return 2 * 2 * batch * heads * queries * key[2] * width

    model = tiny.network(run)
    inputs = [part[:1] for part in tiny.inputs(run)]
    told = {ATTENTION_ON_CPU: attention}
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=told) as counter:
        model(*inputs)
    assert counter.get_total_flops() == forward_flops(on_meta(tiny.model_config(run)))
    assert counter.get_flop_counts()["Global"][ATTENTION_ON_CPU] > 0


def test_a_backward_pass_takes_twice_a_forward_pass():
    """Of all products, those of the first layer aside, whose input needs no gradient."""
    run = tiny.run("dense", 0.0, **BACKBONE)
    model = tiny.network(run)
    inputs = [part[:1] for part in tiny.inputs(run)]
    with FlopCounterMode(display=False) as forward:
        loss = model(*inputs).sum()
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    without_gradient = 2 * (TOKENS * PATCH**2 * WIDTH + 256 * WIDTH)  # patches, time's sinusoids
    assert backward.get_total_flops() == 2 * forward.get_total_flops() - without_gradient


def test_the_costs_of_a_run_are_those_of_its_stages():
    run = tiny.run("sprint", 0.75, finetune_batch=8, **BACKBONE)
    cost, model, dense = cost_of(run), on_meta(tiny.model_config(run)), cost_of(tiny.run("dense", 0.0, **BACKBONE))
    sparse, whole = 3 * forward_flops(model, 16), 3 * forward_flops(model)
    assert (cost["train_flops_per_image"], cost["finetune_flops_per_image"]) == (sparse, whole)
    assert sparse_steps(run) == 15 and cost["train_flops"] == 15 * 16 * sparse + 5 * 8 * whole
    assert [stage["flops"] for stage in cost["stages"]] == [15 * 16 * sparse, 5 * 8 * whole]
    assert cost["forward_macs"] * 2 == forward_flops(model)
    per_image = dense["train_flops_per_image"]
    assert cost["train_flops_vs_dense"] == pytest.approx(cost["train_flops"] / ((15 * 16 + 5 * 8) * per_image))
    assert dense["train_flops_vs_dense"] == 1 and dense["forward_macs"] == DEPTH * block(TOKENS) + around()


def test_parameters_are_those_of_the_real_network():
    for run in tiny.every_run(**BACKBONE):
        assert parameters(on_meta(tiny.model_config(run))) == sum(
            value.numel() for value in tiny.network(run).parameters()
        )


def test_guidance_costs_its_weak_call():
    model = on_meta(tiny.model_config(tiny.run("sprint", 0.75, **BACKBONE)))
    one, shallow = forward_flops(model), forward_flops(model, skip=True)
    costs = {kind: sampling_flops(model, GUIDANCES[kind]()) for kind in ("none", "cfg", "pdg")}
    assert costs == {"none": one, "cfg": 2 * one, "pdg": one + shallow} and shallow < one / 2


@pytest.mark.parametrize(("density", "size"), [(0.25, 8), (0.5, 8), (0.25, 16), (1.0, 16)])
def test_another_attention_costs_its_own_products(density, size):
    """PISA: ranks of blocks, exact keys, means and sums of the others, their slopes, and queries times these."""
    model, plain = on_meta(tiny.model_config(tiny.run("dense", 0.0, **BACKBONE))), GUIDANCES["none"]()
    blocks, head = TOKENS // size, WIDTH // BACKBONE["heads"]
    near = 2 * TOKENS * round(density * blocks) * size * WIDTH
    far = 2 * TOKENS * blocks * WIDTH + TOKENS * head * WIDTH + TOKENS * blocks * head * WIDTH
    saved = 2 * TOKENS**2 * WIDTH - (blocks**2 * WIDTH + near + far)
    assert sampling_flops(model, plain) - sampling_flops(model, plain, Pisa(density, size)) == 2 * DEPTH * saved
    assert sampling_flops(model, plain, USUAL) == forward_flops(model)


@pytest.mark.parametrize("merged", [0.25, 0.5, 0.75])
def test_token_merging_costs_its_likenesses_and_attention_over_what_is_left(merged):
    """Keys of three tokens in four, averaged over heads, times those of the fourth."""
    model, plain = on_meta(tiny.model_config(tiny.run("dense", 0.0, **BACKBONE))), GUIDANCES["none"]()
    left, likenesses = round((1 - merged) * TOKENS), (TOKENS * 3 // 4) * (TOKENS // 4) * WIDTH // BACKBONE["heads"]
    saved = 2 * (TOKENS**2 - left**2) * WIDTH - likenesses
    cost = sampling_flops(model, plain, TokenMerging(merged))
    assert sampling_flops(model, plain) - cost == 2 * DEPTH * saved


def test_only_methods_that_can_skip_have_a_cost_of_path_drop_guidance():
    for run in (tiny.run("sprint", **BACKBONE), tiny.run("tokendrop", **BACKBONE)):
        assert ("pdg" in cost_of(run)["sampling_flops_per_step"]) is METHODS[run.method].can_skip


def test_what_is_computed_otherwise_at_other_times_costs_its_mean_over_them():
    """A network whose grid of sparse tokens follows from the time, beside those with each of its grids throughout."""
    backbone = DiT(16, 6, 2, 1, "sincos", False)

    def flops(side: int, spread: int, times: tuple = TRAINING_TIMES) -> int:
        on = backbone.on(8, 1 - side**2 / 64)
        settings = METHODS["sparsedit"].Settings(spread=spread)
        return forward_flops(on_meta(ModelConfig(1, 8, 10, on, "sparsedit", settings)), times=times)

    drawn = draw_times(20000, torch.Generator().manual_seed(0))
    for times, seen in ((TRAINING_TIMES, drawn), (SAMPLING_TIMES, torch.linspace(0, 1, 20001))):
        sides = (4 + 2 * (1 - 2 * seen)).round().long().bincount(minlength=7)
        expected = sum(share * flops(side, 0) for side, share in enumerate((sides / sides.sum()).tolist()) if share)
        assert flops(4, 2, times) == pytest.approx(expected, rel=0.003) and flops(4, 2, times) != flops(4, 0)
