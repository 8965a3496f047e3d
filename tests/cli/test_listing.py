"""`sprint list`: done means that the results are there; what is left and how long it takes; commands in one piece."""

import json
import sys
from pathlib import Path

import pytest

from sprint import __version__
from sprint.cli import main as cli
from sprint.cli.listing import is_done
from sprint.cli.remaining import ASKED, Remaining, about, remaining
from sprint.plan.outline import read_outline
from sprint.plan.targets import study_results

RESULTS = Path("results/smoke")


@pytest.fixture
def plan(workspace, monkeypatch):
    """The outline of preset smoke, from whose project the commands are called."""
    monkeypatch.chdir(workspace)
    return read_outline("smoke")


@pytest.fixture
def sprint(plan, monkeypatch, capsys):
    def call(*arguments) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sprint", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err

    return call


def put(path: str | Path, content: str = "{}") -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(content)


def took(job: str, run: str, seconds: float) -> None:
    """What Snakemake writes of a job, and the file that the job makes."""
    put(RESULTS / f"benchmarks/{job}-{run}.tsv", f"s\th:m:s\n{seconds}\t0:00:01\n")
    made = {"state": "done", "reason": "", "step": 20, "seconds": seconds}
    put(RESULTS / "runs" / run / {"train": "train.json", "evaluate": "metrics.json"}[job], json.dumps(made))


def line_of(text: str, study: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith(f"{study} ")]
    return line


def test_a_study_is_done_when_its_results_are_there_whatever_report_was_made_of_them(plan, sprint):
    study = plan.study("drop_ratio")
    paths = study_results(study, str(RESULTS))
    for path in paths:
        put(path)
    line = line_of(sprint("list", "--preset", "smoke")[1], "drop_ratio")
    assert f"{len(study.runs)}/{len(study.runs)}" in line and " yes " in line
    for path in paths:
        Path(path).unlink()
        assert not is_done(study, RESULTS)
        put(path)


def test_the_question_is_asked_and_commands_stay_in_one_piece_at_80_columns(plan, sprint, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out = sprint("list", "--preset", "smoke")[1]
    for study in plan.studies:
        assert " ".join(study.question.split()[:2]) in line_of(out, study.name)
    lines = [line.split(" ")[0] if "  " in line else line for line in out.splitlines()]
    assert [run.name for run in plan.runs if run.name not in lines] == []
    commands = [line for line in out.splitlines() if "snakemake" in line]
    assert len(commands) == 2 and all(len(line) < 80 and line.startswith("snakemake ") for line in commands)
    assert commands[0] == "snakemake --cores all --config preset=smoke"


def test_what_is_left_is_told_from_the_jobs_that_have_ended(plan):
    runs = [next(run for run in plan.runs if run.name.startswith(method)) for method in ("dense", "sprint", "tread")]
    names = [run.name for run in runs]

    def left(at_once: int) -> Remaining:
        return remaining(plan, runs, RESULTS, at_once)

    assert left(1) == Remaining(0, 0, 3, None)  # nothing ended yet: nothing to tell from
    took("train", names[0], 10)
    assert left(1) == Remaining(0, 0, 3, None)  # no evaluation ended yet
    took("evaluate", names[0], 4)
    assert left(1) == Remaining(1, 0, 2, 2 * (10 + 4))
    took("train", names[1], 30)
    assert left(1) == Remaining(1, 0, 2, 4 + (20 + 4))  # one evaluation; one of both jobs, as long as the median
    assert left(2).seconds == 14 and left(100).seconds == 14
    took("evaluate", names[1], 4)
    took("train", names[2], 1)
    took("evaluate", names[2], 4)
    assert left(2) == Remaining(3, 0, 0, 0)


def test_a_run_takes_as_long_as_those_of_its_method_for_as_many_images(plan):
    short = next(run for run in plan.runs if run.name.startswith("sprint-drop75-"))
    of_method = [run for run in plan.runs if run.name.startswith("sprint-drop75-")]
    long = max(of_method, key=lambda run: run.images_before())
    dense = next(run for run in plan.runs if run.name.startswith("dense-seed"))
    for run, seconds in ((dense, 500), (short, 10)):
        took("train", run.name, seconds)
        took("evaluate", run.name, 1)
    images = long.images_before() / short.images_before()
    assert images > 1
    assert remaining(plan, [long], RESULTS, 1).seconds == pytest.approx(10 * images + 1)


@pytest.mark.parametrize("seconds, said", [(40, "40 s"), (360, "6 min"), (12600, "3.5 h"), (0.2, "0 s")])
def test_times_are_told_in_their_unit(seconds, said):
    assert about(seconds) == said
    assert Remaining(1, 2, 3, seconds).sentence() == f"runs: 1 of 6 done, 2 running, 3 to come, about {said} left"
    assert "left" not in Remaining(1, 2, 3, None).sentence()
    assert Remaining(2, 0, 0, 0.0).sentence() == "runs: 2 of 2 done, 0 running, 0 to come"


def test_a_job_of_the_workflow_says_what_is_left_and_one_by_hand_does_not(plan, monkeypatch, capsys):
    from sprint.cli.remaining import say_remaining

    say_remaining("smoke", RESULTS)
    assert capsys.readouterr().out == ""
    monkeypatch.setenv(ASKED, json.dumps({"studies": ["paths"], "at_once": 2}))
    say_remaining("smoke", RESULTS)
    assert capsys.readouterr().out == "runs: 0 of 3 done, 0 running, 3 to come\n"


def test_the_version_is_printed(sprint):
    assert sprint("--version") == (0, f"sprint {__version__}\n", "")


def test_the_beginning_of_a_name_stands_for_the_only_run_that_begins_so(plan, sprint):
    names = [run.name for run in plan.runs]
    begins = {name: name.partition("-seed")[0] + "-" for name in names}
    whole = next(name for name in names if [other.startswith(begins[name]) for other in names].count(True) == 1)
    assert sprint("show", begins[whole], "--preset", "smoke") == sprint("show", whole, "--preset", "smoke")
    status, out, err = sprint("show", "sprint-drop75", "--preset", "smoke")
    assert status == 2 and out == "" and err.count("\n") == 1
    several = [name for name in names if name.startswith("sprint-drop75")]
    assert f"is the beginning of {len(several)} names: {several[0]}, " in err
    assert "nearest" in sprint("show", f"{whole}x", "--preset", "smoke")[2]
