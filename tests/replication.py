"""results/reference/evening-again: the runs of preset evening on another processor, packed, and what comes of them.

    python tests/replication.py results/evening    # pack what a workflow left there, then write the rest
    python tests/replication.py                    # write the rest anew from what was packed

The page is a template here, filled from the verdicts and tables of both, first and again.
"""

import io
import json
import math
import re
import shutil
import statistics
import sys
import tarfile
import tempfile
from collections import Counter
from pathlib import Path

from commands import REPOSITORY, make_workspace, run
from test_readme import DENSE, losses, rows_of

FIRST, AGAIN = (REPOSITORY / "results/reference" / name for name in ("evening", "evening-again"))
PACKED = AGAIN / "results.tar.xz"
STUDIES = ("methods", "control")  # whose tables the page is made of
MADE = (*(f"{study}.csv" for study in STUDIES), "verdicts.json")
PARTS = (  # all that a report reads, but for pictures and weights
    *("runs/*/config.json", "runs/*/train.json", "runs/*/metrics.json", "runs/*/metrics.time.json"),
    *("sweeps/*/*.json", "cost/*.json", "reference/floor.json", "extractors/*.json"),
)
PAGE = """# Preset evening again, on another processor

The same code (commit f042dc7), settings and seeds as in [evening](../evening/README.md), on an AMD EPYC where that was
an Intel Xeon: seeds {seeds}. A seed gives the same bits on one kind of processor; on another, rounding grows until it
is another training, which shares its initial values, order of data and noise alone. So this says how far numbers move
that nobody chose to move. Of the same run the held-out loss moved by {loss_moves} in the median and {loss_most} at
most, the distance of cells (unguided, 600 samples) by {distance_moves} and {distance_most}.

`results.tar.xz` holds all that the report reads, without pictures and weights: unpacked at the root of a clone it is
what `sprint report --preset evening` renders. `python tests/replication.py` makes this page, the tables and
`verdicts.json` of it.

Held-out loss over that of the dense network, geometric mean over the seeds above:

| setting | first | again |
|---|---|---|
{loss_rows}

Claims with an effect in both; first with {first_seeds} seeds, again with {again_seeds}. {agreement}

| claim | first | again |
|---|---|---|
{claim_rows}
"""


def pack(results: Path) -> None:
    """Write the archive, the same bytes for the same files; of seeds that all settings have."""
    found = [path for part in PARTS for path in sorted(results.glob(part))]
    seeds = Counter(_seed(path.parent.name) for path in results.glob("runs/*/metrics.json"))
    partial = {seed for seed, count in seeds.items() if count < max(seeds.values())}
    whole = [path for path in found if path.parts[-3] != "runs" or _seed(path.parent.name) in seeds.keys() - partial]
    AGAIN.mkdir(exist_ok=True)
    with tarfile.open(PACKED, "w:xz", preset=9) as archive:
        for path in whole:
            about = tarfile.TarInfo(f"results/evening/{path.relative_to(results)}")
            about.size = path.stat().st_size
            archive.addfile(about, io.BytesIO(path.read_bytes()))


def _seed(run: str) -> str:
    return re.search(r"-seed(\d+)-", run)[1]


def report(folder: Path) -> Path:
    """What the report makes of the packed results in `folder`: where its tables and verdicts are."""
    make_workspace(folder)
    with tarfile.open(PACKED) as archive:
        archive.extractall(folder, filter="data")
    for study in ("", *STUDIES):
        done = run(["sprint.cli", "report", *filter(None, [study]), "--preset", "evening"], folder, None, 600)
        assert done.returncode == 0, done.stderr
    return folder / "reports/evening"


def page() -> str:
    """The page, from the tables and verdicts of both."""
    first, again = (rows_of(folder) for folder in (FIRST, AGAIN))
    seeds = sorted({int(row["seed"]) for row in again})
    ratios = [_ratios(rows, seeds) for rows in (first, again)]
    known = [name for name in sorted(ratios[1], key=ratios[1].get) if name in ratios[0]]
    loss, distance = (_moves(first, again, column) for column in ("held_out_loss", "fd_cells/mosaic-cells"))
    claims = [json.loads((folder / "verdicts.json").read_text()) for folder in (FIRST, AGAIN)]
    pairs = [pair for pair in zip(*claims, strict=True) if all(one["low"] is not None for one in pair)]
    return PAGE.format(
        seeds=", ".join(map(str, seeds)),
        loss_moves=f"{statistics.median(loss):.1%}",
        loss_most=f"{max(loss):.1%}",
        distance_moves=f"{statistics.median(distance):.0%}",
        distance_most=f"{max(distance):.0%}",
        loss_rows="\n".join(f"| {name} | {ratios[0][name]:.3f} | {ratios[1][name]:.3f} |" for name in known),
        agreement=_agreement(pairs),
        first_seeds=len(losses(first)[DENSE]),
        again_seeds=len(seeds),
        claim_rows="\n".join(f"| {one['claim']} | {_told(one)} | {_told(other)} |" for one, other in pairs),
    )


def _ratios(rows: list[dict], seeds: list[int]) -> dict[str, float]:
    """Of the mean losses over these seeds, by setting, over dense; a setting that lacks one is left out."""
    found = losses([row for row in rows if int(row["seed"]) in seeds])
    means = {name: statistics.mean(by.values()) for name, by in found.items() if len(by) == len(seeds)}
    return {name: math.exp(value - means[DENSE]) for name, value in means.items() if name != DENSE}


def _moves(first: list[dict], again: list[dict], column: str) -> list[float]:
    """By how much of itself a number of the same run and guidance differs between both."""
    one, other = (
        {row["run"]: float(row[column]) for row in rows if row["guidance"] == "unguided"} for rows in (first, again)
    )
    return [abs(other[run] / one[run] - 1) for run in one.keys() & other.keys()]


def _agreement(pairs: list[tuple[dict, dict]]) -> str:
    decided = [pair for pair in pairs if all(one["outcome"] in ("met", "not met") for one in pair)]
    alike = sum(one["outcome"] == other["outcome"] for one, other in decided)
    inside = sum(other["low"] <= one["effect"] <= other["high"] for one, other in pairs)
    return (
        f"Of {len(pairs)}, {len(decided)} are decided in both, {alike} of these alike; the first effect lies in the "
        f"second interval in {inside}."
    )


def _told(one: dict) -> str:
    return f"{one['outcome']}: {one['effect']:.3f} ({one['low']:.3f} to {one['high']:.3f})"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        pack(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory() as scratch:
        made = report(Path(scratch))
        for name in MADE:
            shutil.copy(made / name, AGAIN / name)
    (AGAIN / "README.md").write_text(page(), encoding="utf-8")
