"""What is on disk is trusted as far as it deserves: every file of results is as its kind says, or one sentence says why
not, and the rest of the report stands."""

import json
import random

import damage
import pytest
from matplotlib.figure import Figure

from sprint.runtime import results as kinds
from sprint.runtime.errors import UserError
from sprint.runtime.files import read_json

READ, RENDERED = 120, 2  # alterations of each file that are read, and of those accepted that the report is made of


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return damage.Tree(tmp_path_factory.mktemp("damage"))


@pytest.fixture
def undrawn(monkeypatch):
    """Plots are made and not written out: nothing on disk decides what becomes of them then."""
    monkeypatch.setattr(Figure, "savefig", lambda self, stream, **more: stream.write("<svg/>"))


@pytest.fixture(scope="module")
def tried(tree):
    """{path: (refused, accepted)} of some alterations of every file."""
    found = {}
    for path in tree.files():
        every = [*damage.alterations(path)]
        found[path] = tree.tried(path, random.Random(path.name).sample(every, min(READ, len(every))))
    return found


def test_what_the_pipeline_writes_is_what_is_read(tree):
    for path in tree.files():
        assert tree.kind(path).read(path) == read_json(path)


def test_a_refusal_names_the_file_and_the_command_that_makes_it_anew(tree, tried):
    for path, (refused, _) in tried.items():
        made = "train.json" if path.name in ("config.json", "status.json") else path.name
        target = path.relative_to(tree.root).with_name(made)
        command = f"`snakemake --cores all --force {target} --config preset=smoke` makes it anew"
        assert len(refused) > 30
        for said in refused.values():
            assert said.startswith(f"{path}: ") and said.endswith(command) and len(said) < 1200 and "\n" not in said


def test_a_refusal_names_the_key(tree):
    path = next(path for path in tree.files() if path.name == "floor.json")
    refused, _ = tree.tried(path, [*damage.alterations(path)])
    assert ": metrics.accuracy is 'damaged'; allowed: a finite number, or null; " in refused["metrics.accuracy text"]
    assert ": images is missing; allowed: a whole number from 0; " in refused["images removed"]
    assert "not valid JSON (NaN is not a finite number)" in refused["images NaN"]
    assert "nested more than 40 levels deep" in refused["metrics deep"]


def test_what_is_refused_is_said_and_the_rest_of_the_report_stands(tree, tried, undrawn):
    """What the report makes of a refused file does not depend on what is wrong with it: one alteration each."""
    usual = tree.report()
    assert "damaged" not in usual and "Not read" not in usual
    for path in tried:
        whole = path.read_bytes()
        path.write_bytes(b"[1]")
        page = tree.report()
        assert f"{path}: the whole is [1]; allowed: a mapping" in page
        assert "TREAD 75%" in page and "Units and words" in page
        if path.name in ("config.json", "train.json", "metrics.json", "status.json"):
            assert "1 damaged" in page and "damaged: " in page
        for command in (tree.listing, tree.compare):
            try:
                command()
            except UserError as error:
                assert str(path) in str(error)
        path.write_bytes(whole)


def test_a_damaged_run_is_listed_as_such(tree, capsys):
    path = tree.results / "runs" / tree.sides[1] / "train.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:40])
    tree.listing()
    path.write_bytes(whole)
    out = capsys.readouterr().out
    assert any(line.split()[:2] == [tree.sides[1], "damaged"] for line in out.splitlines())
    assert f"not read: {path}: not valid JSON" in out


def test_no_alteration_that_is_accepted_ends_in_a_traceback(tree, tried, undrawn):
    for path, (_, accepted) in tried.items():
        some = random.Random(0).sample([*accepted], min(RENDERED, len(accepted)))
        assert tree.stumbles(path, {what: accepted[what] for what in some}) == []


def test_a_file_of_a_newer_version_is_refused_and_one_without_any_is_read(tmp_path):
    path = tmp_path / "results" / "smoke" / "runs" / "one" / "metrics.time.json"
    kinds.METRICS_TIME.write(path, {"seconds": 1.5})
    assert kinds.METRICS_TIME.read(path) == {"seconds": 1.5, "version": kinds.VERSION}
    path.write_text('{"seconds": 1.5}')
    assert kinds.METRICS_TIME.read(path) == {"seconds": 1.5}
    path.write_text(json.dumps({"seconds": 1.5, "version": kinds.VERSION + 1}))
    with pytest.raises(UserError, match="version is 2; allowed: up to 1, the newest that this version of sprint-bench"):
        kinds.METRICS_TIME.read(path)


def test_a_file_of_another_run_is_refused(tree):
    mine, other = (tree.results / "runs" / name / "metrics.json" for name in tree.sides)
    whole = mine.read_bytes()
    mine.write_bytes(other.read_bytes())
    with pytest.raises(UserError, match=f"run is '{tree.sides[1]}'; allowed: '{tree.sides[0]}', whose place this is"):
        kinds.METRICS.read(mine)
    mine.write_bytes(whole)


def test_equal_content_is_equal_bytes(tmp_path):
    for name, content in (("a", {"x": 1, "seconds": 2.0}), ("b", {"seconds": 2.0, "x": 1})):
        kinds.METRICS_TIME.write(tmp_path / name, content)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_costs_of_a_training_are_all_there_or_none(tree, tmp_path):
    path = next(path for path in tree.files() if path.parent.name == "cost")
    whole = read_json(path)
    (name, costs), *_ = whole["runs"].items()
    of_training = [key for key in costs if key.startswith(("train_", "finetune_"))]
    assert len(of_training) == 4

    def read(changed: dict) -> dict:
        file = tmp_path / path.name
        file.write_text(json.dumps(whole | {"runs": {name: changed}}))
        return kinds.COST.read(file)["runs"][name]

    none = {key: value for key, value in costs.items() if key not in of_training} | {"stages": []}
    assert read(costs) == costs and read(none) == none  # as of a published checkpoint
    for key in of_training:
        with pytest.raises(UserError, match=f"{key} is missing"):
            read({kept: value for kept, value in costs.items() if kept != key})
    with pytest.raises(UserError, match=r"stages is .*at least one"):
        read(costs | {"stages": []})
