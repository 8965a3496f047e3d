"""The README's figures are those of the files that it names."""

import csv
import json
import re
import statistics
from pathlib import Path

REFERENCE = Path("results/reference/digits/methods.csv")
SPEED = Path("results/reference/speed")


def test_readme_quotes_the_reference_results(repository):
    """Every row of the README's table is the mean over seeds of the committed CSV, rounded as shown."""
    rows = list(csv.DictReader((repository / REFERENCE).read_text(encoding="utf-8").splitlines()))
    guided = next(row["guidance"] for row in rows if row["guidance"] != "unguided")

    def mean(setting: str, guidance: str, column: str) -> float:
        return statistics.mean(
            float(row[column]) for row in rows if (row["setting"], row["guidance"]) == (setting, guidance)
        )

    text = (repository / "README.md").read_text(encoding="utf-8")
    quoted = re.findall(r"^\| (.+?) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+)% \|$", text, re.M)
    assert {setting for setting, *_ in quoted} == {row["setting"] for row in rows}
    dense = mean(quoted[0][0], "unguided", "train_flop")
    for setting, flop, unguided, with_guidance, classified in quoted:
        assert flop == f"{mean(setting, 'unguided', 'train_flop') / dense:.2f}"
        assert unguided == f"{mean(setting, 'unguided', 'fd/digits-cnn'):.2f}"
        assert with_guidance == f"{mean(setting, guided, 'fd/digits-cnn'):.2f}"
        assert classified == f"{100 * mean(setting, guided, 'accuracy'):.1f}"


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
