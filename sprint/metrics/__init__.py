"""Metrics: one file each, which says what it measures, which way is better, and computes it.

`METRICS["kid"]` is the class in sprint/metrics/kid.py. In results a metric is called by its file's name, and one of
features by its extractor too: `accuracy`, `kid/digits-cnn`. This file, and a metric's until it computes, load no torch:
the report reads here what a number is called, how it is written and which way is better.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sprint.runtime.plugins import find

Tensor = Any  # torch.Tensor, or for a reference of published statistics maths.frechet.Gaussian
BETTER = ("lower", "higher", "neither")
FORMS = ("significant", "decimals", "percent")
TABLES = ("main", "further", "every")
LOSS = "held_out_loss"  # what ranks settings of which no image was measured
RANKING = "fd"


class Unavailable(Exception):
    """Why a number cannot be computed from what there is: a sentence without a full stop."""


@dataclass(frozen=True)
class Evidence:
    """What a metric computes from: generated images against real ones, seen by one extractor.

    Metrics that are not of features (`per_extractor = False`) get the labels alone.
    """

    features: Tensor = None  # (n, d) of the generated images
    reference: Tensor = None  # (m, d) of the real ones, or their Gaussian
    labels: Tensor = None  # (n,) asked for
    reference_labels: Tensor = None  # (m,)
    predicted: Tensor = None  # (n,) given to the generated images by the extractor that classifies
    cells: Tensor = None  # (n, c) labels read in every cell, where images show several small pictures
    obeyed: Tensor = None  # (n,) share of the rule between cells that those labels keep
    losses: Tensor = None  # (k,) of held-out images, on all tokens
    losses_skipped: Tensor = None  # (k,) the same with the deep part skipped
    moments: Tensor = None  # the Gaussian of all real images, where `reference` holds a part of them
    layers: dict[str, "Evidence"] = field(default_factory=dict, compare=False)  # of the extractor's other outputs
    known: dict = field(default_factory=dict, compare=False)

    def once(self, compute: Callable[["Evidence"], Any]) -> Any:
        """What `compute` makes of this evidence, computed the first time only: metrics share what they share."""
        if compute not in self.known:
            self.known[compute] = compute(self)
        return self.known[compute]


class Metric:
    """The contract. Numbers that cannot be had are `Unavailable` with a reason; none has a default."""

    title: str
    cites: str  # paper, equation
    meaning: str  # one sentence for a reader, without a full stop
    better: str  # "lower", "higher" or "neither"
    range: tuple[float | None, float | None]  # lowest and highest value, None where it has no end
    form: str = "significant"  # how values are written: with `digits` significant digits, decimals, or as percent
    digits: int = 3
    per_extractor: bool = True  # False: one number, of no features
    needs: tuple[str, ...] = ()  # of Evidence: the metric is left out where one of them is None
    of_cells: bool = False  # only under extractors that read cells
    layer: str = ""  # the output of the extractor that it is of, beside its features; left out under those without,
    # and in tables under those where it has no name in `established`
    ratios: bool = False  # positive, and compared as ratios on a logarithmic scale rather than by differences
    debiases: str = ""  # the metric that it estimates without the bias of few images; compared as that one is
    established: dict[str, str] = {}  # what it is called under an extractor whose numbers have a name of their own
    table: str = "further"  # where the report shows it: its main tables, the further ones, or only with every number
    place: int = 50  # among the metrics of a table, from the left

    @staticmethod
    def compute(evidence: Evidence) -> float:
        """The number. Raises Unavailable where it does not exist."""
        raise NotImplementedError

    replicates: Callable[[Evidence, Tensor], list[float]] | None = None
    """Static method, where images drawn again have a cheap value: the number for each row of counts (replicates, n),
    which say how often each generated image stands. Raises Unavailable."""


METRICS = find("sprint.metrics", Metric)


def is_metric(name: str) -> bool:
    """Whether a name of results is that of a metric: `accuracy`, `fd/digits-cnn`."""
    kind, slash, extractor = name.partition("/")
    return kind in METRICS and METRICS[kind].per_extractor == bool(slash and extractor)


def metric_of(name: str) -> type[Metric]:
    """The metric of a name of results. Raises UserError, naming the nearest, for one that has no file."""
    return METRICS[name.partition("/")[0]]


def extractor_of(name: str) -> str:
    """The extractor of a name of results; "" where it is of no features."""
    return name.partition("/")[2]


def title_of(name: str) -> str:
    """`fd/digits-cnn` as `FD (digits-cnn)`, `fd/inception` as `FID`."""
    metric, extractor = metric_of(name), extractor_of(name)
    return metric.established.get(extractor) or (f"{metric.title} ({extractor})" if extractor else metric.title)


def called(extractor: str, table: str = "") -> list[str]:
    """Names of results of all metrics under an extractor ("": of those of no features), in the order of tables."""
    wanted = [
        name
        for name, metric in METRICS.items()
        if metric.per_extractor == bool(extractor) and (not metric.layer or extractor in metric.established)
    ]
    ordered = sorted(wanted, key=lambda name: (METRICS[name].place, name))
    return [
        f"{name}/{extractor}" if extractor else name for name in ordered if not table or METRICS[name].table == table
    ]


def ranking(extractor: str) -> list[str]:
    """What may rank settings, best first: the estimates of RANKING free of the bias of few images, then itself."""
    if not extractor:
        return [LOSS]
    debiased = [name for name in METRICS if METRICS[name].debiases == RANKING]
    return [f"{name}/{extractor}" for name in (*debiased, RANKING)]


def improves(name: str, first: float, second: float) -> bool | None:
    """Whether the first value is better than the second; None where the metric has no better or a value is missing."""
    better = metric_of(name).better
    if better == "neither" or math.isnan(first) or math.isnan(second):
        return None
    return first < second if better == "lower" else first > second
