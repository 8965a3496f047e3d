"""What a run costs, and how many steps a cheaper method may train on what the dense one of its preset spends."""

from dataclasses import replace

from sprint.cost.flops import cost_of_network, cost_of_training, dense_total, training_total
from sprint.plan.network import model_config
from sprint.plan.schedule import stages
from sprint.plan.schema import Run


def cost_of(run: Run) -> dict:
    """All costs of a run, each named with its unit in `docs/fidelity.md` and the report; none of a training unknown."""
    config = model_config(run)
    return cost_of_network(config) if run.checkpoint else cost_of_training(config, stages(run))


def with_equal_flops(run: Run) -> Run:
    """The run with the number of steps, shares of its stages kept, whose FLOPs come nearest to the dense run's."""
    config = model_config(run)
    allowed = dense_total(config, stages(run))
    guess = round(run.train.steps * allowed / training_total(config, stages(run)))
    near = (replace(run, train=replace(run.train, steps=max(1, guess + change))) for change in (0, -1, 1, -2, 2))
    return min(near, key=lambda candidate: abs(training_total(config, stages(candidate)) - allowed))
