"""A forecast is work over speed: arithmetic that can be followed, work that the cost knows, times that came true."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import tiny

from sprint.bench.workload import work_of
from sprint.cli.answers.forecast import print_forecast
from sprint.cost.forecast import Part, Work, at_rate, forecast, from_file
from sprint.diffusion.samplers import SAMPLERS
from sprint.plan.budget import cost_of
from sprint.plan.training import Passes
from sprint.runtime.errors import UserError

RECORDED = Path(__file__).parent / "recorded" / "digits.json"
WORK = Work(
    run="a",
    label="A",
    method="dense",
    parts=[Part("train", 1000, 3e9), Part("finetune", 100, 6e9), Part("sample_none", 50, 2e9)],
    parameters=10**6,
    activations=5 * 10**6,
    milestones=2,
    evaluations=700,
)


def study_file(folder, **runs) -> Path:
    """As `sprint bench study` writes it, as far as it is read."""
    about = {"machine": {"processor": "P", "gpu": "none"}, "threads": 1, "batch": 8}
    speeds = {run: {what: {"median": speed} for what, speed in found.items()} for run, found in runs.items()}
    path = folder / "study.json"
    path.write_text(json.dumps({**about, "runs": speeds}))
    return path


def test_at_a_rate_time_is_flops_over_it_and_bytes_are_those_of_the_state():
    found = forecast(WORK, at_rate(0.5))
    assert found.training_hours * 3600 == pytest.approx((1000 * 3e9 + 100 * 6e9) / 0.5e12)
    assert found.evaluation_hours * 3600 == pytest.approx(50 * 2e9 / 0.5e12)
    assert found.memory == 20 * 10**6 + 5 * 10**6 and found.checkpoints == 48 * 10**6
    assert found.kept == 2 * 4 * 10**6 + 700 and not found.measured


def test_what_was_measured_of_a_run_itself_counts_and_the_rest_takes_the_time_of_its_flops(tmp_path):
    speed = from_file(study_file(tmp_path, a={"train": 10.0, "finetune": 5.0}), [WORK])
    found = forecast(WORK, speed)
    assert found.training_hours * 3600 == pytest.approx(1000 / 10 + 100 / 5) and not found.measured
    assert found.evaluation_hours * 3600 == pytest.approx(50 * 2e9 / 3e10)  # both stages were measured at 3e10 FLOP/s
    whole = from_file(study_file(tmp_path, a={"train": 10.0, "finetune": 5.0, "sample_none": 25.0}), [WORK])
    assert forecast(WORK, whole).evaluation_hours * 3600 == pytest.approx(2) and forecast(WORK, whole).measured


def test_speeds_by_method_are_those_of_the_bench_and_others_go_at_the_base_s(tmp_path):
    path = tmp_path / "train.json"
    row = {"batch": 8, "tokens": 256}
    rows = [row | {"method": "dense", "flops_per_second": 1e12}, row | {"method": "sprint", "flops_per_second": 5e11}]
    about = {"machine": {"processor": "P", "gpu": "G"}, "threads": 1, "model": {"width": 384}}
    path.write_text(json.dumps({**about, "rows": rows}))
    speed = from_file(path, [WORK])
    times = [forecast(replace(WORK, method=method), speed).hours for method in ("dense", "sprint", "tread")]
    assert times[1] == pytest.approx(2 * times[0]) and times[2] == times[0]


@pytest.mark.parametrize("content", ["[]", "{}", '{"runs": {"a": {"train": {}}}}', '{"rows": [{}]}', '{"runs": 3}'])
def test_any_other_file_is_refused_in_a_sentence(content, tmp_path):
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(UserError) as caught:
        from_file(path, [WORK])
    assert "sprint bench" in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(UserError, match="measured none of these runs"):
        from_file(study_file(tmp_path, b={"train": 1.0}), [WORK])


@pytest.mark.parametrize(("method", "drop"), [("dense", 0.0), ("sprint", 0.75)])
def test_the_work_of_a_run_is_what_its_cost_counts(method, drop):
    run, preset = tiny.run(method, drop), tiny.smoke()
    work, cost = work_of(run, preset, [], 1), cost_of(run)
    training = [part for part in work.parts if part.what in ("train", "finetune")]
    assert sum(part.images * part.flops for part in training) == cost["train_flops"]
    sampling = {part.what: part for part in work.parts if part not in training}
    calls = 2 * preset.evaluate.sampler.steps - 1  # of Heun, whose last step makes one
    assert isinstance(preset.evaluate.sampler, SAMPLERS["heun"])
    none, cfg = sampling["sample_none"], sampling["sample_cfg"]
    assert none.images == 2 * calls * preset.evaluate.images and cfg.images == calls * preset.evaluate.images
    assert none.flops == 2 * cost["forward_macs"] and cfg.flops == 2 * none.flops
    assert work.parameters == cost["params"]


def test_passes_and_devices_shrink_the_activations_and_recomputing_costs_a_third_more():
    run, preset = tiny.run("dense", 0.0, depth=6), tiny.smoke()
    small = replace(preset, passes=Passes(micro_batch=4))
    again = replace(preset, passes=Passes(recompute=True))
    whole = work_of(run, preset, [], 1)
    assert work_of(run, small, [], 1).activations == work_of(run, preset, [], 4).activations == whole.activations / 4
    assert work_of(run, again, [], 1).activations < whole.activations / 2
    hours = [forecast(work_of(run, one, [], 1), at_rate(1)).training_hours for one in (again, preset)]
    assert hours[0] == pytest.approx(4 / 3 * hours[1])


def test_training_times_of_digits_came_true_within_a_quarter():
    """Steps were timed one by one in processor time, trainings by the clock; both on one thread of one machine."""
    recorded = json.loads(RECORDED.read_text())
    assert len(recorded["took_seconds"]) >= 8
    for run, took in recorded["took_seconds"].items():
        speeds, images = recorded["runs"][run], recorded["images"][run]
        parts = [Part(what, count, 1.0) for what, count in images.items()]
        work = replace(WORK, run=run, parts=parts)
        found = forecast(work, from_file(RECORDED, [work]))
        assert set(speeds) == set(images)
        assert found.training_hours * 3600 == pytest.approx(took, rel=0.25), run


def test_the_command_prints_hours_and_what_they_assume(capsys, monkeypatch):
    monkeypatch.chdir(tiny.ROOT)
    print_forecast("dense_depth", "smoke", 2, 0.1, None, False)
    shown = capsys.readouterr().out
    assert "SPRINT 75%" in shown and "0.1 TFLOP/s of each device" in shown and "hours on 2" in shown
    print_forecast("dense_depth", "smoke", 2, 0.1, None, True)
    found = json.loads(capsys.readouterr().out)
    assert found["devices"] == 2 and len(found["runs"]) == 3 and all(run["hours"] > 0 for run in found["runs"])


@pytest.mark.parametrize(("rate", "bench"), [(None, None), (1.0, Path("x")), (0.0, None), (-1.0, None)])
def test_a_rate_or_a_file_is_asked_for(rate, bench):
    with pytest.raises(UserError, match="--rate"):
        print_forecast("", "smoke", 0, rate, bench, False)


def test_the_arithmetic_loads_no_torch():
    code = "import sys, sprint.cost.forecast; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
