"""What code shaped a result is recorded with it, told where it is not today's, and trains anew with Snakemake."""

import json
import re
import subprocess
import sys

import damage
import pytest
import tiny

from sprint.runtime import code
from sprint.training import checkpoint
from sprint.training.loop import train

TREAD = "sprint/methods/tread.py"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of its own in the place of ours: package(name, text) writes a file of it."""
    monkeypatch.setattr(code, "PACKAGE", tmp_path / "sprint")

    def write(name: str, text: str):
        path = tmp_path / "sprint" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return code.shaping("sprint.methods.mine")

    write("nn/layers.py", "def layer(x):\n    return x\n")
    write("nn/other.py", "def other(x):\n    return x\n")
    write("runtime/errors.py", "class UserError(Exception): ...\n")
    write("methods/mine.py", MINE)
    return write


MINE = '''"""What it is."""
from sprint.nn.layers import layer
from sprint.runtime.errors import UserError

class Mine:
    """The method."""
    title = "Mine"
    def forward(self, x):
        return layer(x) * 2
'''


def test_a_method_counts_with_what_it_imports_and_nothing_else(package):
    assert [*package("methods/mine.py", MINE)] == ["sprint/methods/mine.py", "sprint/nn/layers.py"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("        return layer(x) * 2", "        # twice\n        return (layer(x)\n                * 2)"),
        ("What it is.", "What it was."),
        ("The method.", "A method."),
        ('title = "Mine"', 'title = "Yours"'),
    ],
)
def test_comments_lines_and_texts_are_not_code(package, old, new):
    before = package("methods/mine.py", MINE)
    assert old in MINE and package("methods/mine.py", MINE.replace(old, new)) == before


def test_what_computes_otherwise_is_other_code(package):
    before = package("methods/mine.py", MINE)
    package("methods/mine.py", MINE.replace("* 2", "* 0"))
    assert code.changed(before) == ["sprint/methods/mine.py"]
    package("methods/mine.py", MINE)
    package("nn/other.py", "changed = 1\n")
    assert code.changed(before) == []
    package("nn/layers.py", "def layer(x):\n    return x + 1\n")
    assert code.changed(before) == ["sprint/nn/layers.py"]
    assert code.remark({"code": before}) == "trained with other code: sprint/nn/layers.py"
    assert code.remark({}) == "" and code.changed({}) == []


def test_other_versions_of_torch_are_told():
    assert "trained with torch 0.1, where " in code.remark({"versions": {"torch": "0.1"}})


def test_it_imports_no_torch():
    said = "code.shaping('sprint.methods.tread'); print('torch' in sys.modules)"
    script = f"import sys; from sprint.runtime import code; {said}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_training_records_its_code_and_goes_on_from_no_checkpoint_of_other_code(tmp_path, capsys):
    run = tiny.run("tread", steps=6, checkpoint_every=2)
    result = train(run, tmp_path)
    assert result["code"] == run.code and TREAD in result["code"] and code.remark(result) == ""
    tensors = {"x": tiny.torch.zeros(1)}
    checkpoint.write(tmp_path / "own", 2, tensors, {"code": run.code}, run.hash)
    assert checkpoint.latest(tmp_path / "own", run.hash)[1]["step"] == 2
    checkpoint.write(tmp_path / "own", 4, tensors, {"code": {**run.code, TREAD: "0" * 16}}, run.hash)
    assert checkpoint.latest(tmp_path / "own", run.hash)[1]["step"] == 2
    assert f"trained with other code: {TREAD}; not used" in capsys.readouterr().err


def test_list_compare_and_report_tell_of_other_code(tmp_path, capsys):
    tree = damage.Tree(tmp_path)
    run = tree.plan.runs()[tree.sides[1]]
    path = tree.results / "runs" / run.name / "train.json"
    for digest, said in ((run.code["sprint/nn/layers.py"], False), ("0" * 16, True)):
        document = json.loads(path.read_text()) | {"code": {"sprint/nn/layers.py": digest}, "versions": {}}
        path.write_text(json.dumps(document))
        tree.listing()
        assert ("other code: sprint/nn/layers.py" in capsys.readouterr().out) == said
        tree.compare()
        assert ("other code: sprint/nn/layers.py" in capsys.readouterr().out) == said
        assert ("other code: sprint/nn/layers.py" in tree.report()) == said


def test_snakemake_trains_anew_what_other_code_trained(checkout, snakemake, run_cli):
    """In a copy: a comment changes nothing, a method's code its own run and no other."""
    copy = {"PYTHONPATH": str(checkout)}
    listed = run_cli("list", "--preset", "smoke", cwd=checkout, env=copy).stdout
    names = [re.search(rf"^{method}\S*seed0\S*", listed, re.M)[0] for method in ("tread", "dense")]
    targets = [f"results/smoke/runs/{name}/train.json" for name in names]

    def make(*more):
        done = snakemake(*more, *targets, "--config", "preset=smoke", cwd=checkout, env=copy)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    make()
    file = checkout / TREAD
    whole = file.read_text()
    file.write_text(whole + "# a remark\n")
    assert "Nothing to be done" in make("-n")
    file.write_text(whole + "\nUNUSED = 0\n")
    told = run_cli("train", names[0], "--preset", "smoke", cwd=checkout, env=copy)
    assert f"trained with other code: {TREAD}" in told.stderr and targets[0] in told.stderr
    assert re.search(r"^train +1$", make("-n"), re.M), "its own run and no other"
    make()
    assert "Nothing to be done" in make("-n")
    assert "other code" not in run_cli("list", "--preset", "smoke", cwd=checkout, env=copy).stdout
