"""Measured throughput: training steps of both stages and sampling, medians over repeats, with nothing else running.

    sprint bench study methods --preset digits

Networks take turns with each other and with the base, so that a machine that slows down slows all of them, and each
number of a row comes from the same turns. A network that several studies have is measured once: the others' files name
the study that did. Where other code, another machine or other threads measured it, it is measured again.
"""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from sprint.bench import clock
from sprint.bench.sampling import fastest, one_step, ways
from sprint.data import Examples
from sprint.diffusion.guidance import compared_kinds
from sprint.methods import METHODS, YARDSTICK
from sprint.plan.reading import Entry, make_run
from sprint.plan.schedule import sparse_steps
from sprint.plan.schema import Measuring, Preset, Run, Study
from sprint.runtime import provenance
from sprint.runtime.errors import UserError
from sprint.runtime.results import THROUGHPUT
from sprint.teachers.frozen import stand_in
from sprint.training.batches import draw_batch
from sprint.training.step import State, start, train_step

# What sets the speed of a network; seeds and steps do not.
SHAPING = ("method", "drop", "subsampling", "settings", "data", "codec", "image_size", "model")
SAME = ("machine", "versions", "commit", "threads", "batch", "repeats", "base")  # where measured numbers may be shared


def measure_study(study: Study, preset: Preset, threads: int, out: Path) -> dict:
    """Measure each network of a study that no other study beside `out` has measured alike; write and return all."""
    torch.set_num_threads(threads)
    measuring = preset.measure
    about = {
        "study": study.name,
        **provenance.measurement("throughput", threads),
        "batch": measuring.batch,
        "repeats": measuring.repeats,
        "base": YARDSTICK,
        "unit": "images per second",
    }
    known = measured_elsewhere(out, about)
    networks = {run.name: network_of(run) for run in study.runs}
    fresh = {networks[run.name]: run for run in reversed(study.runs) if networks[run.name] not in known}
    if fresh:
        base = next((run for run in study.runs if run.method == YARDSTICK), None)
        base = base or make_run(preset, Entry(YARDSTICK), study.runs[0].seed, YARDSTICK)
        known |= {key: (study.name, speeds) for key, speeds in _measure(base, fresh, measuring).items()}
    result = {
        **about,
        "peak_memory_bytes": provenance.peak_memory(),
        "networks": networks,
        "measured_in": {name: known[network][0] for name, network in networks.items()},
        "runs": {name: known[network][1] for name, network in networks.items()},
    }
    THROUGHPUT.write(out, result)
    return result


def network_of(run: Run) -> str:
    """A short name for all that shapes a run's speed."""
    whole = run.document()
    teacher = [whole["teacher"]] if "teacher" in whole else []
    content = [
        *(whole.get(key) for key in SHAPING),
        *teacher,
        run.train.precision,
        run.train.compile,
        sparse_steps(run) > 0,
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]


def measured_elsewhere(out: Path, about: dict) -> dict[str, tuple[str, dict]]:
    """By network, the study whose file beside `out` measured it itself under the same conditions, and its speeds."""
    found = {}
    for path in sorted(out.parent.glob("*.json")):
        try:
            other = {} if path == out else THROUGHPUT.read(path)
        except UserError as error:
            print(f"{error}; measuring here what it may hold", file=sys.stderr)
            continue
        if all(other.get(key) == about[key] for key in SAME):
            own = [name for name, study in other.get("measured_in", {}).items() if study == other["study"]]
            found |= {other["networks"][name]: (other["study"], other["runs"][name]) for name in own}
    return found


def _measure(base: Run, runs: dict[str, Run], measuring: Measuring) -> dict[str, dict]:
    """All in turns with the base: images per second by what was timed, and how many times the base's they are."""
    examples = base.examples()
    everyone = {network_of(base): base, **runs}
    tasks = {
        ((key, name), way): once
        for key, run in everyone.items()
        for (name, way), once in _tasks(run, examples, measuring).items()
    }
    best = fastest(clock.in_turns(tasks, measuring.repeats, "measuring throughput"))
    found: dict[str, dict] = {key: {} for key in runs}
    for (key, name), (way, taken) in best.items():
        if key in found:
            found[key][name] = clock.summary([measuring.batch / one for one in taken]) | ({"calls": way} if way else {})
            if beside := best.get((network_of(base), name)):
                ratios = [of / own for of, own in zip(beside[1], taken, strict=True)]
                found[key][name] |= {"of_base": clock.summary(ratios)}
    return found


def _tasks(run: Run, examples: Examples, measuring: Measuring) -> dict[tuple[str, str], Callable[[], object]]:
    """What is timed of a run, by name and, where there are several, way: each call handles one batch."""
    state, last = start(run), run.train.steps - 1
    steps = {"train": 0} if sparse_steps(run) else {}
    steps |= {"finetune": last} if sparse_steps(run) <= last else {}
    tasks = {(stage, ""): _stepper(run, state, examples, step) for stage, step in steps.items()}
    for kind in compared_kinds(METHODS[run.method], run.examples().size // run.model.patch):
        for way in ways(kind):
            tasks[f"sample_{kind}", way] = one_step(state.model.image, run, kind, measuring.batch, way)
    return tasks


def _stepper(run: Run, state: State, examples: Examples, step: int) -> Callable[[], None]:
    features = stand_in(run.teacher, examples, examples.size // run.model.patch)

    def once() -> None:
        batch = draw_batch(run, examples, step, state.model.method.skip_rate, features=features)
        train_step(run, state, state.model, batch)

    return once
