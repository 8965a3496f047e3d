"""The gate: what a preset can test, from the numbers of study `control` and of losses with the deep part skipped."""

import html

import pytest
from fake_results import STEPS, evaluation, make_run, study

from sprint.report import render_index
from sprint.report.judging.gate import gate_of
from sprint.report.read import read_study
from sprint.report.views.gate import sentences
from sprint.runtime.files import read_json, write_json

CNN = "fd/digits-cnn"


def written(results, run: str, value: float, more: dict) -> None:
    """One unguided evaluation of a run."""
    entry = evaluation(STEPS, "none", 1.0, value)
    entry["metrics"] = {name: one for name, one in entry["metrics"].items() if name in (CNN, "accuracy")} | more
    write_json(results / "runs" / run / "metrics.json", {"run": run, "state": "done", "evaluations": [entry]})


def control(results, depths: dict, more: dict | None = None) -> dict:
    """The plan of study `control`: networks that drop nothing by depth, the first as the preset has it."""
    names = []
    for depth, values in depths.items():
        for seed, value in enumerate(values):
            run = make_run(results, "dense", 0.0, seed, value, split=[depth])
            path = results / "runs" / run / "config.json"
            about, apart = read_json(path), {} if depth == next(iter(depths)) else {"depth": depth}
            about |= {"label": about["label"] + (f", depth {depth}" if apart else ""), "overrides": apart}
            write_json(path, about | {"subsampling": "", "model": about["model"] | {"depth": depth}})
            written(results, run, value, more or {})
            names.append(run)
    return study("control", names, ["method", "model.depth"])


def read(results, plan: dict):
    return read_study("digits", results, plan)


def test_the_shallowest_network_is_held_against_the_full_one(tmp_path):
    plan = control(tmp_path, {6: (40.0, 41.0, 40.5), 2: (60.0, 62.0, 61.0), 4: (44.0, 45.0, 44.0)})
    gate = gate_of([read(tmp_path, plan)])
    assert (gate.why, gate.few, gate.full) == ("", "Dense 0%, depth 2", "Dense 0%, depth 6")
    assert gate.effects[CNN].value == pytest.approx(1.506, abs=2e-3)
    assert gate.refuses(CNN) == ""
    assert (
        "Depth matters to this task: Dense 0%, depth 2 is surely worse than Dense 0%, depth 6 in FD (digits-cnn) (1.51×"
        in (sentences(gate)[0].replace("FD (digits-cnn) 1.51×", "FD (digits-cnn) (1.51×"))
    )


def test_where_few_blocks_do_as_well_nothing_about_the_deep_path_is_testable(tmp_path):
    plan = control(tmp_path, {6: (40.0, 41.0, 40.5), 2: (40.5, 40.8, 40.3)})
    gate = gate_of([read(tmp_path, plan)])
    assert "Dense 0%, depth 2 does as well as Dense 0%, depth 6 in FD (digits-cnn)" in gate.refuses(CNN)
    assert "cannot be told from Dense 0%, depth 6" in sentences(gate)[0]


@pytest.mark.parametrize(("few", "full"), [((60.0,), (40.0, 41.0)), ((60.0, 62.0), (40.0,))])
def test_one_seed_does_not_open_the_gate(tmp_path, few, full):
    gate = gate_of([read(tmp_path, control(tmp_path, {6: full, 2: few}))])
    assert gate.refuses(CNN) and gate.effects[CNN].low is None


def test_what_is_missing_is_said_and_testable_is_nothing(tmp_path):
    assert "is not part of this report" in gate_of([]).refuses(CNN)
    alone = gate_of([read(tmp_path, control(tmp_path, {6: (40.0, 41.0)}))])
    assert "has no network with fewer blocks" in alone.refuses(CNN)
    both = control(tmp_path, {6: (40.0, 41.0), 2: (60.0, 61.0)})
    assert "no KID (digits-cnn)" in gate_of([read(tmp_path, both)]).refuses("kid/digits-cnn")


def skipped(results, differences: tuple) -> dict:
    """The plan of a study of one setting whose loss is so much higher with the deep part skipped, by seed."""
    names = []
    for seed, difference in enumerate(differences):
        run = make_run(results, "sprint", 0.75, seed, 40.0)
        loss = 0.5 + 0.01 * seed
        written(results, run, 40.0, {"held_out_loss": loss, "held_out_loss_skipped": loss + difference})
        names.append(run)
    return study("methods", names, ["method", "drop"])


@pytest.mark.parametrize(
    ("differences", "said"),
    [
        ((0.030, 0.031, 0.029), "SPRINT 75% uses its deep part: skipped, its {} is 0.03"),
        ((0.001, -0.004, 0.002), "SPRINT 75% makes no sure use of its deep part"),
        ((0.03,), "SPRINT 75%: one seed says nothing"),
    ],
)
def test_what_skipping_does_is_told_with_its_interval(tmp_path, differences, said):
    gate = gate_of([read(tmp_path, skipped(tmp_path, differences))])
    (skip,) = gate.skips
    assert skip.effect.value == pytest.approx(sum(differences) / len(differences))
    assert sentences(gate)[-1].startswith(said.format("held-out loss"))


def test_the_gate_is_told_on_the_first_screen_before_every_result(tmp_path):
    plan = control(tmp_path, {6: (40.0, 41.0, 40.5), 2: (60.0, 62.0, 61.0)})
    render_index("digits", tmp_path, [plan], tmp_path / "index.html")
    first, claims = (html.unescape((tmp_path / name).read_text("utf-8")) for name in ("index.html", "claims.html"))
    assert first.index("Depth matters to this task") < first.index("Leaderboard")
    assert "Few blocks against all" in claims
