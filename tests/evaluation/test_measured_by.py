"""What code and torch measured an evaluation is recorded with it, told where it is not today's, and measures anew."""

import json
import os
import re
import shutil
import threading
from dataclasses import replace

import damage
import pytest
import tiny

from sprint.evaluation.reference import make_reference
from sprint.evaluation.runs import evaluate
from sprint.evaluation.sampling import trained_here
from sprint.metrics.networks import training
from sprint.plan.reading import load_plan
from sprint.runtime import code
from sprint.runtime.lock import hold
from sprint.runtime.results import FLOOR, METRICS
from sprint.training.loop import train

KID = "sprint/metrics/kid.py"
SHAPING = (
    *(f"sprint/diffusion/{name}.py" for name in ("sample", "guided", "samplers/heun", "guidance/none", "guidance/cfg")),
    *(f"sprint/metrics/{name}.py" for name in ("kid", "fd_class", "maths/frechet", "extractors/cnn", "extractors/ssl")),
    *("sprint/metrics/measuring/bootstrap.py", "sprint/data/codecs/pixels.py", "sprint/evaluation/held_out.py"),
)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """evaluated(): metrics.json of a run of preset smoke, evaluated again; with the folder of its results."""
    results = tmp_path_factory.mktemp("results") / "smoke"
    preset, run = tiny.smoke(), tiny.run("dense", 0.0, steps=4)
    for name in preset.evaluate.extractors:
        training.train(name, preset.examples().to_learn_from(), results / "extractors", steps=5)
    make_reference(preset.examples(), preset.evaluate, results)
    folder = results / "runs" / run.name
    train(run, folder)
    run = replace(run, preset=preset.name)
    out = folder / "metrics.json"
    return lambda: evaluate(trained_here(run, results), results, preset.evaluate, [], out), folder


def test_an_evaluation_records_its_code_and_versions_and_keys_are_of_neither(evaluated):
    measure, folder = evaluated
    measure()
    found = METRICS.read(folder / "metrics.json")
    assert set(SHAPING) <= found["code"].keys() and code.remark(found, "measured") == ""
    assert not [name for name in found["code"] if re.match("sprint/(methods/[a-z]|report/|plan/)", name)]
    assert found["versions"]["torch"] == tiny.torch.__version__
    assert all(not {"code", "versions"} & entry["identity"].keys() for entry in found["evaluations"])
    floor = FLOOR.read(folder.parent.parent / "reference" / "floor.json")
    assert KID in floor["code"] and "sprint/diffusion/guidance/cfg.py" not in floor["code"]


def test_features_that_other_code_drew_or_saw_are_drawn_anew_and_no_others(evaluated, capsys):
    measure, folder = evaluated
    measure()
    before, kept = (folder / "metrics.json").read_bytes(), sorted((folder / "evaluations").glob("*.json"))
    when = {path: path.with_suffix(".safetensors").stat().st_mtime_ns for path in kept}
    about = json.loads(kept[0].read_text())
    assert KID not in about["code"], "a metric draws nothing anew"
    changed = {**about["code"], "sprint/diffusion/samplers/heun.py": "0" * 16}
    kept[0].write_text(json.dumps(about | {"code": changed}))
    measure()
    assert "by other code: sprint/diffusion/samplers/heun.py; sampling anew" in capsys.readouterr().err
    now = {path: path.with_suffix(".safetensors").stat().st_mtime_ns for path in kept}
    assert [path for path in kept if now[path] != when[path]] == kept[:1]
    assert (folder / "metrics.json").read_bytes() == before
    kept[0].write_text(json.dumps({kind: about[kind] for kind in ("strong", "weak")}))
    measure()
    assert "anew" not in capsys.readouterr().err, "kept before code was recorded"


def test_who_asks_for_what_another_is_drawing_waits_and_draws_nothing_at_the_same_time(evaluated, capsys):
    """As the workflow's sweep of a run, or of two studies, may ask for what its evaluation does."""
    measure, folder = evaluated
    measure()
    before, said = (folder / "metrics.json").read_bytes(), ""
    shutil.rmtree(folder / "evaluations")
    other = threading.Thread(target=measure)
    with hold(folder / "evaluating"):
        other.start()
        while "waiting for process" not in said and other.is_alive():
            said += capsys.readouterr().err
        assert f"{folder / 'evaluating'}: waiting for process {os.getpid()} on" in said
        assert not (folder / "evaluations").exists()
    other.join()
    assert (folder / "metrics.json").read_bytes() == before and any((folder / "evaluations").glob("*.json"))


def test_list_compare_and_report_tell_of_other_code_and_of_two_versions_of_torch(tmp_path, capsys):
    tree = damage.Tree(tmp_path)
    path = tree.results / "runs" / tree.sides[1] / "metrics.json"
    whole = json.loads(path.read_text())

    def said() -> list[str]:
        """What list, compare and report say."""
        tree.listing()
        listed = capsys.readouterr().out
        tree.compare()
        return [listed, capsys.readouterr().out, tree.report()]

    assert not any("other code" in text or "different versions" in text for text in said())
    path.write_text(json.dumps(whole | {"code": {KID: "0" * 16}}))
    assert all(f"measured with other code: {KID}" in text for text in said())
    path.write_text(json.dumps(whole | {"versions": {"torch": "0.1"}}))
    listed, compared, reported = said()
    assert "measured with torch 0.1, where " in listed
    assert all("measured with different versions of torch: 0.1 (" in text for text in (compared, reported))


def test_runs_trained_with_two_versions_of_torch_are_told_in_comparison_and_report(tmp_path, capsys):
    """Whichever of them is installed where the report is made."""
    tree = damage.Tree(tmp_path)
    for number, name in enumerate(tree.sides):
        path = tree.results / "runs" / name / "train.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"versions": {"torch": f"0.{number}"}}))
    tree.compare()
    compared = re.search("trained with different versions of torch: (.*)", capsys.readouterr().out)[1]
    assert f"0.0 ({tree.sides[0]})" in compared and f"0.1 ({tree.sides[1]})" in compared
    assert "trained with different versions of torch: 0.0 (" in tree.report()


def test_snakemake_measures_anew_what_other_code_measured(checkout, snakemake, run_cli):
    """In a copy: a comment and a title change nothing; a metric's code measures anew, and trains and draws nothing."""
    copy = {"PYTHONPATH": str(checkout)}
    preset = checkout / "workflow/presets/smoke.yaml"
    preset.write_text(preset.read_text().replace("[digits-cnn, digits-ssl]", "[digits-cnn]"))
    name = next(name for name in load_plan("smoke", checkout).runs() if name.startswith("dense-seed0"))
    target = f"results/smoke/runs/{name}/metrics.json"

    def make(*more):
        done = snakemake(*more, target, "--config", "preset=smoke", cwd=checkout, env=copy)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    make()
    file = checkout / KID
    whole = file.read_text()
    file.write_text(re.sub('title = ".*"', 'title = "another"', whole) + "# a remark\n")
    assert "another" in file.read_text() and "Nothing to be done" in make("-n")
    file.write_text(whole + "\nUNUSED = 0\n")
    listed = run_cli("list", "--preset", "smoke", cwd=checkout, env=copy).stdout
    assert f"{target}: measured with other code: {KID}; `snakemake " in listed
    planned = dict(re.findall(r"^(train|extractor|reference|evaluate) +(\d+)$", make("-n"), re.M))
    assert planned == {"reference": "1", "evaluate": "1"}
    drawn = sorted((checkout / target).parent.glob("evaluations/*.safetensors"))
    when = [path.stat().st_mtime_ns for path in drawn]
    make()
    assert drawn and [path.stat().st_mtime_ns for path in drawn] == when
    assert "other code" not in run_cli("list", "--preset", "smoke", cwd=checkout, env=copy).stdout
