"""What holds of every method, found by listing the folder: over positions, qk-norm, patch sizes and drop ratios."""

import re
from dataclasses import MISSING, fields, is_dataclass

import pytest
import tiny
import torch

from sprint.diffusion.denoiser import Model
from sprint.diffusion.guidance import GUIDANCES
from sprint.methods import METHODS
from sprint.nn.layers import Block, grid_places
from sprint.runtime.errors import UserError
from sprint.training.contract import (
    PROPOSITIONS,
    every_trained_parameter_gets_a_gradient,
    grid_of,
    keeping_every_token_equals_not_choosing,
    kept,
    outputs_are_finite_and_differ_by_place,
    sparse_flops,
)

ON_EVERY_BACKBONE = (
    every_trained_parameter_gets_a_gradient,
    keeping_every_token_equals_not_choosing,
    outputs_are_finite_and_differ_by_place,
)
ELSEWHERE = [proposition for proposition in PROPOSITIONS if proposition not in ON_EVERY_BACKBONE]

BACKBONES = [
    {"positions": positions, "qk_norm": qk_norm, "patch": patch}
    for positions in ("sincos", "rope2d")
    for qk_norm in (False, True)
    for patch in (1, 2)
]
EVERY = [run for backbone in BACKBONES for run in tiny.every_run(width=16, depth=6, heads=2, **backbone)]
ONE_BACKBONE = tiny.every_run(width=16, depth=6, heads=2, patch=2)
SPARSE = [run for run in ONE_BACKBONE if run.drop]
KEEPING = [run for run in SPARSE if run.subsampling]
SKIPPING = [run for run in ONE_BACKBONE if METHODS[run.method].can_skip]


def called(run) -> str:
    model = run.model
    norm = "qk_norm" if model.qk_norm else "plain"
    return f"{run.method}-{run.drop:g}-{model.positions}-{norm}-patch{model.patch}"


def over(runs):
    return pytest.mark.parametrize("run", runs, ids=called)


def watched(model: Model) -> list:
    """Grows by (block, tokens it sees, what else it is told) with every block that runs."""
    seen = []
    for module in model.modules():
        if isinstance(module, Block):
            module.register_forward_hook(lambda block, told, _: seen.append((block, told[0].detach(), told[1])))
    return seen


def test_every_method_is_covered_sparse_where_it_can_be():
    assert {run.method for run in EVERY} == set(METHODS)
    dense = {name for name in METHODS if tiny.possible_drops(name, patch=2) == (0.0,)}
    assert {run.method for run in SPARSE} == set(METHODS) - dense and len(SPARSE) > len(METHODS)


@over(EVERY)
@pytest.mark.parametrize("proposition", ON_EVERY_BACKBONE, ids=lambda one: one.__name__)
def test_on_every_backbone(run, proposition):
    proposition(run)


@over(ONE_BACKBONE)
@pytest.mark.parametrize("proposition", ELSEWHERE, ids=lambda one: one.__name__)
def test_on_one_backbone(run, proposition):
    proposition(run)


@over(SPARSE)
def test_some_blocks_see_exactly_the_kept_share_and_all_others_every_token(run):
    model = tiny.stirred(run)
    seen = watched(model)
    with torch.no_grad():
        model(*tiny.inputs(run), kept(run))
    counts = {tokens.shape[1] for _, tokens, _ in seen}
    all_tokens = grid_of(run) ** 2
    assert round(all_tokens * (1 - run.drop)) in counts and counts <= {round(all_tokens * (1 - run.drop)), all_tokens}


def first_sparse(run, keep, x=None) -> tuple:
    """What the first block that sees kept tokens alone is told, in a network at its initial values.

    There every block is the identity (adaLN-Zero), so that nothing has mixed the tokens before.
    """
    model = tiny.network(run)
    seen, count = watched(model), kept(run).shape[1]
    images, t, y = tiny.inputs(run)
    with torch.no_grad():
        model(images if x is None else x, t, y, kept(run))
        sparse = next(block for block, tokens, _ in seen if tokens.shape[1] == count)
        seen.clear()
        model(images if x is None else x, t, y, keep)
    return next((tokens, where) for block, tokens, where in seen if block is sparse)


@over([run for run in EVERY if run.drop and run.subsampling and not run.model.qk_norm])
def test_sparse_blocks_see_the_kept_tokens_at_their_places_and_nothing_of_the_others(run):
    keep, side, patch = kept(run), grid_of(run), run.model.patch
    tokens, where = first_sparse(run, keep)
    everything, _ = first_sparse(run, None)
    expected = torch.stack([everything[row][places] for row, places in enumerate(keep.tolist())])
    assert torch.allclose(tokens, expected, atol=1e-6) and expected.std() > 0.01
    if run.model.positions == "rope2d":
        assert torch.equal(where.places_BL2, grid_places(side)[keep])
    changed, dropped = tiny.inputs(run)[0], torch.ones(3, side * side).scatter(1, keep, 0.0).view(3, 1, side, side)
    dropped = dropped.repeat_interleave(patch, 2).repeat_interleave(patch, 3)
    assert torch.equal(first_sparse(run, keep, changed + dropped)[0], tokens)
    assert not torch.equal(first_sparse(run, keep, changed + 1 - dropped)[0], tokens)


@pytest.mark.parametrize("method", METHODS)
def test_the_more_tokens_are_dropped_the_fewer_flops(method):
    runs = [run for run in ONE_BACKBONE if run.method == method]
    flops = [sparse_flops(run) for run in runs]
    assert flops == sorted(flops, reverse=True) and len(set(flops)) == len(flops)
    if len(runs) > 1:
        assert flops[-1] < sparse_flops(tiny.run("dense", 0.0, width=16, depth=6, heads=2, patch=2))


@over([run for run in EVERY if run.model.patch == 2])
def test_bfloat16_stays_near_float32(run):
    model = tiny.stirred(run, scale=0.1)
    with torch.no_grad():
        exact = model(*tiny.inputs(run), kept(run))
        with torch.autocast("cpu", torch.bfloat16):
            rough = model(*tiny.inputs(run), kept(run))
    assert rough.dtype == torch.bfloat16 and (rough.float() - exact).norm() < 0.1 * exact.norm()


@over(KEEPING)
def test_the_loss_counts_dropped_places_only_where_something_was_computed_for_them(run):
    model, keep = tiny.stirred(run), kept(run)
    x, t, y = tiny.inputs(run)
    came_out = []
    model.method.register_forward_hook(lambda *told: came_out.append(told[-1].detach()))
    prediction = model(x, t, y, keep).detach()
    dropped = torch.ones(3, grid_of(run) ** 2, 1).scatter(1, keep.unsqueeze(-1), 0.0)
    computed = (came_out[0] * dropped).abs().max() > 0
    target, noisy = torch.randn(2, *prediction.shape)
    loss, at_dropped, at_kept = (
        model.method.loss(prediction + change, target, noisy, t, keep) for change in (0, dropped, 1 - dropped)
    )
    assert torch.equal(loss, at_dropped) is not bool(computed)
    assert ((loss - at_kept).abs() > 1e-6).all()


@over(SKIPPING)
def test_when_all_skip_no_deep_block_runs(run):
    model = tiny.stirred(run)
    seen = watched(model)
    with torch.no_grad():
        model(*tiny.inputs(run), kept(run), skip=True)
    ran = [block for block, _, _ in seen]
    assert {tokens.shape[1] for _, tokens, _ in seen} == {grid_of(run) ** 2}
    assert 0 < len(ran) == run.model.depth - len(model.method.parts()["middle"]) < run.model.depth


@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_cannot_skip_says_so_before_it_has_to(method):
    if METHODS[method].can_skip:
        GUIDANCES["pdg"](2.0).check(METHODS[method])
        return
    assert tiny.network(tiny.run(method, 0.0)).method.skip_rate == 0
    with pytest.raises(UserError, match=f"'{method}' has no path to drop"):
        GUIDANCES["pdg"](2.0).check(METHODS[method])


@pytest.mark.parametrize("method", METHODS)
def test_settings_are_plain_and_all_have_defaults(method):
    settings = METHODS[method].Settings
    assert is_dataclass(settings) and settings() == settings()
    for field in fields(settings):
        assert field.type in (str, int, float, bool) and field.default is not MISSING


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("drop", [1.0, -0.5, 0.70001, 2.0])
@pytest.mark.parametrize("patch", [1, 2])
def test_impossible_ratios_are_refused_and_those_named_instead_are_possible(method, drop, patch):
    with pytest.raises(UserError) as caught:
        tiny.run(method, drop, patch=patch)
    text = str(caught.value)
    assert f"drop is {drop}" in text and "\n" not in text
    named = [float(ratio) for ratio in re.findall(r"0\.\d+", text.partition(f"drop is {drop}")[2])]
    assert named or tiny.possible_drops(method) == (0.0,)
    for ratio in named:
        tiny.run(method, ratio, patch=patch)


def test_an_unknown_method_is_refused_with_those_that_exist():
    with pytest.raises(UserError, match=re.escape("method 'spritn' is unknown (nearest: 'sprint'); known: ")):
        METHODS["spritn"]
