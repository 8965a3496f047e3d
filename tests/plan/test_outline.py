"""A plan's outline says what the plan says, is kept only while that holds, and is then read without torch."""

import dataclasses
import json
import os
import time
from pathlib import Path

import pytest
import yaml
from PIL import Image

from sprint.plan import outline
from sprint.plan.reading import load_plan
from sprint.plan.targets import asked
from sprint.runtime.errors import UserError

PRESET = "workflow/presets/smoke.yaml"


@pytest.fixture
def reads(monkeypatch):
    """How often a plan was really read."""
    found, read = [], outline._read
    monkeypatch.setattr(outline, "_read", lambda *arguments: found.append(1) or read(*arguments))
    return found


@pytest.fixture
def without_torch(tmp_path) -> dict[str, str]:
    """An environment in which no process can import torch."""
    (tmp_path / "forbidden").mkdir()
    (tmp_path / "forbidden" / "torch.py").write_text("raise ImportError('torch is forbidden')\n")
    return {"PYTHONPATH": str(tmp_path / "forbidden")}


def edited(root: Path, path: str, **changes) -> None:
    content = yaml.safe_load((root / path).read_text())
    (root / path).write_text(yaml.safe_dump(content | changes))


def test_an_outline_says_what_the_plan_says(workspace):
    plan, found = load_plan("smoke", workspace), outline.read_outline("smoke", workspace)
    assert [run.name for run in found.runs] == list(plan.runs())
    assert [run.schedule for run in found.runs] == [[run.train] for run in plan.runs().values()]
    for study, same in zip(map(plan.study, plan.studies), found.studies, strict=True):
        assert (same.name, same.title, same.question) == (study.name, study.title, study.question)
        assert same.runs == [run.name for run in study.runs] and same.sweeps.keys() == study.sweeps.keys()
    assert found.core == plan.preset.studies and found.texts["data"] == str(plan.preset.data)
    assert outline.read_outline("smoke", workspace) == found


def test_a_kept_outline_is_read_until_something_it_follows_from_changes(workspace, reads):
    def read_anew() -> bool:
        before = len(reads)
        outline.read_outline("smoke", workspace)
        return len(reads) > before

    assert [read_anew(), read_anew()] == [True, False]
    edited(workspace, PRESET, seeds=[0, 1])
    assert [read_anew(), read_anew()] == [True, False]
    edited(workspace, "ablations/paths.yaml", question="Why?")
    assert [read_anew(), read_anew()] == [True, False]
    (workspace / "ablations/paths.yaml").unlink()
    assert [read_anew(), read_anew()] == [True, False]


def test_the_code_and_the_version_of_torch_are_part_of_what_an_outline_follows_from(workspace, monkeypatch, tmp_path):
    before = outline._key(workspace, [])
    monkeypatch.setattr(outline.importlib.metadata, "version", lambda name: "0")
    assert (other := outline._key(workspace, [])) != before
    (tmp_path / "package").mkdir()
    (tmp_path / "package/method.py").write_text("a = 1\n")
    monkeypatch.setattr(outline.sprint, "__file__", str(tmp_path / "package/__init__.py"))
    assert (first := outline._key(workspace, [])) != other
    (tmp_path / "package/method.py").write_text("a = 2\n")
    assert outline._key(workspace, []) != first


def test_a_class_of_pictures_that_comes_or_goes_is_noticed(workspace, reads):
    for name in ("cats", "dogs"):
        (workspace / "pictures" / name).mkdir(parents=True)
        Image.new("L", (8, 8)).save(workspace / "pictures" / name / "one.png")
    data = {"name": "image_folder", "path": str(workspace / "pictures"), "channels": 1}
    evaluate = yaml.safe_load((workspace / PRESET).read_text())["evaluate"] | {"held_out": 0}
    edited(workspace, PRESET, data=data, evaluate=evaluate)
    for _ in range(2):
        outline.read_outline("smoke", workspace)
    assert len(reads) == 1
    time.sleep(0.01)  # file systems tell times apart by a few milliseconds
    (workspace / "pictures/dogs/one.png").unlink()
    with pytest.raises(UserError, match=r"'dogs'.* no pictures"):
        outline.read_outline("smoke", workspace)
    assert len(reads) == 2


def test_what_is_refused_is_never_kept(workspace):
    edited(workspace, PRESET, seeds=[])
    for _ in range(2):
        with pytest.raises(UserError, match="seeds is"):
            outline.read_outline("smoke", workspace)
    assert not (workspace / outline.KEPT).exists()
    for name in ("absent", "../smoke", "a\0b"):
        with pytest.raises(UserError, match=r"preset .* is unknown"):
            outline.read_outline(name, workspace)


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"key": 1', "null", '{"key": "x", "data": [], "plan": 3}', "plan"])
def test_a_damaged_outline_is_read_anew(workspace, reads, damage):
    found = outline.read_outline("smoke", workspace)
    (path,) = (workspace / outline.KEPT).iterdir()
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"plan": {**content["plan"], "runs": 3}}) if damage == "plan" else damage)
    assert outline.read_outline("smoke", workspace) == found and len(reads) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_no_obstacle(workspace):
    workspace.chmod(0o500)
    assert outline.read_outline("smoke", workspace).preset == "smoke"


def test_once_kept_a_dry_run_and_a_list_import_no_torch(workspace, run_cli, snakemake, without_torch):
    kept = run_cli("list", "--preset", "smoke", cwd=workspace)
    assert kept.returncode == 0, kept.stderr
    for arguments in (["list", "--preset", "smoke"], ["--help"], ["--version"], ["plugins", "--json"]):
        done = run_cli(*arguments, cwd=workspace, env=without_torch)
        assert done.returncode == 0, done.stderr
    done = snakemake("-n", "--quiet", "rules", "host", "--config", "preset=smoke", cwd=workspace, env=without_torch)
    assert done.returncode == 0 and "train" in done.stdout, done.stdout + done.stderr
    assert len((done.stdout + done.stderr).splitlines()) <= 50  # a screen
    other = run_cli("list", "--preset", "digits", cwd=workspace, env=without_torch)
    assert "torch is forbidden" in other.stderr  # it would be noticed


def test_a_mistyped_target_is_refused_with_the_nearest(workspace, snakemake):
    done = snakemake("-n", "dropratio", "--config", "preset=smoke", cwd=workspace)
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("sprint: ")]
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert sentence.startswith("sprint: target 'dropratio' is unknown (nearest: 'drop_ratio'); known: all, all_studies")


@pytest.mark.parametrize("arguments", [["--dag"], ["--rulegraph"], ["-n"]])
def test_no_command_of_snakemake_needs_cores(arguments, workspace, snakemake):
    done = snakemake(*arguments, "--config", "preset=smoke", cwd=workspace, cores=None)
    assert done.returncode == 0 and "cores" not in done.stderr, done.stderr


def test_the_studies_that_targets_ask_for_are_told_to_the_jobs(workspace):
    plan = outline.read_outline("smoke", workspace)
    everything = [study.name for study in plan.studies]
    for targets, studies in (
        ([], plan.core),
        (["all"], plan.core),
        (["all_studies"], everything),
        (["paths"], ["paths"]),
        (["fusion", "paths"], ["fusion", "paths"]),
        (["scaling", "results/x.json"], []),
    ):
        assert json.loads(asked(plan, targets, None, 4)) == {"studies": studies, "at_once": 4}
    assert json.loads(asked(plan, [], 100, 2))["at_once"] == 100
    assert json.loads(asked(dataclasses.replace(plan, threads=8), [], None, 4))["at_once"] == 1
