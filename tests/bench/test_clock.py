"""Turns are taken in order, taken again while they scatter, and marked where they still do: on a clock of our own."""

import itertools

import pytest

from sprint.bench import clock


class Hands:
    """A clock that moves only when a task takes its time."""

    def __init__(self):
        self.time, self.order = 0.0, []

    def __call__(self) -> float:
        return self.time

    def task(self, name: str, *seconds: float):
        """A task that takes these seconds call by call, the last of them from then on."""
        left = itertools.chain(seconds, itertools.repeat(seconds[-1]))

        def once() -> None:
            self.order.append(name)
            self.time += next(left)

        return once


def measured(repeats: int, **tasks: tuple[float, ...]) -> tuple[Hands, dict]:
    hands = Hands()
    found = clock.in_turns({name: hands.task(name, *taken) for name, taken in tasks.items()}, repeats, "testing", hands)
    return hands, {name: pytest.approx(taken) for name, taken in found.items()}


def test_steady_tasks_take_turns_once_after_the_warm_up():
    hands, found = measured(2, a=(9.0, 1.0), b=(7.0, 2.0))
    assert hands.order == ["a", "b"] * 3
    assert found == {"a": [9.0, 1.0, 1.0], "b": [7.0, 2.0, 2.0]}


def test_while_one_scatters_all_take_their_turns_again():
    """The dense steps that took .68 to 1.14 s and .43 s elsewhere: the turns go on until most of them agree."""
    hands, found = measured(3, dense=(5.0, 0.68, 1.14, 0.9, 0.43), sparse=(5.0, 0.06))
    assert hands.order == ["dense", "sparse"] * (1 + 3 * clock.ROUNDS)
    dense = clock.summary([5.0, 0.68, 1.14, 0.9, *[0.43] * 6])
    assert (dense["median"], dense["low"], dense["high"]) == (0.43, 0.43, 1.14)
    assert found["dense"] == [5.0, 0.68, 1.14, 0.9, *[0.43] * 6]


def test_turns_stop_as_soon_as_they_agree():
    hands, _ = measured(4, only=(1.0, 1.3, 1.0, 1.3, 1.0, 1.0))
    assert len(hands.order) == 1 + 4 * 2


def test_the_number_of_turns_is_bounded_and_what_still_scatters_is_marked():
    hands, found = measured(2, wild=(1.0, *[1.0, 2.0] * 50), calm=(1.0,))
    assert len(hands.order) == 2 * (1 + 2 * clock.ROUNDS)
    assert clock.summary([1.0, *[1.0, 2.0] * clock.ROUNDS])["scatters"]
    assert found["calm"] == [1.0] * (1 + 2 * clock.ROUNDS)


@pytest.mark.parametrize(
    ("turns", "scatters"),
    [
        ([1.0], False),  # of one turn nothing can be told
        ([1.0, 1.0, 1.0, 9.0, 1.0], False),  # one that stands alone moves no median
        ([0.95, 1.0, 1.05], False),
        ([0.68, 0.9, 1.14], True),
        ([68.0, 90.0, 114.0], True),  # a share of the median: seconds or hours
    ],
)
def test_turns_scatter_where_their_middle_half_is_wide_beside_their_median(turns, scatters):
    assert clock.summary([5.0, *turns])["scatters"] is scatters


def test_a_spread_leaves_the_first_turn_out():
    expected = {"median": 2.0, "low": 1.9, "high": 2.1, "repeats": 3, "scatters": False}
    assert clock.summary([9.0, 2.1, 1.9, 2.0]) == expected


def test_a_ratio_is_of_the_same_turns():
    """A machine half as fast in one round slows both: each turn's ratio is as in the others."""
    _, found = measured(2, base=(1.0, 1.0, 2.0, 1.0), own=(0.5, 0.5, 1.0, 0.5))
    seconds = {name: list(taken.expected) for name, taken in found.items()}
    ratios = [base / own for base, own in zip(seconds["base"], seconds["own"], strict=True)]
    assert clock.summary(ratios)["low"] == clock.summary(ratios)["high"] == 2.0
    assert not clock.summary(ratios)["scatters"] and clock.summary(seconds["base"])["high"] == 2.0
