"""What holds of every attention, found by listing the folder, and PISA's expansion in cases with a closed form."""

import subprocess
import sys

import pytest
import tiny
import torch
import torch.nn.functional as F

from sprint.diffusion.attending import InItsPlace
from sprint.diffusion.attention import ATTENTIONS, Attention
from sprint.diffusion.attention.pisa import Pisa
from sprint.diffusion.attention.tome import TokenMerging
from sprint.runtime.errors import UserError
from sprint.runtime.strict import convert

LENGTH, BLOCK, WIDTH = 32, 4, 8


def drawn(seed: int = 0, length: int = LENGTH) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(2, 3, length, WIDTH, generator=generator, dtype=torch.float64) for _ in range(3)]


@pytest.mark.parametrize("name", ATTENTIONS)
def test_every_attention_says_what_it_is_and_takes_the_place_of_torchs_own(name):
    attention = ATTENTIONS[name]()
    assert attention.title and attention.cites
    assert convert(Attention, attention.document(), "attention") == attention
    assert attention.is_usual is (name == Attention.usual) and attention.text().startswith(name)
    run = tiny.run("dense", 0.0)
    model, (x, t, y) = tiny.stirred(run), tiny.inputs(run)
    with torch.no_grad():
        plain = model(x, t, y)
        with InItsPlace(attention):
            inside = model(x, t, y)
        after = model(x, t, y)
    assert torch.equal(plain, after) and inside.shape == plain.shape and inside.isfinite().all()
    # 16 tokens are less than a block: nothing to save; merging merges some however few there are
    assert torch.allclose(inside, plain, atol=1e-5) is (name != "tome")


@pytest.mark.parametrize("name", ATTENTIONS)
def test_among_keys_that_are_all_the_same_every_attention_gives_the_mean_value(name):
    """Of 128 tokens, which are more than a block of PISA's; queries are of as many tokens, or of fewer."""
    q, k, v = drawn(length=128)
    for queries in (q, q[:, :, :64]):
        found = ATTENTIONS[name]().product(queries, k[:, :, :1].expand_as(k), v)
        assert torch.allclose(found, v.mean(2, keepdim=True).expand_as(queries), atol=1e-10)


def test_another_attention_is_seen_by_every_block():
    class Nothing(Attention):
        calls = 0

        def product(self, q, k, v):
            Nothing.calls += 1
            return torch.zeros_like(q)

    run = tiny.run("dense", 0.0)
    model, given = tiny.stirred(run), tiny.inputs(run)
    with torch.no_grad(), InItsPlace(Nothing()):
        model(*given)
    assert Nothing.calls == run.model.depth


def test_pisa_with_all_blocks_is_dense():
    q, k, v = drawn()
    assert torch.allclose(Pisa(1.0, BLOCK).product(q, k, v), F.scaled_dot_product_attention(q, k, v), atol=1e-10)


def test_pisa_is_exact_where_the_keys_of_a_block_are_equal():
    q, k, v = drawn()
    k = k[:, :, ::BLOCK].repeat_interleave(BLOCK, 2)
    assert torch.allclose(Pisa(0.1, BLOCK).product(q, k, v), F.scaled_dot_product_attention(q, k, v), atol=1e-10)


def test_pisas_error_is_of_second_order_in_how_far_keys_lie_from_their_mean():
    q, k, v = drawn()
    means = k.unflatten(2, (-1, BLOCK)).mean(3).repeat_interleave(BLOCK, 2)
    errors = []
    for size in (0.1, 0.05):
        near = means + size * (k - means)
        exact = F.scaled_dot_product_attention(q, near, v)
        errors.append((Pisa(0.1, BLOCK).product(q, near, v) - exact).abs().max().item())
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.15)


def test_pisa_sees_far_blocks_and_more_of_them_exactly_as_the_density_rises():
    q, k, v = drawn()
    exact = F.scaled_dot_product_attention(q, k, v)
    errors = [(Pisa(density, BLOCK).product(q, k, v) - exact).square().mean().item() for density in (0.125, 0.5, 1.0)]
    assert errors[0] > errors[1] > errors[2]
    changed = v.clone()
    changed[:, :, :BLOCK] += 1  # of one block, which not every query has chosen
    moved = Pisa(0.125, BLOCK).product(q, k, changed) - Pisa(0.125, BLOCK).product(q, k, v)
    assert (moved.abs().amax(-1) > 1e-6).all()


def test_pisa_refuses_tokens_that_are_no_whole_blocks_and_blocks_that_leave_nothing_to_choose():
    """Where there are no more keys than a block has, the one block is seen exactly, so that such calls need nothing."""
    Pisa(0.5, 8).check({(16, 16), (4, 4), (16, 4)})
    for block, sizes, allowed in ((8, {(12, 16)}, "1, 2, 4"), (16, {(16, 16)}, "1, 2, 4, 8"), (4, {(1, 1)}, "none")):
        with pytest.raises(UserError, match=f"block is {block}; allowed for a network .* tokens: {allowed}$"):
            Pisa(0.5, block).check(sizes)
    q, k, v = drawn(length=12)
    assert torch.equal(Pisa(0.1, 12).product(q, k, v), F.scaled_dot_product_attention(q, k, v))
    with pytest.raises(UserError, match="block is 8"):
        Pisa(0.1, 8).product(q, k, v)


def test_token_merging_of_equal_tokens_is_exact_and_of_none_too():
    q, k, v = drawn()
    for merged, parts in ((0.0, (q, k, v)), (0.75, [part[:, :, ::4].repeat_interleave(4, 2) for part in (q, k, v)])):
        exact = F.scaled_dot_product_attention(*parts)
        assert torch.allclose(TokenMerging(merged).product(*parts), exact, atol=1e-10)


def test_token_merging_gives_merged_tokens_one_value_and_errs_more_the_more_it_merges():
    q, k, v = drawn()
    exact, errors = F.scaled_dot_product_attention(q, k, v), []
    for merged in (0.25, 0.5, 0.75):
        found = TokenMerging(merged).product(q, k, v)
        errors.append((found - exact).square().mean().item())
        for image in found:
            assert len(image.transpose(0, 1).flatten(1).unique(dim=0)) == round((1 - merged) * LENGTH)
    assert errors == sorted(errors)


def test_token_merging_merges_the_most_alike():
    """Token 5 has the key of token 0, token 6 nearly that of token 4; the others point elsewhere."""
    keys = torch.eye(8, dtype=torch.float64)
    keys[5], keys[6] = keys[0], keys[4] + 0.3 * keys[6]
    values = torch.eye(8, dtype=torch.float64)
    parts = [part[None, None] for part in (keys, keys, values)]
    (once,), (twice,) = (TokenMerging(merged).product(*parts)[0] for merged in (1 / 8, 2 / 8))
    assert torch.equal(once[0], once[5]) and len(once.unique(dim=0)) == 7
    assert torch.equal(twice[0], twice[5]) and torch.equal(twice[4], twice[6]) and len(twice.unique(dim=0)) == 6


def test_token_merging_that_merges_nothing_is_refused():
    TokenMerging(0.5).check({(16, 16), (1, 1)})
    for merged, sizes in ((0.0, {(16, 16)}), (0.02, {(16, 16)}), (0.75, {(1, 1)})):
        with pytest.raises(UserError, match=f"merged is {merged:g}, which merges none of"):
            TokenMerging(merged).check(sizes)


def test_names_of_attentions_need_no_torch():
    code = """
import sys
from sprint.diffusion.attention import attention_of, under
entry = {"attention": {"kind": "gone", "density": 0.25}}
assert attention_of({}) == "" and under({}, "CFG 2") == "CFG 2"
assert under(entry, "CFG 2") == "CFG 2, gone density 0.25" and "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
