"""Settings compared over seeds: every seed a block, one variance pooled over all settings of a study.

A study's table of one metric, on a scale on which noise is alike (the logarithm, for distances), is fitted by

    y[setting, seed] = setting + seed + noise,    noise ~ N(0, sigma^2)

by least squares, so that settings may lack a seed. Two settings that share n seeds alone have n - 1 degrees of freedom
for their variance; S settings pool (S - 1)(n - 1). Pooling is right only where the settings' noise is alike: Cochran's
test asks that (`equal_variances`); where it fails a comparison falls back on its two settings alone (a paired t test).

    one comparison          Student's t
    all of a study's        max-t: the chance that any interval misses is 5% (Dunnett, JASA 50:1096)
    equal variances         Cochran's C of the residuals; its simulated distribution depends on the table's shape alone

No torch.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy import stats

LEVEL = 0.95
DRAWS = 20_000  # of simulated distributions: the 95% point of max-t is then known to about 0.01
UNEQUAL = 0.05  # p-value of Cochran's test below which variances are not pooled

Table = dict[str, dict[object, float]]  # setting -> seed -> value


@dataclass(frozen=True)
class Comparison:
    """One setting minus another: the difference with its standard error, and where the error comes from."""

    difference: float
    error: float
    freedom: int
    seeds: int  # that both settings have
    pooled: bool  # whether the variance is that of all settings, or of these two alone

    def interval(self, critical: float | None = None) -> tuple[float, float]:
        """At LEVEL, by Student's t or by the critical value given (max-t)."""
        reach = self.error * (stats.t.ppf((1 + LEVEL) / 2, self.freedom) if critical is None else critical)
        return self.difference - reach, self.difference + reach

    def below(self, threshold: float) -> float:
        """One-sided p-value of "the difference is at least `threshold`": small where it is surely below."""
        if self.error == 0:  # seeds that agree to the last bit
            return 0.5 * (1 + float(np.sign(self.difference - threshold)))
        return float(stats.t.cdf((self.difference - threshold) / self.error, self.freedom))


@dataclass(frozen=True)
class Blocks:
    """The fit of one table; settings without a value are left out."""

    table: Table

    @cached_property
    def settings(self) -> list[str]:
        return [name for name, values in self.table.items() if values]

    @cached_property
    def _rows(self) -> list[tuple[str, object, float]]:
        return [(name, seed, value) for name in self.settings for seed, value in self.table[name].items()]

    @cached_property
    def _design(self) -> np.ndarray:
        """One column per setting, then one per seed."""
        seeds = list(dict.fromkeys(seed for _, seed, _ in self._rows))
        by_setting = [[float(name == row[0]) for name in self.settings] for row in self._rows]
        by_seed = [[float(seed == row[1]) for seed in seeds] for row in self._rows]
        return np.hstack([by_setting, by_seed])

    @cached_property
    def _inverse(self) -> np.ndarray:
        return np.linalg.pinv(self._design)

    @cached_property
    def freedom(self) -> int:
        """Degrees of freedom of the pooled variance."""
        return len(self._rows) - int(np.linalg.matrix_rank(self._design))

    @cached_property
    def sigma(self) -> float:
        """Standard deviation of the noise, pooled. Needs freedom > 0."""
        values = np.array([value for *_, value in self._rows])
        residuals = values - self._design @ (self._inverse @ values)
        return float(np.sqrt(residuals @ residuals / self.freedom))

    @cached_property
    def equal_variances(self) -> float:
        """p-value of Cochran's test: small where one setting's noise is larger than the others' by more than luck.

        1 where the table is too small to tell: two settings share their residuals by construction.
        """
        if self.freedom < 2 or len(self.settings) < 3 or self.sigma == 0:
            return 1.0
        place = {name: number for number, name in enumerate(self.settings)}
        shape = tuple((place[name], seed) for name, seed, _ in self._rows)
        values = np.array([[value] for *_, value in self._rows])
        return float((_null(shape) >= _largest_share(shape, values)[0]).mean())

    def compare(self, first: str, second: str) -> Comparison | None:
        """First minus second. None where they share fewer than two seeds: then nothing says how much seeds differ."""
        mine, theirs = self.table.get(first, {}), self.table.get(second, {})
        shared = [seed for seed in mine if seed in theirs]
        if len(shared) < 2:
            return None
        differences = np.array([mine[seed] - theirs[seed] for seed in shared])
        if self.equal_variances < UNEQUAL:
            error = float(differences.std(ddof=1) / len(shared) ** 0.5)
            return Comparison(float(differences.mean()), error, len(shared) - 1, len(shared), False)
        weights = self._weights(first, second)
        difference = float(weights @ [value for *_, value in self._rows])
        error = self.sigma * float(np.sqrt(weights @ weights))
        return Comparison(difference, error, self.freedom, len(shared), len(self.settings) > 2)

    def _weights(self, first: str, second: str) -> np.ndarray:
        """The least-squares difference of two settings as a sum over the table's values."""
        return self._inverse[self.settings.index(first)] - self._inverse[self.settings.index(second)]

    def against(self, base: str) -> dict[str, tuple[Comparison, tuple[float, float]]]:
        """Every other setting minus `base`, with intervals that hold all at once (max-t; unpooled: Bonferroni's t)."""
        found = {name: self.compare(name, base) for name in self.settings if name != base}
        known = {name: comparison for name, comparison in found.items() if comparison is not None}
        if not known:
            return {}
        if all(comparison.pooled or len(known) == 1 for comparison in known.values()):
            critical = self._max_t(list(known), base)
            return {name: (comparison, comparison.interval(critical)) for name, comparison in known.items()}
        tail = 1 - (1 - LEVEL) / (2 * len(known))
        return {
            name: (comparison, comparison.interval(float(stats.t.ppf(tail, comparison.freedom))))
            for name, comparison in known.items()
        }

    def _max_t(self, names: list[str], base: str) -> float:
        """The value that the largest |t| of all comparisons with `base` stays below with probability LEVEL."""
        weights = np.array([self._weights(name, base) for name in names])
        weights /= np.linalg.norm(weights, axis=1, keepdims=True)
        return _largest_t(tuple(map(tuple, (weights @ weights.T).round(9))), self.freedom)


Shape = tuple[tuple[int, object], ...]  # the setting's number and the seed of each row of a table


def _projection_of(shape: Shape) -> np.ndarray:
    """What takes the values of a table to their residuals."""
    seeds = list(dict.fromkeys(seed for _, seed in shape))
    settings = range(1 + max(number for number, _ in shape))
    rows = [[*(number == one for one in settings), *(seed == one for one in seeds)] for number, seed in shape]
    design = np.array(rows, float)
    return np.eye(len(shape)) - design @ np.linalg.pinv(design)


def _largest_share(shape: Shape, values: np.ndarray) -> np.ndarray:
    """Cochran's C of each column of values: the largest part of the squared residuals that one setting has, over the
    part that falls to it by the table's shape."""
    projection = _projection_of(shape)
    owner = np.array([[number == one for number, _ in shape] for one in range(1 + max(shape)[0])], float)
    expected = owner @ np.diag(projection)
    told = expected > 1e-9
    squares = (projection @ values) ** 2
    return ((owner @ squares)[told] / expected[told, None]).max(0) / squares.sum(0)


@lru_cache(maxsize=64)
def _null(shape: Shape) -> np.ndarray:
    """Cochran's C where all variances are equal: DRAWS values."""
    random = np.random.default_rng(20)
    return _largest_share(shape, random.standard_normal((len(shape), DRAWS)))


@lru_cache(maxsize=256)
def _largest_t(correlation: tuple[tuple[float, ...], ...], freedom: int) -> float:
    """The LEVEL quantile of the largest |t| of comparisons that are so correlated and share one variance."""
    random = np.random.default_rng(21)
    root = np.linalg.cholesky(np.array(correlation) + 1e-9 * np.eye(len(correlation)))
    largest = np.abs(root @ random.standard_normal((len(correlation), DRAWS))).max(0)
    spread = np.sqrt(random.chisquare(freedom, DRAWS) / freedom)
    return float(np.quantile(largest / spread, LEVEL))
