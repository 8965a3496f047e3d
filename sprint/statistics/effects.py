"""One setting against another over seeds, as a reader is told it: a ratio or a difference, and how surely.

Tables are fitted by blocks.py, ratios on a logarithmic scale. With one seed in common there is an effect and no
interval. No torch.
"""

from dataclasses import dataclass, field

import numpy as np

from sprint.statistics.blocks import Blocks, Comparison, Table


@dataclass(frozen=True)
class Effect:
    """The first over the second, or minus it; `low` and `high` bound it at 95% and are None with one seed."""

    value: float
    ratio: bool
    seeds: int  # that both have
    low: float | None = None
    high: float | None = None
    comparison: Comparison | None = field(default=None, repr=False)  # on the scale on which it was fitted
    settings: int = 2  # whose noise stands behind the interval

    @property
    def pooled(self) -> bool:
        return self.settings > 2

    @property
    def sure(self) -> bool:
        """Whether the interval leaves out that there is no effect."""
        none = 1.0 if self.ratio else 0.0
        return self.low is not None and not self.low <= none <= self.high


def effect(table: Table, first: str, second: str, ratio: bool) -> Effect | None:
    """`first` against `second`, their noise pooled with that of all settings of the table where it is alike.

    None where they share no seed, or a ratio is asked of values that are not all positive.
    """
    blocks = Blocks(_scaled(table, ratio))
    comparison = blocks.compare(first, second)
    if comparison is None:
        return _of_one_seed(blocks.table, first, second, ratio)
    return _told(comparison, comparison.interval(), ratio, blocks)


def against(table: Table, base: str, ratio: bool) -> dict[str, Effect]:
    """Every setting against `base`, with intervals that hold all at once; those that share no seed are left out."""
    blocks = Blocks(_scaled(table, ratio))
    found = {name: _told(one, ends, ratio, blocks) for name, (one, ends) in blocks.against(base).items()}
    rest = {name: _of_one_seed(blocks.table, name, base, ratio) for name in blocks.table if name not in (base, *found)}
    return {name: one for name in table if (one := found.get(name) or rest.get(name)) is not None}


def alike(table: Table, ratio: bool) -> float:
    """p-value of Cochran's test that the settings' noise is alike."""
    return Blocks(_scaled(table, ratio)).equal_variances


def _scaled(table: Table, ratio: bool) -> Table:
    """The values as they are fitted; of ratios their logarithms, without the settings that have none."""
    if not ratio:
        return table
    positive = {name: values for name, values in table.items() if all(value > 0 for value in values.values())}
    return {name: {seed: float(np.log(one)) for seed, one in values.items()} for name, values in positive.items()}


def _told(comparison: Comparison, ends: tuple[float, float], ratio: bool, blocks: Blocks) -> Effect:
    value, low, high = (_as_read(one, ratio) for one in (comparison.difference, *ends))
    settings = len(blocks.settings) if comparison.pooled else 2
    return Effect(value, ratio, comparison.seeds, low, high, comparison, settings)


def _of_one_seed(table: Table, first: str, second: str, ratio: bool) -> Effect | None:
    mine, theirs = table.get(first, {}), table.get(second, {})
    differences = [mine[seed] - theirs[seed] for seed in mine if seed in theirs]
    return Effect(_as_read(differences[0], ratio), ratio, 1) if differences else None


def _as_read(value: float, ratio: bool) -> float:
    return float(np.exp(value)) if ratio else float(value)
