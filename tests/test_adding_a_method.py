"""README's example, whole: one method file and one study entry, and the new method is trained, judged and reported."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest


def readme_example(readme: Path) -> dict[str, str]:
    """Path -> content of the files that README's section on adding a method shows, each named just before its block."""
    section = readme.read_text(encoding="utf-8").partition("## Adding a method")[2].partition("\n## ")[0]
    blocks = re.findall(
        r"`((?:sprint|ablations)/[\w/]+\.(?:py|yaml))`[^`]*```(?:python|yaml)\n(.*?)^```", section, re.M | re.S
    )
    return dict(blocks)


@pytest.fixture
def checkout(repository, tmp_path) -> Path:
    """A copy of what belongs to the repository, committed, so that git tells what is new."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout, so what belongs to the repository is not known")
    folder = tmp_path / "copy"
    for name in filter(None, listing.stdout.split("\0")):
        if (repository / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repository / name, folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "-m", "before")
    return folder


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_a_method_is_one_file_and_one_study(checkout, snakemake):
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
