"""A guidance is chosen on other seeds than it judges: no image decides at which scale it is looked at."""

import math
import random

from sprint.report.summary import Line, Spread, best_of
from sprint.statistics.intervals import Sample

METRIC = "fd/digits-cnn"


def line(guidance: str, values: dict[int, float]) -> Line:
    samples = {seed: Sample(value, ()) for seed, value in values.items()}
    known = list(values.values())
    spread = Spread(sum(known) / len(known), min(known), max(known), len(known), samples, True)
    return Line("A", guidance, "cfg", False, "", "CFG", 1.0, {"run": guidance}, {METRIC: spread}, {})


def test_a_lucky_seed_does_not_choose_the_guidance_that_it_is_judged_at():
    """CFG 2 has the lowest mean, by seed 0 alone; seeds 1 and 2 serve CFG 1.5, and 0 is told at what they chose."""
    found = best_of([line("CFG 1.5", {0: 1.0, 1: 1.0, 2: 1.0}), line("CFG 2", {0: 0.1, 1: 1.1, 2: 1.1})], METRIC)
    assert found.metrics[METRIC].by_seed == {0: 1.0, 1: 1.1, 2: 1.1}
    assert found.guidance == "CFG 2 or CFG 1.5"


def test_no_value_of_a_seed_changes_what_is_chosen_for_it():
    draw = random.Random(0)
    for _ in range(200):
        values = {name: {seed: draw.random() for seed in range(4)} for name in ("a", "b", "c")}
        before = best_of([line(name, one) for name, one in values.items()], METRIC).metrics[METRIC].by_seed
        kept = next(name for name, one in values.items() if one[2] == before[2])
        for name in values:
            values[name][2] = draw.random()
        after = best_of([line(name, one) for name, one in values.items()], METRIC).metrics[METRIC].by_seed
        assert after[2] == values[kept][2]


def test_choosing_among_guidances_that_are_alike_gains_nothing():
    """The mean of the lowest of many equal guidances is biased; that of the chosen ones is not."""
    draw = random.Random(1)
    chosen, lowest = [], []
    for _ in range(2000):
        values = [line(str(number), {seed: draw.gauss(5, 1) for seed in range(4)}) for number in range(6)]
        chosen.append(best_of(values, METRIC).metrics[METRIC].mean)
        lowest.append(min(one.metrics[METRIC].mean for one in values))
    error = 1 / math.sqrt(4 * 2000)
    assert abs(sum(chosen) / 2000 - 5) < 4 * error < 5 - sum(lowest) / 2000


def test_one_seed_chooses_for_itself_and_where_all_agree_the_line_is_as_it_was():
    only = best_of([line("a", {0: 2.0}), line("b", {0: 1.0})], METRIC)
    assert only.guidance == "b" and only.metrics[METRIC].by_seed == {0: 1.0}
    lines = [line("a", {0: 2.0, 1: 2.0}), line("b", {0: 1.0, 1: 1.0})]
    assert best_of(lines, METRIC) is lines[1] and best_of(lines, "kid/digits-cnn") is None
