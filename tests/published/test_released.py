"""A study's entry that names a published checkpoint: read from its file, or refused; and its whole way."""

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from released import OF_SPRINT, SIZE, released

from sprint.plan.budget import cost_of
from sprint.plan.network import model_config
from sprint.plan.outline import read_outline
from sprint.plan.reading import load_plan
from sprint.runtime.errors import UserError

SIT, SPRINT = "checkpoints/SiT-XL-2-256x256.pt", "checkpoints/sprint-xl-256.safetensors"  # as study `released` has them
ENTRY = {"checkpoint": SIT, "from": "sit", "model": SIZE}


@pytest.fixture(autouse=True)
def at_the_root(workspace, monkeypatch):
    """Checkpoints are named from where the commands run."""
    monkeypatch.chdir(workspace)


def study(workspace: Path, *entries: dict, name: str = "mine", **keys) -> None:
    content = {"title": "Mine", "question": "Which?", "vary": ["method"], "runs": list(entries), **keys}
    (workspace / f"ablations/{name}.yaml").write_text(yaml.safe_dump(content))


def small(workspace: Path) -> None:
    """Study `released` with checkpoints as small as preset smoke and of one channel, where its own are XL/2 of four."""
    path = workspace / "ablations/released.yaml"
    path.write_text(path.read_text().replace("XL/2", SIZE).replace("channels: 3", "channels: 1"))
    released(workspace / SIT)
    released(workspace / SPRINT, **OF_SPRINT)


def test_an_entry_is_the_network_that_its_file_holds(workspace):
    small(workspace)
    study(workspace, ENTRY, {"checkpoint": SPRINT, "from": "sprint", "model": SIZE}, {"method": "dense"})
    sit, sprint, *trained = load_plan("smoke").study("mine").runs
    assert (sit.method, sit.drop, sprint.method, sprint.drop) == ("dense", 0.0, "sprint", 0.75)
    assert sprint.settings["split"] == "1/1/1" and sprint.model.positions == "rope2d"
    assert sit.name.startswith("dense-checkpointSiT-XL-2-256x256-seed0-") and "checkpoint SiT" in sit.label
    config = model_config(sit)
    assert (config.channels, config.size, config.classes, config.backbone.width) == (1, 8, 10, 32)
    assert len(trained) == len(load_plan("smoke").preset.seeds)
    assert not any(run.checkpoint for run in trained) and all("checkpoint" not in run.document() for run in trained)
    assert sit.document()["checkpoint"]["path"] == SIT and any("codebases/sit" in name for name in sit.code)
    assert cost_of(sit)["stages"] == [] and not any(key.startswith("train") for key in cost_of(sit))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({**ENTRY, "checkpoint": "checkpoints/none.pt"}, "checkpoint is 'checkpoints/none.pt'; there is no such file"),
        ({**ENTRY, "checkpoint": "checkpoints"}, "there is no such file"),
        ({key: value for key, value in ENTRY.items() if key != "from"}, r"\.from is missing; allowed: text"),
        ({**ENTRY, "from": "flux"}, "codebase 'flux' is unknown"),
        ({**ENTRY, "from": "tread"}, "no tensor tells the route"),
        ({**ENTRY, "model": "S/2"}, "missing: blocks.10."),
        ({**ENTRY, "model": "huge"}, "model is 'huge'; allowed: S, B, L, XL"),
        ({**ENTRY, "from": "sprint"}, "split is '0/0/0'"),
        ({**ENTRY, "drop": 0.5}, "unknown key 'drop'.*allowed: checkpoint, from, model, settings, guidance"),
        ({**ENTRY, "source": "sit"}, "unknown key 'source'"),
        ({**ENTRY, "settings": {"heads": 2}}, "unknown key 'heads'"),
        ({**ENTRY, "guidance": [{"kind": "pdg"}]}, r"guidance\[0\]"),
        ({**ENTRY, "guidance": [{"kind": "auto"}]}, r"guidance\[0\]"),
        ({**ENTRY, "checkpoint": "checkpoints/colours.pt"}, "sees 3 x 8 x 8 of 10 classes; allowed: 1 x 8 x 8 of 10"),
        ({**ENTRY, "checkpoint": "checkpoints/cut.pt"}, "cannot be read as .pt"),
        ({**ENTRY, "checkpoint": "checkpoints/cut.safetensors"}, "cannot be read as .safetensors"),
        ({**ENTRY, "checkpoint": "checkpoints/a b;c.pt"}, "allowed: a name of letters, digits"),
    ],
)
def test_what_cannot_be_a_row_is_refused_when_the_plan_is_read(workspace, entry, said):
    small(workspace)
    released(workspace / "checkpoints/colours.pt", in_channels=3)
    whole = (workspace / SPRINT).read_bytes()
    for name in ("cut.pt", "cut.safetensors"):
        (workspace / "checkpoints" / name).write_bytes(whole[: len(whole) // 3] if "safe" in name else b"PK\3\4")
    released(workspace / "checkpoints/a b;c.pt")
    study(workspace, entry)
    with pytest.raises(UserError, match=said) as caught:
        load_plan("smoke").runs()
    assert str(caught.value).startswith("ablations/mine.yaml: runs[0]") and "\n" not in str(caught.value)
    study(workspace, entry, show_impossible=True)
    if not re.search("unknown key '(drop|source)|missing; allowed", said):
        assert re.search(said.removeprefix(r"\."), load_plan("smoke").study("mine").impossible[0]["reason"])


def test_no_weights_are_read_with_a_plan(workspace, monkeypatch):
    small(workspace)
    monkeypatch.setattr("sprint.published.weights.load_file", None)
    study(workspace, {"checkpoint": SPRINT, "from": "sprint", "model": SIZE})
    assert load_plan("smoke").study("mine").runs


def test_a_checkpoint_that_comes_or_goes_is_noticed_by_the_outline(workspace):
    assert not read_outline("smoke").study("released").runs
    small(workspace)
    rows = read_outline("smoke").study("released").runs
    assert len(rows) == 2
    kept = {run.name: run for run in read_outline("smoke").runs}
    assert [kept[name].checkpoint for name in rows] == [SIT, SPRINT] and kept[rows[0]].images_before() == 0
    (workspace / SIT).unlink()
    assert len(read_outline("smoke").study("released").runs) == 1


def evaluations(path: Path) -> list[dict]:
    return json.loads(path.read_text())["evaluations"]


def test_the_rows_go_the_whole_way_beside_trained_ones(repository, workspace, run_cli, snakemake):
    """By the command of docs/imagenet.md; and to the numbers of `sprint import` and `sprint evaluate` by themselves."""
    small(workspace)
    page = (repository / "docs/imagenet.md").read_text(encoding="utf-8").partition("\n## Published checkpoints\n")[2]
    (command,) = re.findall(r"^snakemake --cores all released .*$", page, re.MULTILINE)
    path = workspace / "ablations/released.yaml"
    content = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(content | {"runs": [*content["runs"], {"method": "dense"}], "seeds": 1}))
    asked = shlex.split(command.replace("imagenet256_xl2", "smoke"))[3:]
    done = snakemake(*asked, cwd=workspace)
    assert done.returncode == 0, done.stdout + done.stderr
    results = workspace / "results/smoke"
    sit, sprint, trained = (results / "runs" / run.name for run in load_plan("smoke").study("released").runs)
    assert json.loads((sit / "train.json").read_text())["published"]["file"] == Path(SIT).name
    by_itself = ["--from", "sit", "--model", SIZE, "--out", "results/by-itself"]
    assert run_cli("import", SIT, *by_itself, cwd=workspace).returncode == 0
    assert run_cli("evaluate", "results/by-itself", "--preset", "smoke", cwd=workspace).returncode == 0
    for ours, theirs in zip(
        evaluations(sit / "metrics.json"), evaluations(workspace / "results/by-itself/metrics.json"), strict=True
    ):
        assert ours["metrics"] == theirs["metrics"] and ours["key"] == theirs["key"] and ours["stage"] == "published"
    assert len(evaluations(results / f"sweeps/released/{sprint.name}.json")) == 2
    page = (workspace / "reports/smoke/released.html").read_text()
    assert "checkpoint SiT-XL-2-256x256" in page and "checkpoint sprint-xl-256" in page
    said = (workspace / f"reports/smoke/runs/{sit.name}.html").read_text()
    assert "A published checkpoint, SiT-XL-2-256x256.pt" in said and "training took" not in said
    listed = run_cli("list", "--preset", "smoke", cwd=workspace)
    assert re.search(rf"{sit.name} +done +- +- +-", listed.stdout), listed.stdout
    before = (trained / "train.json").stat().st_mtime_ns
    weights = [entry["identity"]["weights"] for entry in evaluations(sit / "metrics.json")]
    (workspace / SIT).unlink()
    released(workspace / SIT, seed=1)
    done = snakemake(*asked, cwd=workspace)
    assert done.returncode == 0, done.stdout + done.stderr
    assert weights != [entry["identity"]["weights"] for entry in evaluations(sit / "metrics.json")]
    assert (trained / "train.json").stat().st_mtime_ns == before


def test_the_study_is_a_page_and_a_forecast_where_no_checkpoint_is_there(workspace, run_cli):
    done = run_cli("report", "released", "--preset", "smoke", cwd=workspace)
    assert done.returncode == 0, done.stderr
    page = (workspace / "reports/smoke/released.html").read_text()
    assert page.count("there is no such file") >= 2
    small(workspace)
    done = run_cli("forecast", "released", "--preset", "smoke", "--rate", "0.1", cwd=workspace)
    assert done.returncode == 0, done.stderr
