"""results/reference/evening: what was measured, packed, and the tables, verdicts and report that are made of it; and
results/reference/evening-xeon, an earlier run of it on another processor, held beside it.

    python tests/evening.py results/evening    # pack what a workflow left there, then write the rest
    python tests/evening.py                    # write the rest anew from what was packed

The page of evening-xeon is a template here, filled from the tables and verdicts of both.
"""

import io
import json
import math
import shutil
import statistics
import sys
import tarfile
import tempfile
from pathlib import Path

from commands import REPOSITORY, make_workspace, run
from test_readme import DENSE, losses, rows_of

from sprint.cli.listing import for_report
from sprint.plan.reading import load_plan
from sprint.report.export import study_csv
from sprint.report.read import read_study

EVENING, XEON = (REPOSITORY / "results/reference" / name for name in ("evening", "evening-xeon"))
PACKED = EVENING / "results.tar.xz"
STUDIES = (
    *("methods", "control", "equal_flops", "parts", "own_ratios", "drop_ratio"),
    *("guidance", "guidance_kinds", "guidance_range", "attention", "teacher", "backbone", "tuning"),
)
MADE = (*(f"{study}.csv" for study in STUDIES), "verdicts.json")
PARTS = (  # all that a report reads, but for pictures and weights
    *("runs/*/config.json", "runs/*/train.json", "runs/*/metrics.json", "runs/*/metrics.time.json"),
    *("sweeps/*/*.json", "cost/*.json", "throughput/*.json", "reference/floor.json", "extractors/*.json"),
)
PAGE = """# Preset evening, on another processor

The same settings as in [evening](../evening/README.md), which ran on an AMD EPYC; this is an earlier run on an Intel
Xeon, of seeds {seeds}. A seed gives the same bits on one kind of processor; on another, rounding grows until it
is another training, which shares its initial values, order of data and noise alone. So this says how far numbers move
that nobody chose to move. Of the same run the held-out loss moved by {loss_moves} in the median and {loss_most} at
most, the distance of cells (unguided, 600 samples) by {distance_moves} and {distance_most}.

`python tests/evening.py` writes this page from the tables and verdicts of both.

Held-out loss over that of the dense network, geometric mean over the seeds above:

| setting | evening | here |
|---|---|---|
{loss_rows}

Claims with an effect in both; in evening with {evening_seeds} seeds, here with {xeon_seeds}. {agreement}

| claim | evening | here |
|---|---|---|
{claim_rows}
"""


def pack(results: Path) -> None:
    """Write the archive of all runs that were measured, the same bytes for the same files."""
    measured = {path.parent.name for path in results.glob("runs/*/metrics.json")}
    found = [path for part in PARTS for path in sorted(results.glob(part))]
    with tarfile.open(PACKED, "w:xz", preset=9) as archive:
        for path in found:
            if path.parts[-3] == "runs" and path.parent.name not in measured:
                continue
            about = tarfile.TarInfo(f"results/evening/{path.relative_to(results)}")
            about.size = path.stat().st_size
            archive.addfile(about, io.BytesIO(path.read_bytes()))


def report(folder: Path) -> Path:
    """What the report makes of the packed results in `folder`: where its tables and verdicts are."""
    make_workspace(folder)
    with tarfile.open(PACKED) as archive:
        archive.extractall(folder, filter="data")
    done = run(["sprint.cli", "report", "--preset", "evening"], folder, None, 600)
    assert done.returncode == 0, done.stderr
    made, plan = folder / "reports/evening", load_plan("evening", folder, data_too=False)
    for name in STUDIES:
        study = read_study("evening", folder / "results/evening", for_report(plan, plan.study(name)))
        (made / f"{name}.csv").write_text(study_csv(study), encoding="utf-8")
    return made


def page() -> str:
    """The page, from the tables and verdicts of both."""
    evening, xeon = (rows_of(folder) for folder in (EVENING, XEON))
    known = [losses(rows) for rows in (evening, xeon)]
    seeds = sorted({int(seed) for seed in known[1][DENSE]})
    ratios = [_ratios(found, seeds) for found in known]
    both = [name for name in sorted(ratios[0], key=ratios[0].get) if name in ratios[1]]
    loss, distance = (_moves(evening, xeon, column) for column in ("held_out_loss", "fd_cells/mosaic-cells"))
    pairs = _pairs(*(json.loads((folder / "verdicts.json").read_text()) for folder in (EVENING, XEON)))
    return PAGE.format(
        seeds=", ".join(map(str, seeds)),
        loss_moves=f"{statistics.median(loss):.1%}",
        loss_most=f"{max(loss):.1%}",
        distance_moves=f"{statistics.median(distance):.0%}",
        distance_most=f"{max(distance):.0%}",
        loss_rows="\n".join(f"| {name} | {ratios[0][name]:.3f} | {ratios[1][name]:.3f} |" for name in both),
        agreement=_agreement(pairs),
        evening_seeds=len(known[0][DENSE]),
        xeon_seeds=len(seeds),
        claim_rows="\n".join(f"| {one['claim']} | {_told(one)} | {_told(other)} |" for one, other in pairs),
    )


def _ratios(known: dict[str, dict[str, float]], seeds: list[int]) -> dict[str, float]:
    """Of the mean losses over these seeds, by setting, over dense; a setting that lacks one is left out."""
    means = {
        name: statistics.mean(by[str(seed)] for seed in seeds)
        for name, by in known.items()
        if {*map(str, seeds)} <= by.keys()
    }
    return {name: math.exp(value - means[DENSE]) for name, value in means.items() if name != DENSE}


def _moves(first: list[dict], again: list[dict], column: str) -> list[float]:
    """By how much of itself a number of the same run and guidance differs between both."""
    one, other = (
        {row["run"]: float(row[column]) for row in rows if row["guidance"] == "unguided"} for rows in (first, again)
    )
    return [abs(other[run] / one[run] - 1) for run in one.keys() & other.keys()]


def _pairs(evening: list[dict], xeon: list[dict]) -> list[tuple[dict, dict]]:
    """The claims that have an interval in both."""
    there = {one["claim"]: one for one in xeon if one["low"] is not None}
    return [(one, there[one["claim"]]) for one in evening if one["low"] is not None and one["claim"] in there]


def _agreement(pairs: list[tuple[dict, dict]]) -> str:
    decided = [pair for pair in pairs if all(one["outcome"] in ("met", "not met") for one in pair)]
    alike = sum(one["outcome"] == other["outcome"] for one, other in decided)
    inside = sum(other["low"] <= one["effect"] <= other["high"] for one, other in pairs)
    return (
        f"Of {len(pairs)}, {len(decided)} are decided in both, {alike} of these alike; evening's effect lies in the "
        f"interval found here in {inside}."
    )


def _told(one: dict) -> str:
    return f"{one['outcome']}: {one['effect']:.3f} ({one['low']:.3f} to {one['high']:.3f})"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        pack(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory() as scratch:
        made = report(Path(scratch))
        for name in MADE:
            shutil.copy(made / name, EVENING / name)
    (XEON / "README.md").write_text(page(), encoding="utf-8")
