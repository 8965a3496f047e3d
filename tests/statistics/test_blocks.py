"""Settings compared over seeds as blocks: held against scipy's tests, closed forms, simulations of known answer."""

import numpy as np
import pytest
from scipy import stats

from sprint.statistics.blocks import Blocks
from sprint.statistics.decide import MET, NOT_ENOUGH, NOT_MET, Hypothesis, decide, holm, seeds_needed


def table(values: np.ndarray) -> dict:
    """Settings in rows, seeds in columns."""
    return {f"s{row}": dict(enumerate(map(float, line))) for row, line in enumerate(values)}


def drawn(settings: int, seeds: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((settings, seeds))


def test_two_settings_alone_are_a_paired_t_test():
    values = drawn(2, 5)
    comparison, expected = Blocks(table(values)).compare("s1", "s0"), stats.ttest_rel(values[1], values[0])
    assert comparison.freedom == expected.df
    assert comparison.difference / comparison.error == pytest.approx(expected.statistic)
    assert comparison.interval() == pytest.approx(tuple(expected.confidence_interval()))
    assert comparison.below(0) == pytest.approx(stats.ttest_rel(values[1], values[0], alternative="less").pvalue)


def test_the_pooled_variance_is_that_of_a_two_way_table():
    values = drawn(6, 4)
    residuals = values - values.mean(1, keepdims=True) - values.mean(0, keepdims=True) + values.mean()
    blocks = Blocks(table(values))
    assert blocks.freedom == 5 * 3
    assert blocks.sigma == pytest.approx(np.sqrt((residuals**2).sum() / 15))
    comparison = blocks.compare("s2", "s0")
    assert comparison.difference == pytest.approx(values[2].mean() - values[0].mean())
    assert comparison.error == pytest.approx(blocks.sigma * np.sqrt(2 / 4))


def test_what_a_seed_does_to_all_settings_alike_changes_nothing():
    values = drawn(4, 3)
    moved = values + 10 * drawn(1, 3, seed=1)
    mine, theirs = (Blocks(table(one)).compare("s3", "s0") for one in (values, moved))
    assert mine.difference == pytest.approx(theirs.difference)
    assert mine.error == pytest.approx(theirs.error)


def test_a_setting_that_lacks_a_seed_is_compared_as_least_squares_says():
    values = table(drawn(3, 4))
    del values["s1"][3]
    blocks = Blocks(values)
    assert blocks.freedom == 11 - (3 + 4 - 1)
    comparison = blocks.compare("s1", "s0")
    assert comparison.seeds == 3
    rows = [(name, seed, value) for name, line in values.items() for seed, value in line.items()]
    design = np.array(
        [[name == "s1", name == "s2", *(seed == other for other in range(4))] for name, seed, _ in rows], float
    )
    expected, rest, *_ = np.linalg.lstsq(design, np.array([value for *_, value in rows]), rcond=None)
    covariance = np.linalg.inv(design.T @ design) * rest / blocks.freedom
    assert comparison.difference == pytest.approx(expected[0])
    assert comparison.error == pytest.approx(np.sqrt(covariance[0, 0]))


def test_one_shared_seed_says_nothing_of_how_seeds_differ():
    assert Blocks({"a": {0: 1.0}, "b": {0: 2.0}}).compare("a", "b") is None
    assert Blocks({"a": {0: 1.0, 1: 2.0}, "b": {1: 2.0, 2: 1.0}}).compare("a", "b") is None


@pytest.mark.parametrize(("settings", "seeds"), [(4, 3), (7, 2), (7, 6)])
def test_simultaneous_intervals_have_the_critical_value_of_dunnetts_test(settings, seeds):
    blocks = Blocks(table(drawn(settings, seeds, seed=4)))
    comparison, (low, high) = blocks.against("s0")["s1"]
    critical = (high - low) / 2 / comparison.error
    count = settings - 1
    distribution = stats.multivariate_t(shape=np.full((count, count), 0.5) + np.eye(count) / 2, df=comparison.freedom)
    inside = distribution.cdf(np.full(count, critical), lower_limit=np.full(count, -critical), random_state=0)
    assert inside == pytest.approx(0.95, abs=0.004)


def test_equal_variances_are_rejected_as_often_as_the_level_says_and_unequal_ones_more():
    equal = [Blocks(table(drawn(5, 3, seed))).equal_variances for seed in range(200)]
    scale = np.array([1, 1, 1, 1, 6.0])[:, None]
    unequal = [Blocks(table(scale * drawn(5, 6, seed))).equal_variances for seed in range(50)]
    assert 0.01 <= np.mean(np.array(equal) < 0.05) <= 0.1  # 95% of such counts lie between .02 and .08
    assert np.mean(np.array(unequal) < 0.05) > 0.9


def test_where_variances_differ_a_comparison_is_of_its_two_settings_alone():
    values = np.array([1, 1, 1, 1, 9.0])[:, None] * drawn(5, 6, seed=2)
    comparison, expected = Blocks(table(values)).compare("s1", "s0"), stats.ttest_rel(values[1], values[0])
    assert not comparison.pooled
    assert comparison.interval() == pytest.approx(tuple(expected.confidence_interval()))


def test_holm_on_an_example_worked_by_hand():
    # sorted: .005 x 4 = .02; .011 x 3 = .033; .02 x 2 = .04; .04 x 1, not below the one before it
    assert holm([0.04, 0.005, 0.02, 0.011]) == pytest.approx([0.04, 0.02, 0.04, 0.033])


def hypothesis(
    difference: float, threshold: float, seeds: int = 6, noise: float = 0.1, settings: int = 7
) -> Hypothesis:
    noise_free = np.array([[0.0], *[[difference]] * (settings - 1)])
    values = noise_free + noise * drawn(settings, seeds, seed=3)
    blocks = Blocks(table(values - values.mean(1, keepdims=True) + noise_free))
    return Hypothesis(blocks.compare("s1", "s0"), threshold, settings)


def test_a_claim_is_met_not_met_or_lacks_data_and_nothing_else():
    found = decide({"a": hypothesis(-1.0, 0.0), "b": hypothesis(1.0, 0.0), "c": hypothesis(0.02, 0.0)})
    assert found == {"a": MET, "b": NOT_MET, "c": NOT_ENOUGH}


def test_the_more_claims_the_more_each_has_to_show():
    close = hypothesis(-0.16, 0.0)
    assert decide({"alone": close})["alone"] == MET
    crowd = {f"other {number}": hypothesis(0.001 * number, 0.0) for number in range(12)}
    assert decide({"among": close, **crowd})["among"] == NOT_ENOUGH


def test_as_many_seeds_as_are_said_to_be_needed_decide_four_times_in_five():
    test = hypothesis(0.15, 0.0, seeds=3, noise=0.165)
    noise = test.comparison.error * (test.comparison.seeds / 2) ** 0.5
    needed = seeds_needed(test)
    random, decided = np.random.default_rng(5), []
    for _ in range(400):
        values = noise * random.standard_normal((7, needed)) + np.array([0.0, *[0.15] * 6])[:, None]
        comparison = Blocks(table(values)).compare("s1", "s0")
        decided.append(decide({"claim": Hypothesis(comparison, 0.0, 7)})["claim"] == NOT_MET)
    assert 0.74 <= np.mean(decided) <= 0.86


def test_no_number_of_seeds_is_named_for_an_effect_that_equals_its_threshold():
    assert seeds_needed(hypothesis(0.0, 0.0)) is None
