"""Pages: which files a report is, where their links lead, and another folder of results beside it."""

import html
import re
from pathlib import Path
from shutil import copytree

import pytest
from fake_results import FLOOR, SETTINGS, STEPS, evaluation, make_run, study
from fake_results import _write_costs as write_costs

from sprint.report import render_index, render_study
from sprint.runtime.errors import UserError
from sprint.runtime.files import read_json, write_json


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, dict]:
    """Two settings of two seeds each, and the plan of their study."""
    results, runs = tmp_path_factory.mktemp("pages") / "results" / "digits", {}
    for method in [*SETTINGS][:2]:
        for seed in (0, 1):
            _, drop, _, distance = SETTINGS[method]
            runs[make_run(results, method, drop, seed, distance)] = (method, drop)
    write_costs(results, "methods", runs)
    write_json(results / "reference" / "floor.json", {"images": 898, "reference_images": 898, "metrics": FLOOR})
    write_json(results / "logs" / f"train-{next(iter(runs))}.log", {})
    return results, study("methods", [*runs], ["method", "drop", "seed"], "Methods")


@pytest.fixture(scope="module")
def folder(made) -> Path:
    results, plan = made
    out = results.parent.parent / "reports" / "digits" / "index.html"
    render_index("digits", results, [plan], out, progress="runs: 3 of 4 done, 1 running, 0 to come, about 6 min left")
    return out.parent


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_there_is_a_page_for_each_study_and_each_run(made, folder):
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.html")}
    pages = {"index.html", "methods.html", "claims.html", "speed.html", "runs.html", "about.html", "report.html"}
    assert names == pages | {f"runs/{run}.html" for run in made[1]["runs"]}


def test_every_link_leads_somewhere(folder):
    """To a file that is there, or to an id of the same page; in the one file to ids alone."""
    for path in folder.rglob("*.html"):
        page = re.sub(r"<script>.*?</script>", "", text(path), flags=re.S)
        ids = re.findall(r'\bid="([^"]*)"', page)
        assert len(ids) == len(set(ids)), path
        for link in map(html.unescape, re.findall(r'href="([^"]*)"', page)):
            inside = link.startswith("#")
            assert inside or path.name != "report.html", link
            assert link[1:] in ids if inside else (path.parent / link).exists(), f"{path.name}: {link}"


def test_a_run_says_what_it_is_and_links_its_files(made, folder):
    run = made[1]["runs"][-1]
    page = html.unescape(text(folder / "runs" / f"{run}.html"))
    said = ["SPRINT 75%, seed 1", "Training loss", "finetune begins after step 382", "Methods", "Example CPU"]
    said += ["--forcerun train", "torch 2.13.0", f"../../../results/digits/runs/{run}/metrics.json"]
    assert [text for text in said if text not in page] == []


def test_what_still_runs_is_said_on_the_first_screen_and_nothing_once_all_is_done(made, folder, tmp_path):
    assert "1 running, 0 to come, about 6 min left" in text(folder / "index.html")
    render_index("digits", made[0], [made[1]], tmp_path / "index.html")
    assert 'class="progress"' not in text(tmp_path / "index.html")


def test_one_study_alone_links_no_page_that_is_not_there(made, tmp_path):
    render_study("digits", made[0], made[1], tmp_path / "methods.html")
    page = text(tmp_path / "methods.html")
    assert "index.html" not in page and f"runs/{made[1]['runs'][0]}.html" in page
    assert (tmp_path / "runs" / f"{made[1]['runs'][0]}.html").exists()


def test_ticks_of_an_axis_are_the_numbers_they_stand_at(folder):
    """Digits are saved in places of a drawing, never in its texts: along the cost axis ticks are evenly spaced."""
    panel = re.search(r"<svg [^>]*class=\"panel\".*?</svg>", text(folder / "index.html"), re.S)[0]
    ticks = [
        (float(x), float(label)) for x, label in re.findall(r'<text [^>]*?x="([\d.]+)"[^>]*>([\d.]+)</text>', panel)
    ]
    places, labels = zip(*[tick for tick in ticks if tick[0] > 60], strict=True)
    steps = [(labels[k + 1] - labels[k]) / (places[k + 1] - places[k]) for k in range(len(labels) - 1)]
    assert len(steps) > 2 and max(steps) == pytest.approx(min(steps), rel=0.02)


def test_other_results_are_held_against_these(made, tmp_path):
    """Twice the distance there, another learning rate and hash: half the ratio, and what differs is named."""
    results, plan = made
    other = tmp_path / "old" / "digits"
    copytree(results, other)
    for run in plan["runs"]:
        entry = evaluation(STEPS, "none", 1.0, 0.0)
        mine = next(
            one for one in read_json(other / "runs" / run / "metrics.json")["evaluations"] if one["key"] == entry["key"]
        )
        mine["metrics"]["fd/digits-cnn"] *= 2
        name = f"{run.rpartition('-')[0]}-ffffffff"
        (other / "runs" / run).rename(other / "runs" / name)
        write_json(other / "runs" / name / "metrics.json", {"run": name, "state": "done", "evaluations": [mine]})
        config = read_json(other / "runs" / name / "config.json")
        config["train"]["lr"] = 0.004
        write_json(other / "runs" / name / "config.json", config | {"name": name})
    render_index("digits", results, [plan], tmp_path / "out" / "index.html", against=tmp_path / "old")
    page = html.unescape(text(tmp_path / "out" / "against.html"))
    assert page.count("0.50×<small>0.50× to 0.50×</small>") == 2
    assert "train.lr 0.002 against 0.004" in page
    with pytest.raises(UserError, match=r"--against is .*nowhere"):
        render_index("digits", results, [plan], tmp_path / "out" / "index.html", against=tmp_path / "nowhere")
