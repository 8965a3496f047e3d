"""Clocks that jump, results that are moved, locales without UTF-8, and paths with spaces and umlauts."""

import ast
import json
import os
import shutil
import subprocess
import sys

import pytest
import trial

ODD = "Übung mit Leerzeichen, 'Zeichen' & Ähnlichem"
PLAIN = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
WILD_CLOCK = """
import itertools, time
jumps = itertools.cycle([0, -86400 * 400, 3.2e8, -5, 7200])
real = time.time
time.time = lambda: real() + next(jumps)
time.time_ns = lambda: int(time.time() * 1e9)
"""


@pytest.mark.fault(
    "a clock that jumps by years, to and fro, at every look", "the same bits, durations as long as they were"
)
def test_a_clock_that_jumps(project, tmp_path, whole):
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(WILD_CLOCK)
    done = project.train(PYTHONPATH=str(tmp_path / "clock"))
    assert done.status == 0 and trial.weights(project.run_folder) == whole
    ended = json.loads((project.run_folder / "train.json").read_text())
    marks = [mark["seconds"] for mark in ended["milestones"]]
    assert 0 < marks[0] <= marks[1] <= ended["seconds"] < 300


@pytest.mark.fault("durations measured by a clock that can be set", "none in the whole package")
def test_no_duration_is_measured_by_the_clock_on_the_wall():
    wall = {"time", "time_ns", "now", "utcnow", "today"}
    for path in sorted((trial.ROOT / "sprint").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") in ("time", "datetime", "date"):
                assert node.attr not in wall, f"{path.name}, line {node.lineno}: time.{node.attr}"


@pytest.mark.fault("file times of the future or of 1980", "a finished training is not done again")
@pytest.mark.parametrize("moment", [4102444800, *trial.times([], [315532800])])
def test_file_times_that_lie(moment, project, sprint, snakemake):
    assert sprint(project.folder, *project.train_command).status == 0
    for path in project.results.rglob("*"):
        os.utime(path, (moment, moment))
    target = str((project.run_folder / "train.json").relative_to(project.folder))
    done = snakemake("-n", "--config", f"preset={project.preset}", "--", target, cwd=project.folder)
    assert done.returncode == 0 and "Nothing to be done" in done.stdout + done.stderr, done.stderr


@pytest.mark.fault("results and project moved to another path between two sittings", "goes on there; the same bits")
def test_moved_in_the_middle(project, sprint, monkeypatch, tmp_path, whole):
    trial.interrupt(monkeypatch, 40)
    assert sprint(project.folder, *project.train_command).status == 75
    folder, run_folder = tmp_path / ODD, project.run_folder.relative_to(project.folder)
    shutil.move(project.folder, folder)
    shutil.move(folder / "results", tmp_path / "results elsewhere")
    (folder / "results").symlink_to(tmp_path / "results elsewhere")
    done = sprint(folder, *project.train_command)
    assert done.status == 0 and trial.weights(folder / run_folder) == whole
    for path in (folder / run_folder).rglob("*.json"):
        assert str(tmp_path) not in path.read_text(encoding="utf-8"), f"{path} holds a path of this machine"


LOCALES = {"without UTF-8": (PLAIN, "scratch", "one"), "C": ({"LC_ALL": "C", "LANG": "C"}, "maß", "größe")}


@pytest.fixture(params=trial.times(["without UTF-8"], list(LOCALES)))
def odd_clone(request, tmp_path, workspace) -> tuple[trial.Project, dict]:
    """The code itself and a project of it in a folder whose name tries everything, and a locale."""
    environment, preset, study = LOCALES[request.param]
    shutil.copytree(trial.ROOT / "sprint", tmp_path / ODD / "sprint", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(workspace, tmp_path / ODD, dirs_exist_ok=True)
    project = trial.Project(tmp_path / ODD)
    project.write("ablations/one.yaml", trial.STUDY | {"title": "Größe <b>&</b> Maß", "question": "Wie groß? …"})
    (project.folder / "ablations/one.yaml").rename(project.folder / f"ablations/{study}.yaml")
    text = (project.folder / "workflow/presets/scratch.yaml").read_text(encoding="utf-8").replace("- one", f"- {study}")
    (project.folder / f"workflow/presets/{preset}.yaml").write_text(text, encoding="utf-8")
    project.preset = preset
    return project, environment


@pytest.mark.fault(
    "spaces, quotes and umlauts in the path of the clone, locales without UTF-8",
    "list, show, workflow and report work; the same bits",
)
def test_odd_path_in_a_plain_locale(odd_clone, snakemake, whole):
    project, environment = odd_clone
    preset = ("--preset", project.preset)
    shown = trial.ended(project.start("show", project.run.name, *preset, **environment))
    assert shown.status == 0 and "method: sprint" in shown.out, shown
    target = str((project.run_folder / "train.json").relative_to(project.folder))
    done = snakemake("--config", f"preset={project.preset}", "--", target, cwd=project.folder, env=environment)
    assert done.returncode == 0, done.stderr
    assert trial.weights(project.run_folder) == whole
    for command in ("list", "report"):
        ended = trial.ended(project.start(command, *preset, **environment))
        assert ended.status == 0, ended
    page = (project.folder / "reports" / project.preset / "report.html").read_text(encoding="utf-8")
    assert "Größe &lt;b&gt;&amp;&lt;/b&gt; Maß" in page and "<b>&</b>" not in page


@pytest.mark.fault("arguments that are not text in the locale", "one sentence, exit status 2")
def test_arguments_that_are_no_text(project):
    for environment in trial.times([PLAIN], [PLAIN, {}]):
        command = [sys.executable, "-m", "sprint.cli", "show", b"\xff\xc3 \xe2\x82", "--preset", project.preset]
        scripts = {"OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
        done = subprocess.run(command, cwd=project.folder, env=os.environ | scripts | environment, capture_output=True)
        assert done.returncode == 2 and b"Traceback" not in done.stderr and done.stderr.count(b"\n") == 1
