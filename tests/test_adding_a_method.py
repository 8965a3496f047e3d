"""README's example, whole: one method file and one study entry, and the new method is trained, judged and reported."""

import re
from pathlib import Path

import pytest


def readme_example(readme: Path) -> dict[str, str]:
    """Path -> content of the files that README's section on adding a method shows, each named just before its block."""
    section = readme.read_text(encoding="utf-8").partition("## Adding a method")[2].partition("\n## ")[0]
    blocks = re.findall(
        r"`((?:sprint|ablations)/[\w/]+\.(?:py|yaml))`[^`]*```(?:python|yaml)\n(.*?)^```", section, re.M | re.S
    )
    return dict(blocks)


def test_a_method_is_one_file_and_one_study(checkout, git, snakemake):
    """The copy's own package is run: `python -m` and PYTHONPATH find it before the one that is installed."""
    if not (checkout / "README.md").exists():
        pytest.skip("README.md is not in the repository yet")
    files = readme_example(checkout / "README.md")
    method, study = sorted(files, reverse=True)
    assert method.startswith("sprint/methods/") and study.startswith("ablations/")
    for name, content in files.items():
        (checkout / name).write_text(content, encoding="utf-8")
    target = Path(study).stem
    done = snakemake(target, "--config", "preset=smoke", cwd=checkout, env={"PYTHONPATH": str(checkout)})
    assert done.returncode == 0, done.stdout + done.stderr
    page = (checkout / f"reports/smoke/{target}.html").read_text(encoding="utf-8")
    (title,) = re.findall(r'title = "(.+)"', files[method])
    assert title in page and "missing: not trained yet" not in page
    trained = [path.name for path in (checkout / "results/smoke/runs").iterdir()]
    assert any(name.startswith(f"{Path(method).stem}-drop") for name in trained)
    assert git(checkout, "diff", "--stat") == ""
    assert sorted(git(checkout, "status", "--porcelain").split()) == sorted(["??", method, "??", study])
