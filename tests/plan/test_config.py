"""Presets and studies as functions: expanded fully, checked, and named so that equal runs share a name."""

import dataclasses
import typing
from dataclasses import fields, replace

import pytest
import tiny
import yaml

from sprint.plan.reading import Entry, load_plan, load_preset, load_study, make_run
from sprint.plan.schema import Backbone, Preset, Training
from sprint.runtime.errors import UserError

CHANGES = {  # another value of every field that shapes a run's weights
    "width": 24,
    "depth": 7,
    "heads": 1,
    "patch": 1,
    "positions": "sincos",
    "qk_norm": False,
    "steps": 21,
    "finetune": 0.5,
    "batch": 17,
    "finetune_batch": 17,
    "learning_rate": 1e-3,
    "finetune_learning_rate": 1e-3,
    "warmup": 3,
    "ema": 0.99,
    "clip": 2.0,
    "weight_decay": 0.1,
    "label_drop": 0.2,
    "precision": "bfloat16",
    "milestones": [1.0],
    "threads": 2,
    "compile": True,
    "finetune_from": "average",
    "finetune_warmup": 3,
    "finetune_on": "kept",
}


def refusal(call, *arguments) -> str:
    with pytest.raises(UserError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def study(folder, preset=None, **content):
    """A study of preset smoke from the given keys."""
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump({"title": "T", "question": "Q?", "vary": ["drop"], **content}))
    return load_study(path, preset or tiny.smoke())


# Names


def test_a_run_is_named_alike_in_every_study_and_every_time():
    plan = load_plan("smoke", tiny.ROOT)
    again = load_plan("smoke", tiny.ROOT)
    assert list(plan.runs()) == list(again.runs())
    assert all(plan.run(run.name) == run for found in map(plan.study, plan.studies) for run in found.runs)
    shared = [run.name for run in plan.study("methods").runs if run in plan.study("drop_ratio").runs]
    assert shared and len(plan.runs()) < sum(len(found.runs) for found in map(plan.study, plan.studies))


def test_a_setting_written_out_makes_the_same_run_as_the_one_left_to_its_default(tmp_path):
    left = {"method": "sprint", "drop": 0.75}
    written = {**left, "subsampling": "structured", "settings": {"split": "1/4/1"}, "train": {"steps": 20}}
    assert [run.name for run in study(tmp_path, runs=[left, written]).runs] == [tiny.run("sprint", 0.75).name]
    starred = {**left, "settings": {"split": "*/4/1", "path_drop": 0.1}}
    assert study(tmp_path, runs=[starred]).runs == [tiny.run("sprint", 0.75)]


def test_a_name_is_a_safe_file_name_that_says_what_sets_the_run_apart():
    run = make_run(tiny.smoke(), Entry("sprint", 0.75, "random", {"split": "2/2/2"}), 3, "test")
    assert run.name == f"sprint-drop75-split2_2_2-subsamplingrandom-seed3-{run.hash}"
    assert len(run.hash) == 8 and int(run.hash, 16) >= 0
    assert run.label == "SPRINT 75%, split 2/2/2, subsampling random"


def test_every_field_of_backbone_and_training_is_among_the_changes_below():
    known = {part.name for kind in (Backbone, Training) for part in fields(kind) if "derived" not in part.metadata}
    assert known - set(CHANGES) <= {"checkpoint_every"}


@pytest.mark.parametrize("key", CHANGES)
def test_whatever_shapes_the_weights_shapes_the_hash(key):
    run = tiny.run("sprint", 0.75)
    part = "model" if key in {known.name for known in fields(Backbone)} else "train"
    changed = replace(run, **{part: replace(getattr(run, part), **{key: CHANGES[key]})})
    assert getattr(getattr(run, part), key) != CHANGES[key] and changed.hash != run.hash


@pytest.mark.parametrize(
    "change",
    [
        {"method": "tread"},
        {"drop": 0.5},
        {"subsampling": "random"},
        {"seed": 1},
        {"image_size": 16},
        {"data": {"name": "image_folder", "path": "x"}},
        {"settings": {"split": "2/2/2"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_else_shapes_the_weights_does_too(change):
    run = tiny.run("sprint", 0.75)
    changed = replace(run, **change)
    assert changed.hash != run.hash and changed.name != run.name and changed.name.endswith(changed.hash)


def test_what_only_judges_the_weights_leaves_the_name():
    evaluate = replace(tiny.smoke().evaluate, images=99, sample_seed=9)
    other = replace(tiny.smoke(), name="other", evaluate=evaluate, seeds=[0, 1], studies=[])
    entry = Entry("sprint", 0.75)
    assert make_run(other, entry, 0, "test").name == make_run(tiny.smoke(), entry, 0, "test").name


# Grids


def test_lists_stand_for_each_of_their_values_and_seeds_for_each_run(tmp_path):
    preset = replace(tiny.smoke(), seeds=[0, 5])
    grid = {"method": ["sprint", "tread"], "drop": [0.5, 0.75], "train": {"finetune": [0.1, 0.2]}}
    runs = study(tmp_path, preset, runs=[grid]).runs
    found = {(run.method, run.drop, run.train.finetune, run.seed) for run in runs}
    assert len(runs) == len(found) == 16 and {value[0] for value in found} == {"sprint", "tread"}
    assert {run.seed for run in study(tmp_path, preset, runs=[grid], seeds=1).runs} == {0}


def test_guidance_grids_are_evaluations_and_not_runs(tmp_path):
    guidance = [{"kind": ["cfg", "pdg"], "scale": [1.5, 2]}, {"kind": "cfg", "scale": 3, "interval": [0.1, 0.6]}]
    found = study(tmp_path, runs=[{"method": "sprint", "drop": 0.75, "guidance": guidance}])
    (name,) = found.sweeps
    assert name == tiny.run("sprint", 0.75).name and [run.name for run in found.runs] == [name]
    assert [item.text() for item in found.sweeps[name]] == [
        "CFG 1.5",
        "CFG 2",
        "PDG 1.5",
        "PDG 2",
        "CFG 3 on [0.1, 0.6]",
    ]


def test_impossible_points_are_listed_where_a_study_asks_for_it_and_refused_elsewhere(tmp_path):
    runs = [{"method": "sprint", "drop": [0.7, 0.75]}]
    found = study(tmp_path, runs=runs, show_impossible=True)
    assert [run.drop for run in found.runs] == [0.75]
    (impossible,) = found.impossible
    assert impossible["label"] == "SPRINT 70%" and impossible["reason"].startswith("drop: drop is 0.7; ")
    assert "study.yaml: runs[0].drop: drop is 0.7" in refusal(lambda: study(tmp_path, runs=runs))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"runs": []}, "runs makes no run at all"),
        ({"runs": [{"method": []}]}, "runs makes no run at all"),
        ({"runs": [{"drop": 0.5}]}, "runs[0].method is missing"),
        ({"runs": [{"method": "spritn"}]}, "runs[0].method: method 'spritn' is unknown (nearest: 'sprint')"),
        ({"runs": [{"method": "sprint", "dorp": 0.5}]}, "runs[0]: unknown key 'dorp' (nearest: 'drop')"),
        ({"runs": [{"method": "sprint", "settings": {"spilt": "x"}}]}, "unknown key 'spilt' (nearest: 'split')"),
        ({"runs": [{"method": "sprint", "settings": {"split": "1/1/1"}}]}, "adding up to the depth 6"),
        ({"runs": [{"method": "sprint", "settings": {"path_drop": 1.5}}]}, "path_drop is 1.5; allowed: a probability"),
        ({"runs": [{"method": "sprint", "train": {"step": 5}}]}, "unknown key 'step' (nearest: 'steps')"),
        ({"runs": [{"method": "sprint", "train": {"steps": 0}}]}, "train.steps is 0; allowed: 1 to"),
        ({"runs": [{"method": "sprint", "train": {"batch": -1}}]}, "train.batch is -1; allowed: 1 to"),
        ({"runs": [{"method": "sprint", "train": {"finetune": 1.5}}]}, "train.finetune is 1.5; allowed: 0 to 1"),
        ({"runs": [{"method": "sprint", "train": {"learning_rate": float("nan")}}]}, "learning_rate is nan"),
        ({"runs": [{"method": "sprint", "train": {"precision": "half"}}]}, "precision is 'half'; allowed: float32"),
        ({"runs": [{"method": "sprint", "settings": 5}]}, "runs[0].settings is 5; allowed: a mapping"),
        ({"runs": [{"method": "dense", "drop": 0.5}]}, "drop is 0.5; allowed: 0"),
        ({"runs": [{"method": "dense", "subsampling": "random"}]}, "drops no tokens; leave it out"),
        ({"runs": [{"method": "sprint", "subsampling": "odd"}]}, "subsampling is 'odd'; allowed: random, structured"),
        ({"runs": [{"method": "dense", "guidance": [{"kind": "pdg", "scale": 2}]}]}, "has no path to drop"),
        ({"runs": [{"method": "dense", "guidance": [{"kind": "cfg", "scale": "x"}]}]}, "scale is 'x'; allowed: a"),
        ({"runs": [{"method": "dense"}], "sedes": 1}, "unknown key 'sedes' (nearest: 'seeds')"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_a_study_that_cannot_be_is_refused_by_file_and_key(content, sentence, tmp_path):
    said = refusal(lambda: study(tmp_path, **content))
    assert str(tmp_path / "study.yaml") in said and sentence in said


# Presets


def edited(workspace, changes: dict):
    """Preset smoke with keys such as train.steps changed, or removed where the value is None."""
    path = workspace / "workflow" / "presets" / "smoke.yaml"
    content = yaml.safe_load(path.read_text())
    for key, value in changes.items():
        *parents, last = key.split(".")
        place = content
        for parent in parents:
            place = place.setdefault(parent, {})
        place.pop(last, None) if value is None else place.update({last: value})
    path.write_text(yaml.safe_dump(content))
    return load_preset("smoke", workspace)


def bounds(cls: type = Preset, prefix: str = "") -> dict[str, tuple]:
    """Every key of a preset that is a number, with its range, from the fields themselves."""
    found, hints = {}, typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if dataclasses.is_dataclass(hints[field.name]):
            found |= bounds(hints[field.name], f"{prefix}{field.name}.")
        elif field.metadata.get("range"):
            found[f"{prefix}{field.name}"] = field.metadata["range"]
    return found


def test_every_number_of_a_preset_has_a_range():
    assert len(bounds()) >= 30 and {"train.steps", "model.width", "evaluate.images", "cluster.gpus"} <= bounds().keys()


@pytest.mark.parametrize("key", bounds())
def test_numbers_out_of_range_are_refused_with_the_range(key, workspace):
    low, high = bounds()[key]
    said = refusal(edited, workspace, {key: low - 1})
    assert f"smoke.yaml: {key} is " in said and said.endswith(f"allowed: {low:g} to {high:g}")
    assert f"{key} is " in refusal(edited, workspace, {key: high + 1 if isinstance(high, int) else high * 2})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"train.steps": None}, "train.steps is missing; allowed: a whole number"),
        ({"train.stpes": 5}, "train: unknown key 'stpes' (nearest: 'steps')"),
        ({"name": "x"}, "a preset is named by its file"),
        ({"model.patch": 3}, "model.patch is 3; allowed: a divisor of image_size 8"),
        ({"model.width": 20}, "model.width is 20; allowed: a multiple of 4 x heads = 8"),
        ({"model.positions": "none"}, "model.positions is 'none'; allowed: sincos, rope2d"),
        ({"train.precision": "float16"}, "train.precision is 'float16'; allowed: float32, bfloat16"),
        ({"train.milestones": [0.5]}, "train.milestones is [0.5]; allowed: rising shares of the steps that end in 1"),
        ({"train.milestones": [0.5, 0.2, 1.0]}, "rising shares"),
        ({"train.milestones": [0.0, 1.0]}, "train.milestones is 0.0"),
        ({"seeds": []}, "seeds is []; allowed: a list of one or more"),
        ({"seeds": [1, 1]}, "seeds is [1, 1]"),
        ({"data": {"name": "digitz"}}, "data set 'digitz' is unknown (nearest: 'digits'); known: digits"),
        ({"data": {"name": "digits", "path": "x"}}, "unknown key 'path'"),
        ({"data": {}}, "data: name is missing; allowed: digits"),
        ({"image_size": 16}, "image_size is 16; allowed for digits: 8"),
        ({"evaluate.sampler": {"kind": "ddim"}}, "sampler 'ddim' is unknown (nearest: 'adams'); known: adams, euler"),
        ({"methods": {"spritn": {}}}, "method 'spritn' is unknown"),
        ({"methods": {"sprint": {"spilt": "x"}}}, "unknown key 'spilt' (nearest: 'split')"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_a_preset_that_cannot_be_is_refused_by_file_and_key(changes, sentence, workspace):
    said = refusal(edited, workspace, changes)
    assert said.startswith(str(workspace / "workflow" / "presets" / "smoke.yaml")) and sentence in said


def test_unknown_presets_studies_and_runs_are_refused_with_the_nearest(workspace):
    assert "preset 'smok' is unknown (nearest: 'smoke')" in refusal(load_preset, "smok", workspace)
    plan = load_plan("smoke", workspace)
    assert "study 'method' is unknown (nearest: 'methods')" in refusal(plan.study, "method")
    name = next(iter(plan.runs()))
    assert f"(nearest: {name!r})" in refusal(plan.run, f"{name[:-1]}x")
    edited(workspace, {"studies": ["methods", "drop_ration"]})
    assert "studies: study 'drop_ration' is unknown (nearest: 'drop_ratio')" in refusal(load_plan, "smoke", workspace)


def test_a_run_is_found_without_reading_studies_that_do_not_have_it(workspace):
    plan = load_plan("smoke", workspace)
    first = plan.preset.studies[0]
    run = plan.study(first).runs[0]
    (workspace / "ablations" / "broken.yaml").write_text("title: [", encoding="utf-8")
    plan = load_plan("smoke", workspace)
    assert plan.run(run.name) == run
    assert "broken.yaml" in refusal(plan.runs)


def test_the_presets_and_studies_of_the_repository_are_right():
    for path in sorted((tiny.ROOT / "workflow" / "presets").glob("*.yaml")):
        plan = load_plan(path.stem, tiny.ROOT)
        assert plan.preset.name == path.stem and plan.runs()
        assert all(plan.study(name).runs for name in plan.preset.studies)
