"""A run evaluated with another attention: by a preset, and by a study's sweep on the same weights, plan to page."""

import json

import pytest
import torch
import yaml
from safetensors.torch import load_file

from sprint.cli.main import app
from sprint.plan.reading import load_plan
from sprint.runtime.errors import UserError

SOME, ALL = ({"kind": "pisa", "density": density, "block": 4} for density in (0.25, 1.0))
SPARSE = {"kind": "sparse", "scale": 2.0, "strong": 0.25, "weak": 0.75}
SWEPT = {
    "title": "Asked",
    "question": "Asked?",
    "vary": ["guidance", "attention"],
    "runs": [
        {
            "method": "dense",
            "guidance": [{"kind": "none"}, {"kind": "cfg", "scale": 1.5}],
            "attention": [{"kind": "exact"}, {"kind": "pisa", "density": [0.25, 1.0], "block": 4}],
        }
    ],
}


def write(root, preset: dict, **studies) -> None:
    """The workspace with keys of preset smoke's `evaluate` changed, and with these studies alone."""
    path = root / "workflow/presets/smoke.yaml"
    content = yaml.safe_load(path.read_text())
    content["evaluate"] |= preset
    path.write_text(yaml.safe_dump(content | {"studies": [*studies]}))
    for file in (root / "ablations").glob("*.yaml"):
        if file.stem != "published":
            file.unlink()
    for name, study in studies.items():
        (root / f"ablations/{name}.yaml").write_text(yaml.safe_dump(study))


@pytest.fixture(scope="module")
def done(new_workspace):
    """done(): the results of a run, evaluated by the preset and by a sweep, with the study's page and costs."""
    root, monkeypatch = new_workspace("asked"), pytest.MonkeyPatch()
    write(root, {"extractors": ["digits-cnn"]}, asked=SWEPT)
    monkeypatch.chdir(root)
    run = next(iter(load_plan("smoke").runs()))
    steps = [["extractor", "digits-cnn"], ["reference"], ["train", run], ["evaluate", run]]
    steps += [["evaluate", run, "--sweep", "asked"], ["cost", "asked"], ["report", "asked"]]

    def go(*given: list[str]) -> None:
        for arguments in given:
            app([*arguments, "--preset", "smoke"], standalone_mode=False)

    go(*steps)
    yield root, run, go
    monkeypatch.undo()


def read(root, name: str) -> dict:
    return json.loads((root / "results/smoke" / name).read_text())


def drawn(root, run: str, key: str) -> torch.Tensor:
    return load_file(root / f"results/smoke/runs/{run}/samples/{key}.safetensors")["pixels"].int()


def test_a_sweep_draws_the_same_weights_with_each_attention_and_names_it(done):
    root, run, _ = done
    found = read(root, f"sweeps/asked/{run}.json")
    entries = {
        (one["guidance"]["kind"], json.dumps(one.get("attention"), sort_keys=True)): one for one in found["evaluations"]
    }
    none, some, whole = (json.dumps(one, sort_keys=True) for one in (None, SOME, ALL))
    assert entries.keys() == {(kind, one) for kind in ("none", "cfg") for one in (none, some, whole)}
    assert len({one["key"] for one in entries.values()}) == 6
    assert all(("attention" in one["identity"]) is ("attention" in one) for one in entries.values())
    assert len({one["identity"]["weights"] for one in entries.values()}) == 1
    for kind in ("none", "cfg"):  # all blocks exactly are exact attention by another way, a quarter of them is not
        exact, near, same = (drawn(root, run, entries[kind, one]["key"]) for one in (none, some, whole))
        assert (same - exact).abs().max() <= 1 and (near - exact).abs().max() > 1
    loss = {one: entries["none", one]["metrics"]["held_out_loss"] for one in (none, some, whole)}
    assert loss[whole] == pytest.approx(loss[none], rel=1e-6) and abs(loss[some] / loss[none] - 1) > 5e-6


def test_what_is_evaluated_as_usual_knows_nothing_of_the_choice(done):
    """So results from before there was one keep their keys, and are measured by today's code."""
    root, run, _ = done
    usual, swept = read(root, f"runs/{run}/metrics.json"), read(root, f"sweeps/asked/{run}.json")
    assert not any("attention" in one or "attention" in one["identity"] for one in usual["evaluations"])
    last = [one for one in usual["evaluations"] if one["step"] == swept["evaluations"][0]["step"]]
    keys = {one["key"] for one in swept["evaluations"] if "attention" not in one}
    assert {one["key"] for one in last} == keys
    code = {"sprint/diffusion/attending.py", "sprint/diffusion/attention/pisa.py"}
    assert not code & usual["code"].keys() and code <= swept["code"].keys()
    kept = [json.loads(path.read_text()) for path in (root / f"results/smoke/runs/{run}/evaluations").glob("*.json")]
    assert sorted(len(code & one["code"].keys()) for one in kept) == [0, 0, 0, 2, 2, 2, 2]


def test_costs_and_page_name_what_each_attention_takes_and_gives(done):
    root, run, _ = done
    steps = read(root, "cost/asked.json")["runs"][run]["sampling_flops_per_step"]
    some, whole = (f"pisa block 4 density {one['density']}" for one in (SOME, ALL))
    assert {*steps} == {"none", "cfg"} | {f"{kind}, {one}" for kind in ("unguided", "CFG") for one in (some, whole)}
    assert steps["unguided, " + some] < steps["unguided, " + whole] and steps["CFG, " + some] < steps["CFG, " + whole]
    page = (root / "reports/smoke/asked.html").read_text(encoding="utf-8")
    assert all(f"{kind}, {one}" in page for kind in ("unguided", "CFG 1.5") for one in (some, whole))
    assert "with unguided" not in page


def test_a_preset_evaluates_every_run_and_draws_pictures_with_its_own(done):
    root, run, go = done
    before = read(root, f"runs/{run}/metrics.json")
    preset = root / "workflow/presets/smoke.yaml"
    usual = preset.read_text()
    try:
        preset.write_text(yaml.safe_dump(yaml.safe_load(usual) | {"evaluate": _with(usual, attention=SOME)}))
        plan = load_plan("smoke")
        assert plan.runs().keys() == {run}, "attention shapes no weights"
        go(["evaluate", run], ["sample", run, "--count", "2"])
        found = read(root, f"runs/{run}/metrics.json")
    finally:
        preset.write_text(usual)
    assert len(found["evaluations"]) == len(before["evaluations"])
    assert all(one["attention"] == one["identity"]["attention"] == SOME for one in found["evaluations"])
    assert json.loads((root / "samples/manifest.json").read_text())["attention"] == SOME


def _with(preset: str, **changes) -> dict:
    return yaml.safe_load(preset)["evaluate"] | changes


@pytest.mark.parametrize(
    ("attention", "sentence"),
    [
        (
            {"kind": "piza"},
            "evaluate.attention: attention 'piza' is unknown (nearest: 'pisa'); known: exact, pisa, tome",
        ),
        ({"kind": "pisa", "desnity": 0.5}, "evaluate.attention: unknown key 'desnity' (nearest: 'density')"),
        ({"kind": "pisa", "density": 2.0}, "evaluate.attention.density is 2.0; allowed: 0 to 1"),
        (
            {"kind": "pisa"},
            "evaluate.attention.block is 64; allowed for a network whose attention is over 16 tokens: 1, 2",
        ),
        (
            {"kind": "pisa", "block": 5},
            "attention.block is 5; allowed for a network whose attention is over 16 tokens: ",
        ),
    ],
    ids=lambda value: "",
)
def test_a_preset_with_an_attention_that_cannot_be_is_refused_when_the_plan_is_read(attention, sentence, workspace):
    write(workspace, {"attention": attention}, asked=SWEPT)
    with pytest.raises(UserError) as error:
        load_plan("smoke", workspace).runs()
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        ({"method": "dense", "attention": [{"kind": "pisa"}]}, "runs[0].attention[0].block is 64; allowed for a"),
        (
            {"method": "dense", "backbone": "uvit", "attention": [{"kind": "pisa", "block": 8}]},
            "runs[0].attention[0].block is 8; allowed for a network whose attention is over 18 tokens: 1, 2, 3, 6, 9",
        ),
        (  # 12 and 4 of its 16 tokens
            {
                "method": "tread",
                "drop": 0.75,
                "guidance": [{"kind": "sparse", "scale": 2.0, "strong": 0.25, "weak": 0.75}],
                "attention": [{"kind": "pisa", "block": 8}],
            },
            "block is 8; allowed for a network whose attention is over 4, 12, 16 tokens: 1, 2, 4",
        ),
    ],
    ids=lambda value: "",
)
def test_a_sweep_that_a_backbone_or_a_guidance_cannot_do_is_refused_when_the_plan_is_read(run, sentence, workspace):
    write(workspace, {}, asked=SWEPT | {"runs": [run]})
    with pytest.raises(UserError) as error:
        load_plan("smoke", workspace).runs()
    assert str(error.value).startswith(str(workspace / "ablations/asked.yaml")) and sentence in str(error.value)
