"""What the report says about speed and cost: measured beside modelled, and ours beside published.

From throughput/<study>.json and cost/<study>.json of each study; from scaling.json, and from paper_costs.csv beside the
presets' folders, for the whole report. What has not been measured is said to be missing.
"""

import csv
from pathlib import Path

from sprint.report.charts import Series, styles_of
from sprint.report.costs import UNKNOWN
from sprint.report.format import ranged, significant
from sprint.report.plots import Plots, legend
from sprint.report.read import Run, Study
from sprint.report.speed_charts import colours_of, draw_parts, draw_scaling, draw_speedups
from sprint.runtime.files import read_json

BASE = "dense"
MERGED = {"embedding": "embedding and output", "output": "embedding and output"}
MERGED |= {"clipping": "optimiser with clipping", "optimiser": "optimiser with clipping"}
DASHED = "Dashed: what the FLOPs alone would give."


def speedup_plots(study: Study) -> Plots | None:
    """A study's sparse training steps against those of its dense setting; None where it has none, or no other."""
    runs = [run for run in map(_measured, study.settings.values()) if run is not None]
    base = next((run for run in runs if run.factor("method") == BASE), None)
    points: dict[str, list] = {}
    for run in runs if base else []:
        if run.factor("method") != BASE:
            points.setdefault(run.method, []).append(_speedup(base, run))
    if not points:
        return None
    series = [Series(label, *map(list, zip(*sorted(found), strict=True))) for label, found in points.items()]
    styles = styles_of([one.label for one in series])
    about = study.throughput
    caption = (
        f"One point per setting: steps of the sparse stage, batch {about['batch']}, {about['threads']} threads, taking "
        f"turns; medians, pale: range of the repeats. {DASHED} Modelled: forward and backward."
    )
    return Plots([draw_speedups(series, styles)], legend(styles), caption)


def _measured(runs: list[Run]) -> Run | None:
    return next((run for run in runs if run.cost and run.throughput.get("train")), None)


def _speedup(base: Run, run: Run) -> tuple[float, float, tuple[float, float]]:
    """Modelled, measured, and the range of the measured."""
    modelled = base.cost["train_flops_per_image"] / run.cost["train_flops_per_image"]
    own, yardstick = run.throughput["train"], base.throughput["train"]["median"]
    return modelled, own["median"] / yardstick, (own["low"] / yardstick, own["high"] / yardstick)


def speed_section(results: Path) -> dict:
    """The section on speed and cost that is no study's: plots and tables, None while nothing was measured."""
    path = results / "scaling.json"
    found = read_json(path) if path.exists() else None
    return {
        "scaling": found and scaling_plots(found),
        "parts": found and parts_plots(found),
        "table": found and scaling_table(found),
        "papers": paper_table(results),
    }


def scaling_plots(found: dict) -> Plots:
    """Training speed along the number of tokens, from what `sprint bench scaling` wrote."""
    rows: dict[str, list[dict]] = {}
    for row in found["rows"]:
        rows.setdefault(row["label"], []).append(row)
    styles = styles_of(list(rows))
    rates = [_along(label, mine, lambda row: row["images_per_second"]) for label, mine in rows.items()]
    ratios = [_along(label, mine, lambda row: row["speedup_measured"]["median"]) for label, mine in rows.items()]
    modelled = [_along(label, mine, lambda row: row["speedup_modelled"]) for label, mine in rows.items()]
    panels = [
        draw_scaling("training, images per second", rates, styles, []),
        draw_scaling("training speed-up over dense", ratios, styles, modelled),
    ]
    return Plots(panels, legend(styles), f"Sparse stage, {_conditions(found)}. {DASHED}")


def parts_plots(found: dict) -> Plots:
    """Where the time of a training step goes, with the fewest tokens and with the most."""
    counts = sorted({row["tokens"] for row in found["rows"]})
    shown = {
        count: [_parts(row) for row in found["rows"] if row["tokens"] == count] for count in (counts[0], counts[-1])
    }
    colours = colours_of([name for rows in shown.values() for _, parts in rows for name in parts])
    panels = [draw_parts(f"time of a training step, {count} tokens", rows, colours) for count, rows in shown.items()]
    caption = (
        "Forward and backward of each part together, the device waited for at every border; dense and naive token drop "
        f"have blocks only. Sparse stage, {_conditions(found)}."
    )
    return Plots(panels, [(name, colour, "swatch") for name, colour in colours.items()], caption)


def scaling_table(found: dict) -> tuple[list[str], list[list[str]]]:
    """Headers with units and rows of text."""
    headers = ["method", "tokens", "batch", "ms per step", "images / s", "× dense, measured", "× dense, modelled"]
    headers += ["GFLOP / s", "working memory of a step / MiB", "drawing its batch / ms"]
    rows = [
        [
            row["label"],
            f"{row['tokens']}",
            f"{row['batch']}",
            ranged(row["step_seconds"], 1e3),
            significant(row["images_per_second"]),
            ranged(row["speedup_measured"]),
            significant(row["speedup_modelled"]),
            significant(row["flops_per_second"] / 1e9),
            UNKNOWN if row["working_bytes"] is None else significant(row["working_bytes"] / 2**20),
            significant(row["data_seconds"]["median"] * 1e3),
        ]
        for row in found["rows"]
    ]
    return headers, rows


def paper_table(results: Path) -> tuple[list[str], list[list[str]]]:
    """Each published cost beside ours; no rows while they were not computed."""
    path = results.parent / "paper_costs.csv"
    if not path.exists():
        return [], []
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    headers = ["network", "what", "published", "ours", "difference", "confidence", "source", "why, where it is large"]
    return headers, [_paper_row(row) for row in rows]


QUANTITIES = {
    "gmac": "GMAC, forward pass of an image, no guidance",
    "params_m": "million parameters",
    "tflop_per_step": "TFLOP, sampling step of an image with guidance",
    "train_cost_vs_dense": "training FLOP of a sparse step over dense",
}


def _paper_row(row: dict[str, str]) -> list[str]:
    drop = f" {float(row['drop']) * 100:g}%" if row["drop"] else ""
    guidance = "" if row["guidance"] == "none" else f", {row['guidance'].upper()}"
    network = f"{row['model']} at {row['resolution']}, {row['method']}{drop}{guidance}"
    what = QUANTITIES.get(row["quantity"], row["quantity"])
    difference = f"{100 * float(row['relative_difference']):+.2f}%"
    return [network, what, row["published"], row["ours"], difference, row["confidence"], row["source"], row["why"]]


def _along(label: str, rows: list[dict], value) -> Series:
    rows = sorted(rows, key=lambda row: row["tokens"])
    return Series(label, [row["tokens"] for row in rows], [value(row) for row in rows], [None] * len(rows))


def _parts(row: dict) -> tuple[str, dict[str, float]]:
    merged: dict[str, float] = {}
    for name, seconds in row["parts_seconds"]:
        shown = MERGED.get(name, name)
        merged[shown] = merged.get(shown, 0.0) + seconds
    return row["label"], merged


def _conditions(found: dict) -> str:
    model, machine = found["model"], found["machine"]
    place = machine["processor"] if machine["gpu"] == "none" else machine["gpu"]
    shape = f"width {model['width']}, depth {model['depth']}, random images"
    how = f"{found['precision']}, {'compiled' if found['compiled'] else 'eager'}, {found['threads']} threads"
    repeats = found["rows"][0]["step_seconds"]["repeats"]
    return f"{shape}; {place}, {how}, in turns with dense, medians of {repeats}"
