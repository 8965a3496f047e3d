"""What a tuning tried is a table of losses, the choice marked, an edge said; the few images of it are not measured."""

import math

import pytest

from sprint.report.views.trials import chosen


@pytest.mark.parametrize(
    ("tried", "said"),
    [
        ({0.002: 0.5, 0.004: 0.4, 0.008: 0.6}, "0.004"),
        ({0.002: 0.5, 0.004: 0.4, 0.008: 0.3}, "0.008, at the edge of what was tried"),
        ({0.002: 0.1, 0.004: 0.4, 0.008: math.inf}, "0.002, at the edge of what was tried"),
        ({0.004: math.inf}, "none: all diverged"),
    ],
)
def test_the_choice_and_its_edge_are_said(tried, said):
    assert chosen(tried) == said
