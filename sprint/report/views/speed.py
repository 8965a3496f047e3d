"""Speed and cost beyond any one study: measured beside modelled, and ours beside published.

From scaling.json, and from paper_costs.csv beside the presets' folders. What was not measured is said to be missing.
"""

import csv
from pathlib import Path

from sprint.diffusion.guidance import kind_name, unguided
from sprint.report.blocks import Block, Figure, Key, Prose, text_table
from sprint.report.disk import Disk
from sprint.report.figures.charts import Series
from sprint.report.figures.plots import legend
from sprint.report.figures.speed_charts import DASHED, draw_parts, draw_scaling, shades_of
from sprint.report.figures.styles import series_styles
from sprint.report.format import ranged, significant
from sprint.report.tables import UNKNOWN
from sprint.report.views import Report, ReportView
from sprint.runtime.results import SCALING

QUESTION = "Are fewer FLOPs less time, and are our FLOPs the published ones?"
MERGED = {"embedding": "embedding and output", "output": "embedding and output"}
MERGED |= {"clipping": "optimiser with clipping", "optimiser": "optimiser with clipping"}

APART = (
    "A step on random images that lie ready, at the batch in the table: no number here is the images per second of a "
    "study, whose steps draw their batches from the data."
)


class Speed(ReportView):
    title = "Speed and cost"
    order = 10
    page = "speed"

    def applies(self, report: Report) -> bool:
        return report.whole

    def blocks(self, report: Report) -> list[Block]:
        return [Prose(QUESTION, style="question"), *_measured(report.results), _published(report.results)]


def _measured(results: Path) -> list[Block]:
    disk = Disk(results)
    found = disk.optional(SCALING, "scaling.json")
    if disk.damaged:
        return [Prose(f"Speed by number of tokens: not read. {one}.", style="refused") for one in disk.damaged]
    if not found.get("rows"):
        text = "Speed by number of tokens: not measured; what does:"
        return [Prose(text, command="snakemake --cores all scaling", style="refused")]
    if any("base_images_per_second" not in row for row in found["rows"]) or "base" not in found:
        text = "Speed by number of tokens: measured by earlier code, without its base; what measures anew:"
        return [Prose(text, command="snakemake --cores all scaling --forcerun scaling", style="refused")]
    table = text_table(*_rows(found), folded="All measurements of training steps")
    return [_scaling(found), _parts_of_a_step(found), table]


def _published(results: Path) -> Block:
    try:
        headers, rows = _papers(results)
    except (KeyError, ValueError, AttributeError, csv.Error):
        text = "Published costs beside ours: paper_costs.csv is damaged; what makes it anew:"
        return Prose(text, command="snakemake --cores all --force results/paper_costs.csv", style="refused")
    if not rows:
        text = "Published costs beside ours: not computed; what does:"
        return Prose(text, command="snakemake --cores all paper_costs", style="refused")
    return text_table(headers, rows, folded=f"Published costs beside ours, {len(rows)} figures")


def _scaling(found: dict) -> Figure:
    """Training speed along the number of tokens, from what `sprint bench scaling` wrote."""
    rows: dict[str, list[dict]] = {}
    for row in found["rows"]:
        rows.setdefault(row["label"], []).append(row)
    styles = series_styles([(label, mine[0].get("method")) for label, mine in rows.items()])
    rates = [_along(label, mine, lambda row: row["images_per_second"]) for label, mine in rows.items()]
    ratios = [_along(label, mine, lambda row: row["speedup_measured"]["median"]) for label, mine in rows.items()]
    modelled = [_along(label, mine, lambda row: row["speedup_modelled"]) for label, mine in rows.items()]
    panels = (
        draw_scaling("training, images per second", rates, styles, []),
        draw_scaling(f"training speed-up over {found['base']}", ratios, styles, modelled),
    )
    caption = f"Sparse stage, {_conditions(found)}. {DASHED} {APART}"
    return Figure(panels, legend(styles), caption, title="From few tokens to many")


def _parts_of_a_step(found: dict) -> Figure:
    """Where the time of a training step goes, with the fewest tokens and with the most."""
    counts = sorted({row["tokens"] for row in found["rows"]})
    shown = {
        count: [_parts(row) for row in found["rows"] if row["tokens"] == count] for count in (counts[0], counts[-1])
    }
    shades = shades_of([name for rows in shown.values() for _, parts in rows for name in parts])
    panels = [draw_parts(f"time of a training step, {count} tokens", rows, shades) for count, rows in shown.items()]
    keys = tuple(Key(name, one.css, "swatch") for name, one in shades.items())
    caption = (
        "Forward and backward of each part together, the device waited for at every border; what has no parts of its "
        f"own has blocks only. Sparse stage, {_conditions(found)}."
    )
    return Figure(tuple(panels), keys, caption, title="Where the time of a step goes")


def _rows(found: dict) -> tuple[list[str], list[list[str]]]:
    """Headers with units and rows of text."""
    base = found["base"]
    headers = ["method", "tokens", "batch", "ms per step", "images / s", f"{base}, in the same turns"]
    headers += [f"× {base}, measured", f"× {base}, modelled"]
    headers += ["GFLOP / s", "working memory of a step / MiB", "drawing its batch / ms"]
    rows = [
        [
            row["label"],
            f"{row['tokens']}",
            f"{row['batch']}",
            ranged(row["step_seconds"], 1e3),
            significant(row["images_per_second"]),
            significant(row["base_images_per_second"]),
            ranged(row["speedup_measured"]),
            significant(row["speedup_modelled"]),
            significant(row["flops_per_second"] / 1e9),
            UNKNOWN if row["working_bytes"] is None else significant(row["working_bytes"] / 2**20),
            significant(row["data_seconds"]["median"] * 1e3),
        ]
        for row in found["rows"]
    ]
    return headers, rows


def _papers(results: Path) -> tuple[list[str], list[list[str]]]:
    """Each published cost beside ours; no rows while they were not computed."""
    path = results.parent / "paper_costs.csv"
    if not path.exists():
        return [], []
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    headers = ["network", "what", "published", "ours", "difference", "confidence", "source", "why, where it is large"]
    return headers, [_paper_row(row) for row in rows]


QUANTITIES = {
    "gmac": "GMAC, forward pass of an image or a clip, no guidance",
    "params_m": "million parameters",
    "tflop_per_step": "TFLOP, sampling step of an image with guidance",
    "train_cost_vs_dense": "training FLOP of a sparse step over one of the yardstick",
}


def _paper_row(row: dict[str, str]) -> list[str]:
    drop = f" {float(row['drop']) * 100:g}%" if row["drop"] else ""
    guidance = "" if unguided({"kind": row["guidance"]}) else f", {kind_name(row['guidance'])}"
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
    return f"{shape}; {place}, {how}, in turns with {found['base']}, medians of {repeats}"
