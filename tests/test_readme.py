"""The README's figures are those of the files that it names."""

import csv
import re
import statistics
from pathlib import Path

REFERENCE = Path("results/reference/digits/methods.csv")


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
