"""Effects of one setting against another, as told: held against scipy's tests and closed forms."""

import numpy as np
import pytest
from scipy import stats

from sprint.statistics.blocks import Comparison
from sprint.statistics.effects import against, alike, effect


def table(**values) -> dict:
    return {name: dict(enumerate(line)) for name, line in values.items()}


def test_a_ratio_of_two_settings_is_a_paired_t_test_of_logarithms():
    first, second = (30.0, 33.0, 36.0), (40.0, 39.0, 43.0)
    found = effect(table(a=first, b=second), "a", "b", ratio=True)
    expected = stats.ttest_rel(np.log(first), np.log(second)).confidence_interval()
    assert found.value == pytest.approx(stats.gmean(first) / stats.gmean(second))
    assert (found.low, found.high) == pytest.approx(tuple(np.exp(expected)))
    assert (found.seeds, found.settings, found.pooled) == (3, 2, False)


def test_a_ratio_and_its_inverse_have_inverse_intervals():
    values = table(a=(30.0, 33.0, 36.0), b=(40.0, 39.0, 43.0), c=(20.0, 22.0, 21.0))
    one, other = effect(values, "a", "b", ratio=True), effect(values, "b", "a", ratio=True)
    assert one.value == pytest.approx(1 / other.value)
    assert (one.low, one.high) == pytest.approx((1 / other.high, 1 / other.low))
    assert one.settings == 3 and one.pooled


def test_intervals_of_all_against_one_hold_at_once_and_are_wider_than_single_ones():
    values = table(a=(1.0, 2.0, 1.4), b=(2.0, 2.5, 2.6), c=(0.3, 1.2, 0.1), d=(1.0, 1.9, 0.9))
    together = against(values, "a", ratio=False)
    assert list(together) == ["b", "c", "d"]
    for name, found in together.items():
        single = effect(values, name, "a", ratio=False)
        assert found.value == pytest.approx(single.value)
        assert found.low < single.low < single.high < found.high


def test_one_seed_has_an_effect_and_no_interval():
    found = effect({"a": {0: 6.0}, "b": {0: 3.0, 1: 9.0}}, "a", "b", ratio=True)
    assert (found.value, found.seeds, found.low, found.high) == (pytest.approx(2.0), 1, None, None)
    assert not found.sure
    assert against({"a": {0: 6.0}, "b": {0: 3.0, 1: 9.0}}, "b", ratio=True)["a"] == found


def test_without_a_seed_in_common_or_a_logarithm_there_is_no_effect():
    assert effect({"a": {0: 1.0}, "b": {1: 1.0}}, "a", "b", ratio=False) is None
    values = table(a=(1.0, -0.1), b=(2.0, 3.0), c=(2.0, 4.0))
    assert effect(values, "a", "b", ratio=True) is None
    assert list(against(values, "b", ratio=True)) == ["c"]


def test_seeds_that_agree_to_the_last_bit_leave_no_doubt():
    found = effect(table(a=(1.0, 2.0), b=(3.0, 4.0)), "a", "b", ratio=False)
    assert [found.value, found.low, found.high] == [pytest.approx(-2.0)] * 3 and found.sure
    exact = Comparison(-2.0, 0.0, 1, 2, False)
    assert [exact.below(threshold) for threshold in (0.0, -3.0, -2.0)] == [0.0, 1.0, 0.5]


def test_noise_that_is_not_alike_is_told_from_noise_that_is():
    random = np.random.default_rng(3)
    rows = random.standard_normal((5, 8))
    equal = {str(number): dict(enumerate(map(float, row))) for number, row in enumerate(rows)}
    unequal = equal | {"0": {seed: 9 * value for seed, value in equal["0"].items()}}
    assert alike(equal, ratio=False) > 0.05 > alike(unequal, ratio=False)
    assert effect(equal, "1", "2", ratio=False).pooled and not effect(unequal, "1", "2", ratio=False).pooled
