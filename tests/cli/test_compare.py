"""`sprint compare`: all seeds of two settings, paired; settings that were not evaluated alike are refused."""

import pytest
import tiny
from fake_results import evaluation

from sprint.cli.answers.compare import evaluations_of, print_comparison, rows_of
from sprint.plan.reading import load_plan
from sprint.runtime.errors import UserError
from sprint.runtime.results import METRICS


def write(results, run, entries):
    document = {"run": run.name, "state": "done", "reason": "", "evaluations": entries}
    METRICS.write(results / "runs" / run.name / "metrics.json", document)


@pytest.fixture
def evaluated(tmp_path):
    """Preset digits with made evaluations of dense and SPRINT, all seeds: (plan, results, dense, sprint)."""
    plan = load_plan("digits", tiny.ROOT)
    runs = {
        method: [run for run in plan.study("methods").runs if run.method == method] for method in ("dense", "sprint")
    }
    for method, distance in (("dense", 40.0), ("sprint", 44.0)):
        for run in runs[method]:
            entries = [evaluation(50, "none", 1.0, 99.0), evaluation(100, "none", 1.0, distance + run.seed)]
            for entry in entries:
                value = entry["metrics"]["fd/digits-cnn"]
                entry["bootstrap"] = {"fd/digits-cnn": [value + 1 + 0.1 * (number % 7) for number in range(50)]}
            write(tmp_path, run, entries)
    return plan, tmp_path, runs["dense"], runs["sprint"]


def test_all_seeds_of_both_settings_are_compared_at_their_last_step(evaluated, capsys):
    plan, results, dense, sprint = evaluated
    sides = [evaluations_of(plan, results, runs[-1]) for runs in (dense, sprint)]
    assert sorted(sides[0]) == sorted(run.seed for run in dense)
    row = next(row for row in rows_of(*sides) if row[1] == "fd/digits-cnn")
    assert row[4].startswith("1.10× [") and row[5:] == [str(len(dense))]
    print_comparison(plan, results, dense[0].name, sprint[0].name)
    assert "95% interval" in capsys.readouterr().out


def test_the_second_is_held_against_the_first_as_in_the_report_and_shares_by_their_difference(evaluated):
    """An accuracy of 95.1% against 95.6% is half a point less, not a ratio of .995."""
    plan, results, dense, sprint = evaluated
    sides = [evaluations_of(plan, results, runs[-1]) for runs in (dense, sprint)]
    there = next(row for row in rows_of(*sides) if row[1] == "accuracy")
    back = next(row for row in rows_of(*reversed(sides)) if row[1] == "accuracy")
    assert there[4].startswith("-0.4 points [") and back[4].startswith("+0.4 points [")
    assert next(row for row in rows_of(*reversed(sides)) if row[1] == "fd/digits-cnn")[4].startswith("0.91× [")


def test_other_ways_of_evaluating_are_refused_and_named(evaluated):
    plan, results, dense, sprint = evaluated
    entry = evaluation(100, "none", 1.0, 44.0, images=40)
    write(results, sprint[0], [entry])
    with pytest.raises(UserError, match="not comparable: their evaluations differ in images 640 and 40"):
        print_comparison(plan, results, dense[0].name, sprint[0].name)


def test_one_seed_has_no_interval(evaluated, capsys):
    plan, results, dense, sprint = evaluated
    for run in sprint[1:]:
        (results / "runs" / run.name / "metrics.json").unlink()
    print_comparison(plan, results, dense[0].name, sprint[0].name)
    out = capsys.readouterr().out
    assert "one seed in common: no interval" in out


def test_a_run_without_evaluation_is_named_with_its_command(evaluated):
    plan, results, dense, _ = evaluated
    other = next(run for run in plan.study("methods").runs if run.method == "tokendrop")
    with pytest.raises(UserError, match=f"{other.name}.*is not evaluated yet; first: snakemake"):
        print_comparison(plan, results, dense[0].name, other.name)
