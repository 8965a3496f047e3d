"""Which tokens are kept, taking them out and putting them back: index arithmetic, counts and chances."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from sprint.nn.ratios import RULES, group, kept_count, nearest_ratios
from sprint.nn.tokens import draw, put_back, take
from sprint.runtime.errors import UserError

PUBLISHED = {0.5: (2, 2), 0.625: (4, 6), 0.75: (2, 1), 0.875: (4, 2)}  # SPRINT's table of (n, k)

grids = st.integers(1, 12)


@st.composite
def kept_tokens(draw_value):
    """A batch of tokens and, for each sample, some of their places in any order."""
    batch, tokens, width = draw_value(st.integers(1, 4)), draw_value(st.integers(1, 30)), draw_value(st.integers(1, 5))
    kept = draw_value(st.integers(1, tokens))
    places = [draw_value(st.permutations(range(tokens)))[:kept] for _ in range(batch)]
    return torch.arange(batch * tokens * width).float().view(batch, tokens, width), torch.tensor(places)


@st.composite
def realisable(draw_value):
    """(rule, grid, groups' side n, kept k) that a grid can realise."""
    rule, grid = draw_value(st.sampled_from(RULES)), draw_value(grids)
    sides = [side for side in range(1, grid + 1) if grid % side == 0] if rule == "structured" else [grid]
    side = draw_value(st.sampled_from(sides))
    return rule, grid, side, draw_value(st.integers(1, side * side))


@given(kept_tokens())
@settings(max_examples=60, deadline=None)
def test_what_is_taken_is_what_stands_there(case):
    x, keep = case
    expected = torch.stack([x[sample][places] for sample, places in enumerate(keep.tolist())])
    assert torch.equal(take(x, keep), expected)


@given(kept_tokens())
@settings(max_examples=60, deadline=None)
def test_putting_back_undoes_taking_and_leaves_the_rest(case):
    x, keep = case
    base = torch.full((1, 1, x.shape[-1]), -1.0).expand(1, x.shape[1], -1)
    assert torch.equal(put_back(take(x, keep), keep, x), x)
    restored = put_back(take(x, keep), keep, base)
    for sample, places in enumerate(keep.tolist()):
        for place in range(x.shape[1]):
            assert torch.equal(restored[sample, place], x[sample, place] if place in places else base[0, place])


def test_keeping_all_copies_nothing():
    x = torch.randn(2, 4, 3)
    assert take(x, None) is x
    assert put_back(x, None, torch.zeros(1, 4, 3)) is x


@given(realisable(), st.integers(0, 1000))
@settings(max_examples=80, deadline=None)
def test_drawn_places_are_distinct_sorted_and_as_many_as_promised(case, seed):
    rule, grid, side, kept = case
    drop = 1 - kept / side**2
    keep = draw(rule, 3, grid, drop, torch.Generator().manual_seed(seed))
    if drop == 0:
        assert keep is None
        return
    assert keep.shape == (3, kept_count(rule, grid, drop)) == (3, kept * (grid // side) ** 2)
    assert (keep.diff(dim=1) > 0).all() and keep.min() >= 0 and keep.max() < grid * grid


@given(realisable(), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_structured_keeps_equally_many_in_every_group(case, seed):
    _, grid, side, kept = case
    if grid % side or kept == side**2:
        return
    side, kept = group(grid, 1 - kept / side**2)
    keep = draw("structured", 2, grid, 1 - kept / side**2, torch.Generator().manual_seed(seed))
    for places in keep.tolist():
        counts = dict.fromkeys(((row, column) for row in range(grid // side) for column in range(grid // side)), 0)
        for place in places:
            row, column = divmod(place, grid)
            counts[row // side, column // side] += 1
        assert set(counts.values()) == {kept}


@pytest.mark.parametrize(("drop", "expected"), PUBLISHED.items())
def test_published_ratios_have_the_published_groups(drop, expected):
    assert group(16, drop) == expected
    assert kept_count("structured", 16, drop) == kept_count("random", 16, drop) == round(256 * (1 - drop))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("drop", [0.5, 0.875])
def test_every_token_is_equally_likely(rule, drop):
    draws, tokens = 4000, 64
    keep = draw(rule, draws, 8, drop, torch.Generator().manual_seed(0))
    counts = torch.bincount(keep.flatten(), minlength=tokens).double()
    expected = draws * (1 - drop)
    statistic = ((counts - expected) ** 2 / (expected * drop)).sum()  # Bernoulli variances
    assert chi2.ppf(1e-4, tokens - 1) * 0.5 < statistic < chi2.ppf(1 - 1e-5, tokens)


@pytest.mark.parametrize("rule", RULES)
def test_samples_of_a_batch_are_drawn_apart_and_a_seed_repeats_them(rule):
    first, again, other = (draw(rule, 8, 8, 0.75, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert len({tuple(places) for places in first.tolist()}) == 8


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("grid", [8, 9, 16, 32])
@pytest.mark.parametrize("drop", [0.7001, 1.0, -0.25, 1.5, 0.9999, float("nan")])
def test_a_ratio_that_the_grid_cannot_realise_is_refused_with_ones_that_it_can(rule, grid, drop):
    with pytest.raises(UserError) as caught:
        kept_count(rule, grid, drop)
    assert str(caught.value).startswith(f"drop is {drop};") and "\n" not in str(caught.value)
    named = [float(ratio) for ratio in str(caught.value).partition("such as ")[2].split(", ")]
    assert len(set(named)) == 6 and all(kept_count(rule, grid, ratio) for ratio in named)


def test_nearest_ratios_surround_what_was_asked():
    named = [float(ratio) for ratio in nearest_ratios("structured", 8, 0.7).split(", ")]
    assert min(named) < 0.7 < max(named) and max(abs(ratio - 0.7) for ratio in named) < 0.07


def test_an_unknown_rule_is_refused():
    with pytest.raises(UserError, match="'striped'; allowed: random, structured"):
        kept_count("striped", 8, 0.5)
