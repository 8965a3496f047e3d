"""The README's figures are those of the files that it names.

Between two marks of README stands what results/reference/evening/ holds; `python tests/test_readme.py` writes it.
"""

import csv
import json
import math
import re
import statistics
from collections import Counter
from pathlib import Path

from sprint.statistics.blocks import Blocks, Comparison

ROOT = Path(__file__).resolve().parent.parent
EVENING = Path("results/reference/evening")
SPEED = Path("results/reference/speed")
MARKS = ("<!-- from results/reference/evening by tests/test_readme.py -->\n", "<!-- end -->\n")
DENSE, UNGUIDED, LOSS = "dense (DiT/SiT)", "unguided", "held_out_loss"
CELLS, OBEYED = "fd_cells/mosaic-cells", ("accuracy", "rule_obeyed")
WHOLE = "fd_infinity/mosaic-cells"
HEADS = [
    "setting",
    "training FLOP / dense",
    "held-out loss / dense (95%)",
    "FD∞",
    "FD of cells",
    "label obeyed",
    "rule obeyed",
]
RANGE = "guidance_range"  # the study in which guidance is tried until more does harm
MIXED, DROPPED = "MicroDiT 75%", "naive token drop 75%"
DROPPING = ("SPRINT", "naive token drop")  # the methods of study drop_ratio


def rows_of(folder: Path, studies: tuple[str, ...] = ("methods", "control")) -> list[dict]:
    """The evaluations of the last weights in these studies, each once."""
    found = {}
    for name in studies:
        for row in csv.DictReader((folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()):
            found.setdefault((row["run"], row["guidance"]), row)
    return list(found.values())


def logarithms(rows: list[dict], column: str) -> dict[str, dict[str, float]]:
    """Logarithm of a column by setting and seed."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        found.setdefault(row["setting"], {})[row["seed"]] = math.log(float(row[column]))
    return found


def losses(rows: list[dict]) -> dict[str, dict[str, float]]:
    """Logarithm of the held-out loss by setting and seed."""
    return logarithms([row for row in rows if row["guidance"] == UNGUIDED], LOSS)


def over_seeds(rows: list[dict], column: str) -> float:
    return statistics.mean(float(row[column]) for row in rows)


def mean(rows: list[dict], setting: str, guidance: str, column: str) -> float:
    return over_seeds([row for row in rows if (row["setting"], row["guidance"]) == (setting, guidance)], column)


def guided(rows: list[dict], setting: str, distance: str) -> list[dict]:
    """A row for each seed of a setting, at the guidance under which the distance is lowest in its other seeds."""
    by = {(row["seed"], row["guidance"]): row for row in rows if row["setting"] == setting}
    seeds, tried = ({key[part] for key in by} for part in (0, 1))

    def elsewhere(seed: str, guidance: str) -> float:
        return statistics.mean(float(by[other, guidance][distance]) for other in seeds - {seed})

    return [by[seed, min(sorted(tried), key=lambda one, seed=seed: elsewhere(seed, one))] for seed in sorted(seeds)]


def at_best(rows: list[dict], setting: str, distance: str, digits: int = 2) -> str:
    """`0.23, CFG 3`: a distance at its best guidance, or `CFG 3 or CFG 5`, the more frequent first."""
    found = guided(rows, setting, distance)
    often = [name for name, _ in Counter(row["guidance"] for row in found).most_common()]
    return f"{over_seeds(found, distance):.{digits}f}, {' or '.join(often)}"


def table(rows: list[dict], ranged: list[dict]) -> list[str]:
    """A row a setting, the lowest loss first; ratios with intervals that hold all at once."""
    known = losses(rows)
    compared = Blocks(known).against(DENSE)
    dense = mean(rows, DENSE, UNGUIDED, "train_flop")
    lines = []
    for setting in sorted(known, key=lambda name: statistics.mean(known[name].values())):
        share = mean(rows, setting, UNGUIDED, "train_flop") / dense
        best = guided(ranged, setting, WHOLE)
        obeyed = [f"{100 * over_seeds(best, column):.0f}%" for column in OBEYED]
        ratio = "1" if setting == DENSE else over_dense(compared, setting)
        distances = [at_best(ranged, setting, WHOLE, 1), at_best(ranged, setting, CELLS)]
        lines.append([setting, f"{share:.2f}", ratio, *distances, *obeyed])
    return drawn(HEADS, lines)


def over_dense(compared: dict, setting: str) -> str:
    """Ratio of losses, and its interval."""
    if setting not in compared:
        return "one seed"
    return times(*compared[setting])


def times(comparison: Comparison, ends: tuple[float, float]) -> str:
    low, high = map(math.exp, ends)
    return f"{math.exp(comparison.difference):.3f} ({low:.3f} to {high:.3f})"


def drawn(heads: list[str], lines: list[list[str]]) -> list[str]:
    """A table in Markdown."""
    return [f"| {' | '.join(line)} |" for line in (heads, ["---"] * len(heads), *lines)]


def by_drop(rows: list[dict]) -> list[str]:
    """A row a drop ratio of study drop_ratio, and what its ends say."""
    known = losses(rows)
    compared = Blocks(known).against(DENSE)
    drops = sorted({name.split()[-1] for name in known if name != DENSE}, key=lambda drop: float(drop[:-1]))
    columns = [f"{name}: {what}" for name in DROPPING for what in ("loss / dense (95%)", "FD∞")]
    lines = []
    for drop in drops:
        line = [drop]
        for setting in (f"{name} {drop}" for name in DROPPING):
            if setting in known:
                line += [over_dense(compared, setting), at_best(rows, setting, WHOLE, 1)]
            else:
                line += ["–", "–"]
        lines.append(line)
    first, last = next(drop for drop in drops if all(f"{name} {drop}" in known for name in DROPPING)), drops[-1]
    means = {setting: statistics.mean(values.values()) for setting, values in known.items()}
    rises = {name: math.exp(means[f"{name} {last}"] - means[f"{name} {first}"]) for name in DROPPING}
    told = ", ".join(f"{name} {rise:.3f}" for name, rise in rises.items())
    return [*drawn(["dropped", *columns], lines), "", f"Mean loss at {last} over that at {first}: {told}."]


def smaller(rows: list[dict]) -> list[str]:
    """What smaller dense networks say of the sparse methods, by mean losses."""
    known = {setting: statistics.mean(values.values()) for setting, values in losses(rows).items()}
    sparse = [name for name in known if not name.startswith(DENSE)]
    found = []
    for name in sorted((name for name in known if name.startswith(f"{DENSE}, ")), key=known.__getitem__):
        better = [one for one in sparse if known[one] < known[name]]
        but = f"every sparse method but {', '.join(better)}" if better else "every sparse method"
        share = mean(rows, name, UNGUIDED, "train_flop") / mean(rows, DENSE, UNGUIDED, "train_flop")
        found.append(f"{name}, at {share:.2f} of the training FLOP, has a lower mean loss than {but}.")
    return found


def strongest(rows: list[dict], ranged: list[dict]) -> list[str]:
    """What might gain of guidance stronger than that of study guidance_range, and than that of all others."""
    most, usual = (max((row["guidance"] for row in tried), key=strength) for tried in (ranged, rows))
    settings = sorted({row["setting"] for row in ranged})
    cells = [name for name in settings if any(row["guidance"] == most for row in guided(ranged, name, CELLS))]
    told = f"is best in FD of cells for {'; '.join(cells)}" if cells else "is too strong for all of them in FD of cells"
    beyond = [
        f"{name} ({at_best(ranged, name, WHOLE, 1)}; {mean(ranged, name, usual, WHOLE):.1f}, {usual})"
        for name in settings
        if any(strength(row["guidance"]) > strength(usual) for row in guided(ranged, name, WHOLE))
    ]
    return [
        f"The strongest guidance that study `{RANGE}` tried, {most}, {told}. Best in FD∞ beyond {usual}, where all "
        f"other studies end: {'; '.join(beyond) or 'none'}. At their best {MIXED} has {times(*mixed(ranged))} times "
        f"the FD∞ of {DROPPED}. {ruled(ranged, most)}"
    ]


def mixed(ranged: list[dict]) -> tuple[Comparison, tuple[float, float]]:
    """What the claim about mixing patches compares, each at its best of all guidances tried."""
    settings = sorted({row["setting"] for row in ranged})
    known = logarithms([row for name in settings for row in guided(ranged, name, WHOLE)], WHOLE)
    return Blocks(known).against(DROPPED)[MIXED]


def ruled(ranged: list[dict], guidance: str) -> str:
    """How often the rule is kept under a guidance, from the network that keeps it least to that which does most."""
    kept = {row["setting"]: 100 * mean(ranged, row["setting"], guidance, OBEYED[1]) for row in ranged}
    ends = [f"{kept[name]:.0f}% ({name})" for name in (min(kept, key=kept.get), max(kept, key=kept.get))]
    return f"With {guidance} the rule is kept in {ends[0]} to {ends[1]} of samples."


def strength(guidance: str) -> float:
    """The scale of `CFG 1.5`; 1 unguided."""
    return 1.0 if guidance == UNGUIDED else float(guidance.split()[-1])


def claims(folder: Path) -> list[str]:
    """Every claim with its outcome, and the effect that decided it."""
    verdicts = json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))
    lines = [[one["claim"], one["outcome"], effect(one)] for one in verdicts]
    counts = sorted(Counter(one["outcome"] for one in verdicts).items())
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts)
    heads = ["claim", "outcome", "effect (95% interval)"]
    return [f"{len(verdicts)} claims: {told}.", "", *drawn(heads, lines)]


def effect(one: dict) -> str:
    """`1.25 (1.20 to 1.31)`; exact where it has no interval, and what would decide where it is not decided."""
    if one["effect"] is None:
        return "–"
    if one["seeds"] is None:
        return f"{one['effect']:.3g}, exact"
    found = f"{one['effect']:.3g}" + (f" ({one['low']:.3g} to {one['high']:.3g})" if one["low"] is not None else "")
    return f"{found}; {one['seeds_needed']} seeds would do" if one["seeds_needed"] else found


def of_range(folder: Path, rows: list[dict]) -> list[dict]:
    """The rows of study guidance_range, its settings called as README's are: more factors call them more."""
    names = {row["run"]: row["setting"] for row in [*rows_of(folder, ("backbone",)), *rows]}
    return [{**row, "setting": names.get(row["run"], row["setting"])} for row in rows_of(folder, (RANGE,))]


def found_in_the_evening(folder: Path) -> str:
    """The tables of README."""
    rows = rows_of(folder)
    ranged = of_range(folder, rows)
    tables = [table(rows, ranged), smaller(rows), by_drop(rows_of(folder, ("drop_ratio",)))]
    return "\n".join([line for part in [*tables, strongest(rows, ranged), claims(folder)] for line in [*part, ""]])


def between_marks(text: str) -> tuple[int, int]:
    first, last = (text.index(mark) for mark in MARKS)
    return first + len(MARKS[0]), last


def test_readme_quotes_the_reference_results():
    """What README found is what its files hold."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    first, last = between_marks(text)
    assert text[first:last] == found_in_the_evening(ROOT / EVENING), "python tests/test_readme.py writes it anew"


def test_readme_says_that_a_claim_would_be_open_at_the_best_guidance():
    folder = ROOT / EVENING
    _, (low, high) = mixed(of_range(folder, rows_of(folder)))
    assert low < 0 < high
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert "there the claim about mixing patches would be open" in text


def test_readme_quotes_the_measured_speed(repository):
    """Every row of the README's table of speed is a row of the committed JSON, rounded as shown."""
    text = (repository / "README.md").read_text(encoding="utf-8")
    training = json.loads(sorted((repository / SPEED).glob("*-cpu-train.json"))[-1].read_text())
    known = {f"{row['label']} as dense, training": row for row in [*training["plain"], *training["rows"]]}
    quoted = re.findall(r"^\| (.+? as .+?) \| ([\d.]+) \| ([\d.]+) \|$", text, re.M)
    assert len(quoted) == 7
    for name, measured, modelled in quoted:
        row = known[name]
        assert measured == f"{row['speedup_measured']['median']:.2f}", name
        assert modelled == f"{row['speedup_modelled']:.2f}", name
        assert f"medians of {row['step_seconds']['repeats']} turns" in text and f"{row['batch']} images a step" in text


if __name__ == "__main__":
    readme = ROOT / "README.md"
    whole = readme.read_text(encoding="utf-8")
    begin, end = between_marks(whole)
    readme.write_text(whole[:begin] + found_in_the_evening(ROOT / EVENING) + whole[end:], encoding="utf-8")


def test_every_preset_that_the_pages_name_exists(repository):
    """A command that is copied from README or docs finds the preset it names."""
    pages = [repository / "README.md", *sorted((repository / "docs").glob("*.md"))]
    named = {
        name for page in pages for name in re.findall(r"preset=(?!my)([a-z0-9_]+)", page.read_text(encoding="utf-8"))
    }
    assert named and named <= {path.stem for path in (repository / "workflow/presets").glob("*.yaml")}
