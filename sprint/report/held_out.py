"""Held-out losses among the evaluations of a run: of its weights, whatever guides them."""

from sprint.diffusion.attention import attention_of
from sprint.metrics import is_metric, metric_of

LOSSES = {"losses", "losses_skipped"}  # of what a metric needs


def with_losses(evaluations: list[dict]) -> list[dict]:
    """The evaluations, each with the held-out losses of its step and attention, which unguided ones alone take."""
    known = {_asked(one): found for one in evaluations if (found := _losses(one["metrics"]))}
    return [{**one, "metrics": {**known.get(_asked(one), {}), **one["metrics"]}} for one in evaluations]


def _asked(evaluation: dict) -> tuple[int, str]:
    return evaluation["step"], attention_of(evaluation)


def losses_alone(evaluations: list[dict]) -> list[dict]:
    """Those of a run of a tuning seed: few images of it were drawn, to be looked at, and their distances say little."""
    return [{**one, "metrics": _losses(one["metrics"]), "bootstrap": {}} for one in evaluations]


def _losses(metrics: dict) -> dict:
    known = [name for name in metrics if is_metric(name)]
    return {name: metrics[name] for name in known if LOSSES & {*metric_of(name).needs}}
