"""What the tests of faults do their faults to: a scratch project with one small run, and a disk that fills up."""

import os
import re
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
FULL = os.environ.get("FAULTS") == "full"
STEPS, EVERY = 90, 3
MODEL = {"width": 16, "depth": 3, "heads": 2, "patch": 2, "positions": "rope2d", "qk_norm": True}
STUDY = {"title": "One", "question": "What?", "vary": ["method"], "runs": [{"method": "sprint", "drop": 0.75}]}


def times(few: int, many: int) -> int:
    """How often a fault is done: few in `make test`, many in `make faults`."""
    return many if FULL else few


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one line with which the command refused; holds it to be one, with status 2."""
        lines = [line for line in self.err.splitlines() if line.startswith("sprint: ")]
        assert self.status == 2 and len(lines) == 1 and "Traceback" not in self.err, self
        return lines[0].removeprefix("sprint: ")


class Project:
    """A workspace reduced to preset `scratch`, one study and one run of it."""

    preset = "scratch"

    def __init__(self, folder: Path, **changes):
        """`changes` are keys of the preset; those of `train` are added to the usual ones."""
        self.folder = folder
        scale = yaml.safe_load((folder / "workflow/presets/smoke.yaml").read_text()) | {
            "studies": ["one"],
            "methods": {},
        }
        train = scale["train"] | {"steps": STEPS, "checkpoint_every": EVERY} | changes.pop("train", {})
        evaluate = scale["evaluate"] | {
            "images": 20,
            "guidance": [{"kind": "none"}],
            "extractors": ["digits-cnn"],
            "held_out": 0,
        }
        scale |= {
            "model": MODEL,
            "methods": {"sprint": {"split": "1/*/1"}},
            "train": train,
            "evaluate": evaluate,
            "extractor_steps": 4,
            **changes,
        }
        for path in (folder / "ablations").glob("*.yaml"):
            path.unlink()
        self.write("workflow/presets/scratch.yaml", scale)
        self.write("ablations/one.yaml", STUDY)

    def write(self, path: str, document: dict) -> None:
        (self.folder / path).write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")

    @cached_property
    def run(self):
        """The one run."""
        from sprint.plan.reading import load_plan

        (run,) = load_plan(self.preset, self.folder, data_too=False).runs().values()
        return run

    @property
    def results(self) -> Path:
        return self.folder / "results" / self.preset

    @property
    def run_folder(self) -> Path:
        return self.results / "runs" / self.run.name

    @property
    def train_command(self) -> list[str]:
        return ["train", self.run.name, "--preset", self.preset]

    def undisturbed(self, folder: Path) -> dict[str, bytes]:
        """The weights of the run, trained elsewhere from start to end."""
        from sprint.training.loop import train

        train(self.run, folder)
        return weights(folder)

    def start(self, *arguments: str, limits: dict | None = None, **environment: str) -> subprocess.Popen:
        """A real command in a process of its own; `limits` are of its resources, soft and hard."""
        scripts = {
            "OMP_NUM_THREADS": "1",
            "NO_COLOR": "1",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        return subprocess.Popen(
            [sys.executable, "-m", "sprint.cli", *arguments],
            cwd=self.folder,
            env=os.environ | scripts | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: [resource.setrlimit(kind, limit) for kind, limit in (limits or {}).items()],
        )

    def train(self, **environment: str) -> Ended:
        """The real training, to its end."""
        return ended(self.start(*self.train_command, **environment))

    def reached(self) -> int:
        """The step of the newest checkpoint; -1 before the training has begun."""
        steps = [int(path.stem.removeprefix("step-")) for path in self.run_folder.glob("checkpoints/step-*.json")]
        return max(steps, default=0 if (self.run_folder / "status.json").exists() else -1)

    def wait_for(self, step: int, process: subprocess.Popen) -> bool:
        """Wait until a process that trains has reached a step; whether it did before its end."""
        folder, deadline = self.run_folder, time.monotonic() + 240
        while self.reached() < step:
            if process.poll() is not None:
                return False
            assert time.monotonic() < deadline, f"step {step} not reached in {folder}"
            time.sleep(0.002)
        return process.poll() is None


def ended(process: subprocess.Popen) -> Ended:
    """A started process once it has ended, seen never to show a traceback."""
    out, err = (part.decode("utf-8", "replace") for part in process.communicate(timeout=300))
    assert "Traceback" not in err, err
    return Ended(process.returncode, out, err)


def weights(folder: Path) -> dict[str, bytes]:
    """The averaged weights of every milestone of a run, byte for byte."""
    return {path.name: path.read_bytes() for path in sorted((folder / "milestones").glob("*.safetensors"))}


def contents(folder: Path, *besides: str) -> dict[str, bytes]:
    """Every file below a folder but those named."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in besides
    }


def interrupt(monkeypatch, step: int) -> None:
    """Have a training in this process be sent SIGTERM when it is about to take a step, once."""
    from sprint.training import loop as train

    draw = train.draw_batch

    def drawn(run, images, number, *told):
        if number == step:
            monkeypatch.setattr(train, "draw_batch", draw)
            os.kill(os.getpid(), signal.SIGTERM)
        return draw(run, images, number, *told)

    monkeypatch.setattr(train, "draw_batch", drawn)


def page_text(page: Path) -> str:
    """What a report says, without its marks and pictures."""
    return re.sub(r"<[^>]*>", " ", page.read_text(encoding="utf-8"))


class Disk:
    """A small file system that can be filled to the last page."""

    def __init__(self, folder: Path):
        self.folder, self.ballast = folder, folder / "ballast"

    def fill(self, left: int) -> None:
        """Leave only so many bytes."""
        state = os.statvfs(self.folder)
        self.ballast.write_bytes(bytes(max(0, state.f_bavail * state.f_frsize - left)))

    def make_space(self) -> None:
        self.ballast.unlink()
