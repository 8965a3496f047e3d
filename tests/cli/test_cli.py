"""The commands as a user types them: their help, what they print, and the files they write."""

import json
import re
import sys
from dataclasses import asdict

import pytest
import torch
import yaml
from PIL import Image
from published import make_golden
from safetensors import safe_open
from safetensors.torch import save_file
from typer.main import get_command

from sprint.cli import main as cli
from sprint.plan.reading import load_plan
from sprint.published.golden import Golden

COMMANDS = get_command(cli.app).commands
TINY = {  # beside preset smoke: a training of a few steps, judged by a single image
    "train": {"steps": 2, "milestones": [1.0], "finetune": 0.5, "warmup": 1},
    "evaluate": {"images": 20, "batch": 7, "grid": 3},
}


@pytest.fixture(scope="module")
def project(module_workspace):
    """A project with preset tiny, which trains two steps."""
    presets = module_workspace / "workflow/presets"
    document = yaml.safe_load((presets / "smoke.yaml").read_text())
    for key, changes in TINY.items():
        document[key] |= changes
    (presets / "tiny.yaml").write_text(yaml.safe_dump(document | {"extractor_steps": 2}))
    return module_workspace


@pytest.fixture
def sprint(project, monkeypatch, capsys):
    """sprint("list", ...): status, stdout and stderr of the command, called in this process from the project."""
    monkeypatch.chdir(project)
    threads = torch.get_num_threads()

    def call(*arguments) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sprint", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err

    yield call
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def plan(project):
    return load_plan("tiny", project)


def run_of(plan, method: str):
    return next(run for run in plan.study("methods").runs if run.method == method)


@pytest.fixture
def trained(sprint, plan):
    """trained("sprint"): the name of a trained run; trained once, as a finished run is left as it is."""

    def call(method: str) -> str:
        name = run_of(plan, method).name
        status, out, err = sprint("train", name, "--preset", "tiny")
        assert status == 0 and out.startswith(f"{name}: done after 2 of 2 steps"), err
        return name

    return call


def test_help_lists_every_command(run_cli, repository):
    done = run_cli("--help", cwd=repository)
    assert done.returncode == 0 and done.stderr == ""
    assert [name for name in COMMANDS if not re.search(rf"^ +{name} +\S", done.stdout, re.M)] == []
    asked = {"list", "show", "train", "sample", "evaluate", "cost", "report", "parity", "import", "bench"}
    assert asked <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_names_and_explains_its_options(sprint, command):
    status, out, _ = sprint(command, "--help")
    assert status == 0 and COMMANDS[command].help.splitlines()[0] in " ".join(out.split())
    for parameter in COMMANDS[command].params:
        assert parameter.opts[0] in out or parameter.name in out
        assert getattr(parameter, "help", None), f"{parameter.name} is not explained"


def test_without_a_command_help_is_shown(sprint):
    status, out, err = sprint()
    assert status == 2 and "Commands:" in out + err


def test_show_prints_the_whole_run_as_yaml(sprint, plan):
    for run in plan.study("methods").runs:
        status, out, err = sprint("show", run.name, "--preset", "tiny")
        assert status == 0 and err == ""
        shown = yaml.safe_load(out)
        assert shown == run.document()
        train = asdict(run.train)
        assert all(train[key] == value for key, value in shown["train"].items()) and shown["settings"] == run.settings


def test_list_names_studies_and_runs_with_what_is_done(sprint, plan, trained):
    name = trained("dense")
    status, out, err = sprint("list", "--preset", "tiny")
    assert status == 0 and err == ""
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert set(plan.studies) <= set(lines) and set(plan.runs()) <= set(lines)
    assert re.search(r"^snakemake --cores all \w+ --config preset=tiny$", out, re.M)
    assert " done " in lines[name] and " 2 " in lines[name]
    assert " done " not in lines[run_of(plan, "maskdit").name]


def test_a_finished_training_is_left_as_it_is(project, trained):
    folder = project / "results/tiny/runs" / trained("dense")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and path.name != "lock"}
    trained("dense")
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize(
    "method, options",
    [("dense", []), ("dense", ["--kind", "cfg", "--scale", "1.5"]), ("sprint", ["--kind", "pdg", "--scale", "2"])],
)
def test_sample_writes_as_many_pictures_as_asked(sprint, trained, tmp_path, method, options):
    out = tmp_path / "drawn"
    name = trained(method)
    status, said, err = sprint("sample", name, "--preset", "tiny", "--count", 12, "--out", out, *options)
    guided = f"{options[1].upper()} {options[3]}" if options else "unguided"
    assert status == 0 and said == f"12 images in {out}, {guided}\n", err
    pictures = [f"{index:06d}-{index % 10}.png" for index in range(12)]
    assert sorted(path.name for path in out.iterdir()) == [*pictures, "manifest.json"]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["run"] == name and len(manifest["weights"]) == 64 and list(manifest["labels"]) == pictures
    assert manifest["guidance"]["kind"] == (options[1] if options else "none") and "seed" in manifest
    sizes = {(Image.open(out / path).size, Image.open(out / path).mode) for path in pictures}
    assert sizes == {((8, 8), "L")}


def test_pictures_of_an_earlier_drawing_are_replaced_and_those_of_others_are_not(sprint, trained, tmp_path):
    out, name = tmp_path / "drawn", trained("dense")
    for count in (12, 3):
        assert sprint("sample", name, "--preset", "tiny", "--count", count, "--out", out)[0] == 0
        assert len(list(out.glob("*.png"))) == count
    (out / "holiday.png").write_bytes(b"mine")
    status, _, err = sprint("sample", name, "--preset", "tiny", "--count", 2, "--out", out)
    assert status == 2 and "holds 1 files that `sprint sample` did not draw, such as holiday.png" in err
    assert len(list(out.glob("*.png"))) == 4


def test_a_guidance_without_a_scale_takes_the_presets_or_asks_for_one(sprint, trained, tmp_path):
    name = trained("sprint")
    status, said, _ = sprint("sample", name, "--preset", "tiny", "--count", 1, "--kind", "cfg", "--out", tmp_path / "a")
    assert status == 0 and said.endswith("CFG 1.5\n")
    status, _, err = sprint("sample", name, "--preset", "tiny", "--count", 1, "--kind", "pdg", "--out", tmp_path / "b")
    assert status == 2 and "--kind is 'pdg' without a scale" in err and "--scale" in err


def test_a_picture_does_not_depend_on_how_many_are_drawn(sprint, trained, tmp_path):
    name = trained("dense")
    for count in (3, 12):
        sprint("sample", name, "--preset", "tiny", "--count", count, "--out", tmp_path / str(count))
    for path in (tmp_path / "3").glob("*.png"):
        assert path.read_bytes() == (tmp_path / "12" / path.name).read_bytes()


@pytest.mark.parametrize(
    "options, expected",
    [
        (["--kind", "pdg", "--scale", "2"], "'dense' has no path to drop; allowed: none, cfg"),
        (
            ["--kind", "apg"],
            "guidance 'apg' is unknown (nearest: 'pdg'); known: auto, cfg, none, pdg, pdg-label, sparse",
        ),
        (["--scale", "2"], "--scale is 2, but there is no guidance that it scales"),
        (["--kind", "cfg", "--scale", "-1"], "guidance scale is -1.0; allowed: a finite number of at least 0"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_impossible_guidance_is_refused_and_draws_nothing(sprint, trained, tmp_path, options, expected):
    status, out, err = sprint("sample", trained("dense"), "--preset", "tiny", "--out", tmp_path / "drawn", *options)
    assert status == 2 and out == "" and expected in err and err.count("\n") == 1
    assert not (tmp_path / "drawn").exists()


def test_cost_of_a_study_and_of_a_published_size(sprint, project):
    status, _, err = sprint("cost", "dense_depth", "--preset", "tiny")
    assert status == 0 and (project / "results/tiny/cost/dense_depth.json").exists(), err
    status, out, err = sprint("cost", "--model", "XL/2", "--method", "sprint", "--drop", "0.75", "--guidance", "pdg")
    assert status == 0 and "param" in out.lower(), err
    status, out, err = sprint("cost")
    assert status == 2 and out == "" and err.startswith("sprint: cost takes either a study or --model")


def test_import_makes_a_run_that_sample_takes(sprint, tmp_path):
    weights = Golden(make_golden(tmp_path / "made.safetensors")).group("weights.")
    save_file(weights, tmp_path / "published.safetensors")
    out = tmp_path / "run"
    options = ["--from", "sit", "--model", "3x32x2/2", "--image-size", 8, "--out", out]
    status, said, err = sprint("import", tmp_path / "published.safetensors", *options)
    assert status == 0 and "parameters of dense 3x32x2/2" in said, err
    status, said, err = sprint("sample", out, "--preset", "tiny", "--count", 5, "--out", tmp_path / "drawn")
    assert status == 0 and len(list((tmp_path / "drawn").glob("*.png"))) == 5, err
    assert Image.open(next((tmp_path / "drawn").iterdir())).mode == "RGB"


def test_import_of_a_renamed_tensor_is_refused_whole(sprint, tmp_path):
    weights = Golden(make_golden(tmp_path / "made.safetensors")).group("weights.")
    weights["blocks.0.attn.other"] = weights.pop("blocks.0.attn.proj.bias")
    save_file(weights, tmp_path / "renamed.safetensors")
    options = ["--from", "sit", "--model", "3x32x2/2", "--image-size", 8, "--out", tmp_path / "run"]
    status, out, err = sprint("import", tmp_path / "renamed.safetensors", *options)
    assert status == 2 and out == "" and err.count("\n") == 1
    assert "missing: blocks.0.attn.proj.bias" in err and "surplus: blocks.0.attn.other" in err
    assert not (tmp_path / "run").exists()


def test_parity_prints_every_tensor_and_fails_where_one_differs(sprint, tmp_path):
    made = make_golden(tmp_path / "made.safetensors")
    status, out, err = sprint("parity", made)
    assert status == 0 and "full" in out, err
    altered = Golden(made)
    tensors = {name: tensor.contiguous().clone() for name, tensor in altered.tensors.items()}
    next(tensor for name, tensor in tensors.items() if name.startswith("expected.")).add_(0.01)
    with safe_open(made, "pt") as content:
        save_file(tensors, tmp_path / "altered.safetensors", content.metadata())
    status, out, err = sprint("parity", tmp_path / "altered.safetensors")
    assert status == 1 and re.search(r"0\.01|9\.9|1\.0+e-02", out), out + err
    (tmp_path / "cut.safetensors").write_bytes(made.read_bytes()[:100])
    status, out, err = sprint("parity", tmp_path / "cut.safetensors")
    assert status == 2 and "cut.safetensors" in err and err.count("\n") == 1


def test_parity_of_the_published_tensors_as_a_command(run_cli, repository, golden):
    done = run_cli("parity", *sorted(golden.glob("*.safetensors")), cwd=repository)
    assert done.returncode == 0, done.stdout + done.stderr
