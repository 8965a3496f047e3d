"""Every flag of every command, fuzzed: never a traceback; exit status 0 or 2; one sentence that names what is wrong.

The commands and their flags are read from the command line itself, so that new ones are tried too.
"""

import contextlib
import io
import itertools
import os
import re
import sys

import pytest
import trial
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sprint.cli import main as cli


def commands(group, *path: str) -> dict:
    """Every command by all its words, such as "bench train"."""
    found = {}
    for name, command in group.commands.items():
        inner = hasattr(command, "commands")
        found |= commands(command, *path, name) if inner else {" ".join((*path, name)): command}
    return found


COMMANDS = commands(typer.main.get_command(cli.app))
EXAMPLES = trial.times(8, 400)  # of each command
SAY_NO = {"parity", "doctor", "check"}  # with status 1, which is their answer
SLOW = {"bench study", "bench evaluate", "doctor", "extractor", "paper-costs"}  # elsewhere tried with nothing odd
LONG = {"bench train", "bench sample", "bench scaling"}  # where the words are good; below, flag by flag
ODD_WORDS = """0 -1 1 2 1e999 nan -inf 0x10 ² 1_000 -9223372036854775809 0.5 - -- . .. / ../.. /dev/null ~ * a/b ü
\udcff %s {} $(id) <script> --help -h --version none pdg cfg sit XL/2 S/8 1x1x1/1 4x8x2/2 999999x1x1/1 dense sprint one
scratch smoke digits-cnn 1/*/1"""
WORDS = st.one_of(
    st.sampled_from([*ODD_WORDS.split(), "", " ", " 7 ", "9" * 30, "a" * 300, "\u202e", "\n", "x\ty"]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
    st.integers(-3, 12).map(str),
    st.floats().map(str),
)


@pytest.fixture(scope="module")
def project(new_workspace) -> trial.Project:
    """One project for all examples, entered, with a trained run."""
    project = trial.Project(new_workspace("flags"), train={"steps": 4, "warmup": 1})
    before = os.getcwd()
    os.chdir(project.folder)
    assert call(*project.train_command)[0] == 0
    yield project
    os.chdir(before)


def call(*arguments: str) -> tuple[int, str, str]:
    """Status, stdout and stderr of a command in this process; whatever is no SystemExit is a traceback."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    before, sys.argv = sys.argv, ["sprint", *arguments]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
            cli.main()
    finally:
        sys.argv = before
    printed = [stream.buffer.getvalue().decode("utf-8") for stream in (out, err) if not stream.flush()]
    return ended.value.code or 0, *printed


def judged(arguments: list[str]) -> tuple[int, str, str]:
    """The command ends as every command must: its status, stdout and stderr."""
    status, out, err = call(*arguments)
    assert status in (0, 2) or (status == 1 and arguments[0] in SAY_NO), (arguments, status, err)
    assert "Traceback" not in err
    if status == 2 and err.strip():
        said = re.findall(r"^(?:sprint|Error): (.*)$", err, re.M)
        assert len(said) == 1 and 3 < len(said[0]) < 3000, (arguments, err)
        assert err.startswith(("sprint: ", "Usage: ")) and not err.split(said[0], 1)[1].strip(), (arguments, err)
    return status, out, err


def flag(parameter) -> str:
    """How a parameter is written on the command line; "" for one that has no flag."""
    return parameter.opts[0] if parameter.opts[0].startswith("-") else ""


def usual(parameter, project) -> list[str]:
    """Words for a parameter to which nothing can be objected."""
    if not parameter.required and parameter.name != "preset":
        return []
    known = {"run": project.run.name, "run_a": project.run.name, "run_b": project.run.name, "study": "one"}
    known |= {
        "preset": project.preset,
        "source": "sit",
        "model": "XL/2",
        "out": "out",
        "name": "digits-cnn",
        "method": "dense",
    }
    value = known.get(parameter.name, "absent")
    return [flag(parameter), value] if flag(parameter) else [value]


@st.composite
def lines(draw, command):
    """A command line: usual words, some of them replaced by odd ones, some flags and words too many."""
    chosen = []
    for parameter in command.params:
        odd = draw(st.integers(0, 2)) == 0
        if not odd:
            chosen.append(parameter)
        elif getattr(parameter, "is_flag", False):
            chosen.append([flag(parameter)])
        else:
            value = draw(WORDS)
            chosen.append([flag(parameter), value] if flag(parameter) else [value])
    return chosen, draw(st.lists(WORDS, max_size=1)) if draw(st.integers(0, 4)) == 0 else []


def written(line, project) -> list[str]:
    chosen, surplus = line
    words = [part if isinstance(part, list) else usual(part, project) for part in chosen]
    return [*itertools.chain(*words), *surplus]


@pytest.mark.fault(
    "command lines of odd words, every command and flag", "exit status 0 or 2, one sentence, no traceback"
)
@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - LONG))
def test_any_command_line_is_taken_or_refused(name, project, tried):
    examples = max(2, EXAMPLES // 20) if name in SLOW else EXAMPLES

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=not trial.FULL,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(lines(COMMANDS[name]))
    def every(line):
        if name in SLOW and all(not isinstance(part, list) for part in line[0]) and not line[1]:
            return
        judged([*name.split(), *written(line, project)])

    every()
    tried(examples)


FLAGS = [(name, parameter) for name in sorted(COMMANDS) for parameter in COMMANDS[name].params if flag(parameter)]
BESIDE = {"cost": ["--model", "S/8"]}  # what else a command takes
TAKEN = {"--held-out": ["0"], "--shift": ["-1"]}  # where what is odd elsewhere is not
ODD = {int: ["0", "-1", "x", "9" * 30, "1.5"], float: ["nan", "inf", "-1", "x"]}


@pytest.mark.fault(
    "one odd value for each flag", "exit status 2, one sentence that names the flag or what it sets, and the value"
)
@pytest.mark.parametrize("name, parameter", FLAGS, ids=[f"{name} {flag(parameter)}" for name, parameter in FLAGS])
def test_the_flag_and_its_value_are_named(name, parameter, project, tried):
    others = [word for other in COMMANDS[name].params if other is not parameter for word in usual(other, project)]
    odd = ODD.get(parameter.type_descriptor.annotation, [])
    values = [value for value in odd if value not in TAKEN.get(flag(parameter), [])]
    for value in values:
        status, _, err = judged([*name.split(), *others, *BESIDE.get(name, []), flag(parameter), value])
        assert status == 2 and flag(parameter).strip("-").replace("-", " ") in err.replace("-", " "), err
        assert value[:12] in err and "allowed" in err, err
    tried(len(values))
