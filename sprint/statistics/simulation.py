"""How often intervals hold and claims are decided: simulated with a known answer; the table of docs/statistics.md.

    python -m sprint.statistics.simulation docs/statistics.md

A study of seven settings is drawn again and again: every seed moves all settings alike, noise moves each by itself. The
noise is that of the log of a distance, alike in all settings or spread evenly (on a log scale) over a range. No torch.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sprint.runtime.files import write_text
from sprint.statistics.blocks import Blocks
from sprint.statistics.decide import MET, NOT_MET, Hypothesis, decide

SETTINGS = 7
NOISE = 0.165  # standard deviation of the log of a distance over seeds, pooled over the settings of a study
SEED_EFFECT = 0.1  # of a seed on all settings alike
SPREADS = (1.0, 1.5, 2.0)  # noisiest setting over the mean one, and that over the quietest
SEEDS = (2, 3, 6)
RATIOS = (1.1, 1.25, 1.5, 2.0)  # true effects whose power is told, held against a threshold of 1
TRIALS = 2000
BEGIN, END = "<!-- simulated: begin -->", "<!-- simulated: end -->"


@dataclass(frozen=True)
class Row:
    """One way that noise may be, for so many seeds: shares of the trials."""

    seeds: int
    spread: float
    one: float  # single intervals that held
    together: float  # trials in which all intervals of the study held
    unpooled: float  # trials in which variances were found unequal
    decided: tuple[float, ...]  # by RATIOS: claims decided rightly
    wrong: float  # of all claims: decided wrongly


def simulate(seeds: int, spread: float, trials: int = TRIALS, seed: int = 0) -> Row:
    """Coverage of the intervals of a study in which nothing differs, and power where one setting differs by a ratio."""
    random = np.random.default_rng([seed, seeds, round(1000 * spread)])
    held, together, unpooled, decided, wrong = [], [], [], [[] for _ in RATIOS], []
    for blocks in _studies(seeds, spread, trials, random):
        comparisons = blocks.against("0")
        intervals = [comparison.interval() for comparison, _ in comparisons.values()]
        held += [low <= 0 <= high for low, high in intervals]
        together.append(all(low <= 0 <= high for _, (low, high) in comparisons.values()))
        unpooled.append(not all(comparison.pooled for comparison, _ in comparisons.values()))
        comparison = blocks.compare(str(1 + len(together) % (SETTINGS - 1)), "0")
        for place, ratio in enumerate(RATIOS):
            outcome = decide({"claim": Hypothesis(comparison, -np.log(ratio), SETTINGS)})["claim"]
            decided[place].append(outcome == NOT_MET)
            wrong.append(outcome == MET)
    return Row(
        seeds,
        spread,
        *(float(np.mean(found)) for found in (held, together, unpooled)),
        tuple(float(np.mean(found)) for found in decided),
        float(np.mean(wrong)),
    )


def _studies(seeds: int, spread: float, trials: int, random: np.random.Generator) -> Iterator[Blocks]:
    noise = NOISE * np.geomspace(1 / spread, spread, SETTINGS)
    for _ in range(trials):
        sizes = random.permutation(noise)
        values = SEED_EFFECT * random.standard_normal(seeds) + sizes[:, None] * random.standard_normal(
            (SETTINGS, seeds)
        )
        yield Blocks({str(name): dict(enumerate(map(float, row))) for name, row in enumerate(values)})


def markdown(rows: list[Row]) -> str:
    """The table of docs/statistics.md."""
    lines = [
        "| seeds | noise of the settings | one interval holds | all six hold | variances found unequal | "
        + " | ".join(f"decided at {ratio:g}×" for ratio in RATIOS)
        + " | decided wrongly |",
        "|---" * (6 + len(RATIOS)) + "|",
    ]
    for row in rows:
        noise = "alike" if row.spread == 1 else f"{1 / row.spread:.2g} to {row.spread:g} × {NOISE}"
        shares = (row.one, row.together, row.unpooled, *row.decided, row.wrong)
        lines.append(f"| {row.seeds} | {noise} | " + " | ".join(f"{100 * share:.1f}%" for share in shares) + " |")
    return "\n".join(lines)


def main() -> None:
    page = Path(sys.argv[1])
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    rows = [simulate(seeds, spread) for spread in SPREADS for seeds in SEEDS]
    write_text(page, f"{before}{BEGIN}\n{markdown(rows)}\n{END}{after}")


if __name__ == "__main__":
    main()
