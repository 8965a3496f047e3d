"""The README's figures are those of the files that it names.

Between two marks of README stands what results/reference/digits/*.csv hold; `python tests/test_readme.py` writes it.
"""

import csv
import json
import re
import statistics
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIGITS = Path("results/reference/digits")
SPEED = Path("results/reference/speed")
MARKS = ("<!-- from methods.csv and method_by_drop.csv by tests/test_readme.py -->\n", "<!-- end -->\n")
DENSE, OURS, UNGUIDED, FD = "dense (DiT/SiT)", "SPRINT 75%", "unguided", "fd/digits-cnn"


class Means:
    """The means over seeds of one committed CSV."""

    def __init__(self, path: Path):
        self.rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        known = {row["guidance"] for row in self.rows}
        self.guidances = sorted(known, key=lambda name: (name != UNGUIDED, name))
        sparse = {row["setting"] for row in self.rows} - {DENSE}
        self.settings = [DENSE, *sorted(sparse, key=lambda setting: (self.best(setting)[0], setting))]

    def of(self, setting: str, guidance: str, column: str = FD) -> float:
        rows = [row for row in self.rows if (row["setting"], row["guidance"]) == (setting, guidance)]
        return statistics.mean(float(row[column]) for row in rows)

    def best(self, setting: str) -> tuple[float, str]:
        """The lowest FD of a setting and the guidance that gives it."""
        return min((self.of(setting, guidance), guidance) for guidance in self.guidances)

    def share(self, setting: str) -> float:
        """Training FLOP over those of dense."""
        return self.of(setting, UNGUIDED, "train_flop") / self.of(DENSE, UNGUIDED, "train_flop")


def under(guidance: str) -> str:
    return guidance if guidance == UNGUIDED else f"with {guidance}"


def found_on_digits(folder: Path) -> str:
    """The table and the sentences of README, of whatever guidances the files have."""
    means, drops = Means(folder / "methods.csv"), Means(folder / "method_by_drop.csv")
    return "\n".join([*table(means), "", *sentences(means), "", *along_drop_ratios(drops), ""])


def table(means: Means) -> list[str]:
    heads = ["setting", "training FLOP / dense", *means.guidances, "lowest FD, at"]
    rows = []
    for setting in means.settings:
        cells = [
            f"{means.of(setting, guidance):.2f} · {100 * means.of(setting, guidance, 'accuracy'):.1f}%"
            for guidance in means.guidances
        ]
        lowest, guidance = means.best(setting)
        rows.append([setting, f"{means.share(setting):.2f}", *cells, f"{lowest:.2f}, {guidance}"])
    return [f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows)]


def sentences(means: Means) -> list[str]:
    """The best sparse method and SPRINT beside dense: under each guidance, and each at its own best."""
    found = [
        beside_dense(means, under(guidance), {name: means.of(name, guidance) for name in means.settings})
        for guidance in means.guidances
    ]
    best = {name: means.best(name)[0] for name in means.settings}
    return [
        "Beside the dense model, in FD:",
        "",
        *found,
        beside_dense(means, "each with the guidance that suits it best", best),
    ]


def beside_dense(means: Means, how: str, values: dict[str, float]) -> str:
    first = min((name for name in values if name != DENSE), key=values.__getitem__)
    shown = dict.fromkeys((first, OURS))
    parts = [
        f"{name} {values[name] / values[DENSE]:.2f}× at {means.share(name):.2f} of the training FLOP" for name in shown
    ]
    return f"- {how}: {'; '.join(parts)}."


def along_drop_ratios(means: Means) -> list[str]:
    """Unguided, from the lowest to the highest ratio, of the methods that have several."""
    ratios: dict[str, list[tuple[float, float]]] = {}
    for setting in means.settings[1:]:
        name, _, ratio = setting.rpartition(" ")
        ratios.setdefault(name, []).append((float(ratio.rstrip("%")), means.of(setting, UNGUIDED)))
    ends = {name: (min(points), max(points)) for name, points in ratios.items() if len(points) > 1}
    low, high = (f"{sorted({pair[end][0] for pair in ends.values()})[0]:g}%" for end in (0, 1))
    grown = sorted(ends.items(), key=lambda one: one[1][1][1] / one[1][0][1])
    text = ", ".join(f"{name} {pair[0][1]:.2f} to {pair[1][1]:.2f}" for name, pair in grown)
    dense = means.of(DENSE, UNGUIDED)
    return [f"From {low} to {high} of the tokens dropped, FD unguided (one seed; dense {dense:.2f}): {text}."]


def between_marks(text: str) -> tuple[int, int]:
    first, last = (text.index(mark) for mark in MARKS)
    return first + len(MARKS[0]), last


def test_readme_quotes_the_reference_results():
    """What README found on digits is what its files hold, guidance by guidance, and best against best apart."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    first, last = between_marks(text)
    assert text[first:last] == found_on_digits(ROOT / DIGITS), "python tests/test_readme.py writes it anew"


def test_readme_copes_with_other_guidances(tmp_path):
    """A file with one guidance more gives a column more; best is taken among all, and dense is at its own."""
    columns = ["setting", "guidance", FD, "accuracy", "train_flop"]
    values = {DENSE: (0.7, 0.5, 1.0), OURS: (1.9, 1.3, 1.2), "TREAD 75%": (1.6, 1.2, 1.3), "TREAD 25%": (1.0, 0.9, 0.8)}
    lines = [
        ",".join([name, guidance, str(value), "0.9", "1" if name == DENSE else "0.6"])
        for name, found in values.items()
        for guidance, value in zip((UNGUIDED, "CFG 1.25", "CFG 1.5"), found, strict=True)
    ]
    for name in ("methods.csv", "method_by_drop.csv"):
        (tmp_path / name).write_text("\n".join([",".join(columns), *lines]), encoding="utf-8")
    text = found_on_digits(tmp_path)
    assert "| dense (DiT/SiT) | 1.00 | 0.70 · 90.0% | 0.50 · 90.0% | 1.00 · 90.0% | 0.50, CFG 1.25 |" in text
    assert "- with CFG 1.25: TREAD 25% 1.80× at 0.60 of the training FLOP; SPRINT 75% 2.60×" in text
    assert "best: TREAD 25% 1.60× at 0.60 of the training FLOP; SPRINT 75% 2.40×" in text
    assert "TREAD 1.00 to 1.60" in text


def test_readme_quotes_the_measured_speed(repository):
    """Every row of the README's table of speed is a row of the committed JSON, rounded as shown."""
    text = (repository / "README.md").read_text(encoding="utf-8")
    training, sampling = (
        json.loads(sorted((repository / SPEED).glob(f"*-cpu-{what}.json"))[-1].read_text())
        for what in ("train", "sample")
    )
    known = {f"{row['label']} as dense, training": row for row in [*training["plain"], *training["rows"]]}
    (known["PDG as CFG, sampling"],) = [row for row in sampling["rows"] if row["guidance"] == "pdg"]
    quoted = re.findall(r"^\| (.+? as .+?) \| ([\d.]+) \| ([\d.]+) \|$", text, re.M)
    assert len(quoted) == 8
    for name, measured, modelled in quoted:
        row = known[name]
        assert measured == f"{row['speedup_measured']['median']:.2f}", name
        assert modelled == f"{row['speedup_modelled']:.2f}", name
        assert f"medians of {row['step_seconds']['repeats']} turns" in text and f"{row['batch']} images a step" in text


if __name__ == "__main__":
    readme = ROOT / "README.md"
    whole = readme.read_text(encoding="utf-8")
    begin, end = between_marks(whole)
    readme.write_text(whole[:begin] + found_on_digits(ROOT / DIGITS) + whole[end:], encoding="utf-8")


def test_every_preset_that_the_pages_name_exists(repository):
    """A command that is copied from README or docs finds the preset it names."""
    pages = [repository / "README.md", *sorted((repository / "docs").glob("*.md"))]
    named = {
        name for page in pages for name in re.findall(r"preset=(?!my)([a-z0-9_]+)", page.read_text(encoding="utf-8"))
    }
    assert named and named <= {path.stem for path in (repository / "workflow/presets").glob("*.yaml")}
