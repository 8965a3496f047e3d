"""The report: one self-contained page that shows all that is on disk and claims no more than the numbers."""

import csv
import html
import json
import re
import subprocess
import sys
from shutil import copytree

import pytest
from fake_results import FLOOR, STEPS, evaluation, make_results, make_run, study

from sprint.diffusion.guidance import text as guidance_text
from sprint.report import render_index, render_study
from sprint.report.format import metric_name, metric_text, significant
from sprint.report.read import read_study
from sprint.report.summary import best_line
from sprint.report.tables import rerun_command, study_table
from sprint.report.views import VIEWS, Report
from sprint.report.views.answer import sentences
from sprint.report.views.costs import cost_rows
from sprint.runtime.files import read_json, write_json


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return make_results(tmp_path_factory.mktemp("fake"))


@pytest.fixture(scope="module")
def page(tree, tmp_path_factory):
    results, studies = tree
    out = tmp_path_factory.mktemp("page") / "index.html"
    render_index("digits", results, studies, out)
    return out.with_name("report.html").read_text(encoding="utf-8")


def read(tree, name):
    results, studies = tree
    return read_study("digits", results, next(plan for plan in studies if plan["name"] == name))


def two_seeds(results, first, second, spread):
    """A study of two settings with two seeds each, whose FDs lie `spread` apart within a setting."""
    names = []
    for drop, distance in ((0.0, first), (0.5, second)):
        for seed in (0, 1):
            name = make_run(results, "sprint", drop, seed, distance)
            entry = evaluation(STEPS, "none", 1.0, distance + seed * spread)
            write_json(results / "runs" / name / "metrics.json", {"run": name, "state": "done", "evaluations": [entry]})
            names.append(name)
    write_json(results / "reference" / "floor.json", {"images": 898, "reference_images": 898, "metrics": FLOOR})
    return study("pair", names, ["drop", "seed"])


def test_page_needs_no_network_and_is_small(page):
    assert not re.search(r"""(src|href|srcset)\s*=\s*["'](?!data:|#)""", page)
    assert not re.search(r"@import|url\((?!#)", page)
    assert "<script src" not in page and "<link" not in page and "default-src 'none'" in page
    assert len(page.encode()) < 5_000_000


def test_page_is_well_formed(page):
    """Every opened element is closed in order, and every id stands once."""
    text = re.sub(r"<!doctype html>|<style>.*?</style>|<script>.*?</script>", "", page, flags=re.S)
    stack = []
    for closing, tag, end in re.findall(r"<(/?)([a-z][a-z0-9]*)[^>]*?(/?)>", text):
        if closing:
            assert stack.pop() == tag
        elif not end and tag not in ("meta", "img", "br"):
            stack.append(tag)
    assert stack == []
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))


def test_names_are_text_not_markup(page):
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "Is &lt;b&gt;this&lt;/b&gt; text?" in page
    assert "<b>this" not in page


def test_diverged_missing_and_impossible_are_shown_with_their_reason(page):
    assert "diverged at step 120 of 450: the loss is not finite" in page
    assert "missing: not trained yet" in page
    assert "impossible: a drop of 0.6 is no 1 − k/n² with n dividing the grid of 8" in page
    assert "7 done, 1 diverged, 1 impossible" in page


def test_a_number_that_could_not_be_computed_is_missing_with_its_reason(page):
    assert re.search(r"<td>missing<sup>1</sup>", page)
    assert "KID (digits-cnn): fewer images than the subset of 100 (seed 0)" in page


def test_every_row_carries_its_command(tree, page):
    results, studies = tree
    for plan in studies:
        for run in plan["runs"]:
            place = f"sweeps/guidance/{run}.json" if plan["evaluate"] else f"runs/{run}/metrics.json"
            assert f'<code tabindex="0">snakemake --cores all results/digits/{place} --forcerun train</code>' in page
        for group in study_table(read_study("digits", results, plan)).groups[:-1]:
            assert group.commands


def test_command_names_the_preset_unless_it_is_the_default(tmp_path):
    plan = study("one", ["some-run"], ["drop"])
    other = read_study("smoke", tmp_path, plan)
    target = "snakemake --cores all results/smoke/runs/some-run/metrics.json"
    expected = f"{target} --config preset=smoke --forcerun train"
    assert rerun_command(other, other.runs[0]) == expected


def test_images_are_described_and_headers_have_scope(page):
    assert all(re.search(r'alt="[^"]{20,}"', image) for image in re.findall(r"<img [^>]*>", page))
    assert all("scope=" in header for header in re.findall(r"<th[ >][^>]*>", page))


def test_distances_are_never_called_fid(page):
    own = re.sub(r"<h3[^>]*>Published.*?</figure>", "", page, flags=re.S)
    own = re.sub(r"<article id=.page-(about|claims).*?</article>|<script>.*?</script>", "", own, flags=re.S)
    assert "FD (digits-cnn)" in html.unescape(own)
    assert "FID" not in own
    assert metric_name("fd/inception") == "FID"


def test_floor_stands_in_every_table_and_plot(tree, page):
    assert page.count("Floor: real against real") == 2 * 5  # each study's table, and its table of more metrics
    plots = re.findall(r'<svg [^>]*class="panel"[^>]*aria-label="([^"]*)"', page)
    quality = [alt for alt in plots if not alt.startswith(("Training speed-up", "Training loss", "The workflow"))]
    assert quality and all("Floor: " in alt and "not computed" not in alt for alt in quality)


def test_best_guidance_is_the_lowest_of_those_evaluated(tree):
    guidance = read(tree, "guidance")
    assert best_line(guidance, "Dense 0%", guidance.primary).guidance == "CFG 1.5"
    assert sentences(guidance)[0] == (
        "Of all settings, each with its best guidance, Dense 0% has the lowest FD (digits-cnn), 30.4 (1.6× the floor): "
        "CFG 1.5."
    )


def test_answer_follows_the_numbers(tmp_path):
    low_first = read_study("digits", tmp_path, two_seeds(tmp_path, 30.0, 60.0, 2.0))
    assert sentences(low_first)[0] == (
        "Unguided: SPRINT 0% has the lowest FD (digits-cnn), 31.0 (1.6× the floor); the highest, SPRINT 50%, has 61.0, "
        "1.97× as much seed by seed (ranges over seeds do not overlap)."
    )
    low_last = read_study("digits", tmp_path, two_seeds(tmp_path, 90.0, 30.0, 2.0))
    assert sentences(low_last)[0].startswith("Unguided: SPRINT 50% has the lowest FD (digits-cnn), 31.0")


def test_answer_claims_nothing_within_the_seed_spread(tmp_path):
    near = sentences(read_study("digits", tmp_path, two_seeds(tmp_path, 30.0, 31.0, 5.0)))
    assert "(within the seed spread)" in near[0]
    assert "Within the seed spread of the best: SPRINT 50% (unguided)." in near
    assert "n = 2 seeds per setting." in near


def test_answer_says_that_one_seed_says_nothing_about_noise(tree):
    answer = sentences(read(tree, "drop_ratio"))
    assert "seed spread unknown" in answer[0]
    assert "One seed per setting: how much seeds differ is unknown." in answer
    assert "Without a number: Naive drop 87.5% (seed 0) diverged and SPRINT 60% impossible." in answer


def test_training_cost_at_a_milestone_is_the_sum_of_its_stages(tree):
    methods = read(tree, "methods")
    for run in methods.runs:
        assert run.tflop_at(STEPS) == pytest.approx(run.cost["train_flops"] / 1e12)
        assert run.tflop_at(100) == pytest.approx(100 * 64 * run.cost["train_flops_per_image"] / 1e12)


def test_cost_is_told_by_stage_and_unknown_is_a_dash(tree):
    headers, rows = cost_rows(read(tree, "methods"))
    dense, sprint = (dict(zip(headers, row, strict=True)) for row in rows[:2])
    assert dense["pretrain MFLOP per image, modelled"] == "132" and dense["finetune GFLOP in all, modelled"] == "574"
    assert sprint["sampling MFLOP per step and image, PDG, modelled"] == "60.0"
    assert dense["sampling MFLOP per step and image, PDG, modelled"] == "–"
    assert dense["sampling steps × images / s, CFG, measured"] == "90.0 (81.0–99.0)"


def test_rendering_twice_gives_the_same_bytes(tree, page, tmp_path):
    results, studies = tree
    render_index("digits", results, studies, tmp_path / "index.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page


def test_one_study_alone(tree, tmp_path):
    results, studies = tree
    render_study("digits", results, studies[1], tmp_path / "drop_ratio.html")
    page = (tmp_path / "drop_ratio.html").read_text(encoding="utf-8")
    assert "<h1>Drop ratio</h1>" in page and "Dense depth" not in page


def test_a_study_stands_as_csv_beside_its_page(tree, tmp_path):
    results, studies = tree
    render_study("digits", results, studies[1], tmp_path / "drop_ratio.html")
    rows = list(csv.DictReader((tmp_path / "drop_ratio.csv").read_text(encoding="utf-8").splitlines()))
    done = [run for run in read(tree, studies[1]["name"]).runs if run.state == "done"]
    assert {row["run"] for row in rows} == {run.name for run in done}
    for row in rows:
        run = next(run for run in done if run.name == row["run"])
        assert float(row["train_flop"]) == pytest.approx(sum(stage["flops"] for stage in run.cost["stages"]), rel=1e-5)


def test_page_without_any_result(tmp_path):
    """Before the first run there is a page that says so, with the commands that make the runs."""
    plan = study("methods", ["a", "b"], ["method", "drop"], "Methods")
    render_index("digits", tmp_path / "results", [plan], tmp_path / "index.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "No answer yet: none of 2 runs has been evaluated." in page
    assert page.count("missing: not trained yet") >= 2 and "runs/a/metrics.json" in page


def test_broken_json_is_named(tmp_path):
    broken = tmp_path / "runs" / "a" / "metrics.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{", encoding="utf-8")
    (run,) = read_study("digits", tmp_path, study("methods", ["a"], ["method"])).runs
    assert run.state == "damaged" and run.reason.startswith(f"{broken}: not valid JSON")


def test_report_does_not_import_torch():
    code = "import sprint.report, sys, json; print(json.dumps([name for name in sys.modules if name == 'torch']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_published_numbers_are_marked_as_another_scale(tree, page):
    assert page.count("another scale</span>") == 4
    assert "third party&#39;s notes, unchecked" in page
    assert "FID 27.5 (1.00×)" in page


def test_numbers_are_printed_with_three_digits():
    assert [significant(value) for value in (0.0, 0.01234, 1.234, 12.34, 123.4, 12345.0)] == [
        *("0", "0.0123", "1.23", "12.3", "123", "12,345")
    ]
    assert metric_text("accuracy", 0.971) == "97.1%"
    assert metric_text("fd/digits-cnn", float("nan")) == metric_text("fd/digits-cnn", None) == "missing"
    assert guidance_text({"kind": "pdg", "scale": 3.0, "interval": [0.2, 0.8]}) == "PDG 3 on [0.2, 0.8]"


def test_a_seed_that_diverged_is_counted_beside_those_that_did_not(tmp_path):
    names = [
        make_run(tmp_path, "sprint", 0.75, 0, 40.0),
        make_run(tmp_path, "sprint", 0.75, 1, 40.0, state="diverged", reason="the loss is not finite"),
    ]
    table = study_table(read_study("digits", tmp_path, study("one", names, ["method", "drop", "seed"])))
    assert table.groups[0].seeds.main == "1 of 2"
    assert table.notes == ["SPRINT 75%: seed 1 diverged at step 120 of 450: the loss is not finite"]
    assert read_json(tmp_path / "runs" / names[1] / "train.json")["state"] == "diverged"


def scaling_row(label: str, tokens: int, seconds: float, measured: float, modelled: float) -> dict:
    return {
        **{"label": label, "tokens": tokens, "batch": 2048 // tokens, "images_per_second": 2048 / tokens / seconds},
        "step_seconds": {"median": seconds, "low": seconds, "high": 2 * seconds, "repeats": 3},
        "speedup_measured": {"median": measured, "low": measured - 0.1, "high": measured + 0.1, "repeats": 3},
        "base_images_per_second": 2048 / tokens / seconds / measured,
        **{"speedup_modelled": modelled, "flops_per_second": 81e9, "working_bytes": 44 << 20},
        "data_seconds": {"median": 0.0004, "low": 0.0003, "high": 0.0005, "repeats": 3},
        "parts_seconds": [["embedding", 0.01], ["middle", 0.06], ["output", 0.01], ["clipping", 0.02]],
    }


def test_speed_is_told_beside_its_model(tree, tmp_path):
    """Images per second, speed-up and shares of a step as the JSON has them; published costs as the CSV has them."""
    results, studies = tree
    mine = tmp_path / "results" / "digits"
    copytree(results, mine)
    machine = {"processor": "Some CPU", "cores": 2, "gpu": "none"}
    rows = [scaling_row("dense", n, s, 1.0, 1.0) for n, s in ((64, 0.05), (256, 0.07))]
    rows += [scaling_row("SPRINT 75%", n, s, x, 2.1) for n, s, x in ((64, 0.032, 1.66), (256, 0.04, 1.81))]
    about = {"machine": machine, "model": {"width": 64, "depth": 6}, "threads": 2, "precision": "float32"}
    write_json(mine / "scaling.json", {**about, "compiled": False, "base": "Dense", "rows": rows})
    header = "model,resolution,method,drop,guidance,quantity,ours,published,relative_difference,confidence,source,why"
    row = "XL/2,256,sprint,0.75,pdg,tflop_per_step,0.1361,0.136,0.00074,author,somewhere,"
    (tmp_path / "results" / "paper_costs.csv").write_text(f"{header}\n{row}\n", encoding="utf-8")
    render_index("digits", mine, studies, tmp_path / "index.html")
    page = html.unescape((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "SPRINT 75%: 1.66 at 64, 1.81 at 256" in page and "dense: 640 at 64, 114 at 256" in page
    assert "SPRINT 75%: embedding and output 20.0%, middle 60.0%, optimiser with clipping 20.0%" in page
    assert "1.66 (1.56–1.76)" in page and "Some CPU, float32, eager, 2 threads" in page
    assert "× Dense, measured" in page and "Training speed-up over dense, measured against modelled" in page
    assert "XL/2 at 256, sprint 75%, PDG" in page and "+0.07%" in page
    assert "not measured" not in page and "not computed;" not in page


def test_speed_that_was_not_measured_is_said_to_be_missing(page):
    assert "Speed by number of tokens: not measured" in page and "Published costs beside ours: not computed" in page


def test_measured_speed_stands_against_the_model_of_the_same_study(tree, page):
    """The speed-up of a setting is that of its own turns with the base; one per setting beside the dense one."""
    of = Report("digits", tree[0], [], {}, whole=False)
    (plots,) = VIEWS["speedup"]().blocks(read(tree, "methods"), of)
    (panel,) = plots.panels
    throughput = {setting: runs[0] for setting, runs in read(tree, "methods").settings.items()}
    dense = next(run for run in throughput.values() if run.factor("method") == "dense")
    assert len(plots.legend) == len(throughput) - 1 > 2
    for run in throughput.values():
        if run is not dense:
            modelled = dense.cost["train_flops_per_image"] / run.cost["train_flops_per_image"]
            measured = run.throughput["train"]["of_base"]["median"]
            assert f"{run.method}: {significant(measured)} where {significant(modelled)} is modelled" in panel.alt
    assert html.escape(panel.alt, quote=False) in page
    assert not VIEWS["speedup"]().applies(read(tree, "dense_depth"), of)  # no dense network in it
