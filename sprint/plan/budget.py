"""What a run costs, and how many steps a cheaper method may train on what the dense one of its preset spends."""

from collections.abc import Iterable
from dataclasses import replace

from sprint.cost.flops import cost_of_network, cost_of_training, dense_total, training_total
from sprint.diffusion.attention import Attention
from sprint.plan.network import model_config
from sprint.plan.schedule import stages
from sprint.plan.schema import Run


def cost_of(run: Run, attentions: Iterable[Attention] = ()) -> dict:
    """All costs of a run, each named with its unit in `docs/fidelity.md` and the report, of sampling with these
    attentions too; none of a training that is not known."""
    config = model_config(run)
    if run.checkpoint:
        return cost_of_network(config, attentions)
    return cost_of_training(config, stages(run), attentions)


def with_equal_flops(run: Run) -> Run:
    """The run with the number of steps, shares of its stages kept, whose FLOPs come nearest to the dense run's."""
    config = model_config(run)
    allowed = dense_total(config, stages(run))
    guess = round(run.train.steps * allowed / training_total(config, stages(run)))
    near = (replace(run, train=replace(run.train, steps=max(1, guess + change))) for change in (0, -1, 1, -2, 2))
    return min(near, key=lambda candidate: abs(training_total(config, stages(candidate)) - allowed))
