"""Rank correlations of few points: against all orders counted out, and what repeated points do to the interval."""

import itertools

import pytest

from sprint.statistics.ranks import FEWEST, order_of


def agreement(order: tuple) -> int:
    """Pairs in order less pairs out of order."""
    return sum(1 if second > first else -1 for first, second in itertools.combinations(order, 2))


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (1, 0, 2, 4, 3), (4, 2, 3, 0, 1)])
def test_the_p_value_is_the_share_of_all_orders_that_agree_or_disagree_as_much(order):
    orders = [agreement(one) for one in itertools.permutations(range(5))]
    share = sum(abs(one) >= abs(agreement(order)) for one in orders) / len(orders)
    found = order_of(range(5), order)
    assert found.p == pytest.approx(share) and found.tau == pytest.approx(agreement(order) / 10)


def test_the_same_order_is_surely_the_same_however_points_are_drawn_and_a_mixed_one_is_not():
    same, mixed = order_of(range(6), (1, 4, 9, 16, 25, 36)), order_of(range(6), (3, 1, 2, 6, 4, 5))
    assert [same.tau, same.rho, same.low, same.high] == [pytest.approx(1.0)] * 4
    assert mixed.low < mixed.tau < mixed.high and mixed.p > 0.05


def test_too_few_points_or_points_all_alike_have_no_order():
    assert order_of(range(FEWEST - 1), range(FEWEST - 1)) is None
    assert order_of(range(6), [1.0] * 6) is None
    assert 2 / 24 > 0.05 > 2 / 120  # of four and of five points in the same order
