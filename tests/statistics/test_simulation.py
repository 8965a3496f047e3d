"""The simulated table of docs/statistics.md is what its command writes, and its intervals hold as often as they say."""

import re
from pathlib import Path

import pytest

from sprint.statistics.simulation import BEGIN, END, SEEDS, SPREADS, markdown, simulate

PAGE = Path(__file__).resolve().parents[2] / "docs/statistics.md"


def lines() -> list[str]:
    table = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    return table.strip().splitlines()


@pytest.mark.parametrize(("seeds", "spread"), [(2, 1.0), (3, 1.5)])
def test_a_row_of_the_page_is_what_the_command_writes(seeds, spread):
    expected = markdown([simulate(seeds, spread)]).splitlines()
    assert lines()[:2] == expected[:2]
    assert expected[2] in lines()


def test_intervals_hold_between_93_and_97_percent_where_noise_is_alike_or_differs_by_half():
    rows = [[float(share) for share in re.findall(r"([0-9.]+)%", line)] for line in lines()[2:]]
    assert len(rows) == len(SEEDS) * len(SPREADS)
    assert all(93 <= row[0] <= 97 for row in rows[: 2 * len(SEEDS)])
    assert all(row[-1] < 1 for row in rows)  # decided wrongly


def test_more_seeds_decide_more():
    rows = [[float(share) for share in re.findall(r"([0-9.]+)%", line)] for line in lines()[2:]]
    for start in range(0, len(rows), len(SEEDS)):
        few, some, many = (row[3:-1] for row in rows[start : start + len(SEEDS)])
        assert all(one <= two <= three for one, two, three in zip(few, some, many, strict=True))
