"""What a tuning tried is a table of losses, the choice marked, an edge said; the few images of it are not measured."""

import math

import pytest

from sprint.report.held_out import with_losses
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


def test_a_held_out_loss_is_told_of_the_weights_under_every_guidance():
    measured = [(10, {"held_out_loss": 0.6, "fd/a": 2.0}), (20, {"held_out_loss": 0.5}), (20, {"fd/a": 1.0}), (30, {})]
    found = with_losses([{"step": step, "metrics": metrics} for step, metrics in measured])
    assert [one["metrics"].get("held_out_loss") for one in found] == [0.6, 0.5, 0.5, None]
    assert found[2]["metrics"]["fd/a"] == 1.0 and "fd/a" not in found[1]["metrics"]
