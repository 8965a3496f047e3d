"""A small tree of results in the formats of the pipeline, and every way in which a file of it is damaged here.

`tests/runtime/test_results.py` tries a sample of them, `make faults` all.
"""

import copy
import dataclasses
import functools
import html
import json
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import fake_results
from fake_results import MACHINE, VERSIONS, evaluation, guided

from sprint.cli.answers.compare import print_comparison
from sprint.cli.listing import for_report, print_plan
from sprint.plan.outline import outline_of
from sprint.plan.reading import load_preset, load_study
from sprint.plan.schema import Plan, Study
from sprint.report import render_index
from sprint.report.export import study_csv
from sprint.report.read import read_study
from sprint.runtime import results as kinds
from sprint.runtime.code import shaping
from sprint.runtime.errors import UserError, sentence
from sprint.runtime.files import write_json

ROOT = Path(__file__).resolve().parent.parent
PRESET = "smoke"
METHODS = ("dense", "sprint")
BEGUN = "tread"  # of which a run was begun and has not ended
REPLICATES = 4
DEEP = 3000  # levels of nesting: more than Python's stack allows
MADE_BY = {"code": shaping("sprint.metrics.kid"), "versions": {"torch": metadata.version("torch")}}
WRONG = {
    "null": None,
    "true": True,
    "text": "damaged",
    "markup": "<b>damaged</b> \x00 \u202e",
    "half a letter": "\ud800",
    "zero": 0,
    "negative": -3,
    "fraction": 0.37,
    "huge": 10**40,
    "huger": 1e308,
    "NaN": float("nan"),
    "infinite": float("inf"),
    "empty list": [],
    "list": [None, "damaged"],
    "empty mapping": {},
    "mapping": {"damaged": ["damaged"]},
    "long text": "damaged " * 20_000,
}


def plan() -> Plan:
    """The studies `methods` and `guidance` of preset smoke, with two seeds and few methods."""
    preset = dataclasses.replace(load_preset(PRESET, ROOT, data_too=False), seeds=[0, 1])
    studies = {}
    for name in ("methods", "guidance"):
        study = load_study(ROOT / "ablations" / f"{name}.yaml", preset)
        runs = [run for run in study.runs if run.method in (*METHODS, BEGUN) and run.drop in (0.0, 0.75)]
        sweeps = {run.name: study.sweeps[run.name] for run in runs if run.name in study.sweeps}
        studies[name] = dataclasses.replace(study, runs=runs, sweeps=sweeps)
    read = {name: functools.partial(studies.get, name) for name in studies}
    return Plan(dataclasses.replace(preset, studies=[*studies]), read)


def write_results(of: Plan, results: Path) -> None:
    """Every kind of results file that the report, `sprint list` and `sprint compare` read."""
    floor = {"data": "digits", "images": 898, "reference_images": 898, "metrics": fake_results.FLOOR, "reasons": {}}
    noise = {name: value * 40 if name.startswith("fd") else value for name, value in fake_results.FLOOR.items()}
    floor["untrained"] = {"images": 40, "metrics": noise, "reasons": {}}
    floor |= MADE_BY
    write_json(results / "reference" / "floor.json", floor)
    about = {"seed": 0, "steps": 30, "data": "digits", "dim": 64, "held_out_accuracy": 0.9, "seconds": 4.5}
    about |= MADE_BY
    write_json(results / "extractors" / "digits-cnn.json", {"name": "digits-cnn", "sha256": "ab" * 32, **about})
    for run in of.runs().values():
        _write_run(run, results)
    for study in map(of.study, of.studies):
        _write_study(study, results)
    write_json(results / "scaling.json", _scaling())


def _write_run(run, results: Path) -> None:
    folder, steps = results / "runs" / run.name, run.train.steps
    facts = {"name": run.name, "label": run.label, "channels": 1, "classes": 10, "images": 1797}
    write_json(folder / "config.json", {**run.document(), **facts, "images_sha256": "ab" * 32})
    if run.method == BEGUN:
        return write_json(folder / "status.json", {"state": "interrupted", "reason": "stopped at step 3 of 20"})
    marks = [
        {"step": at, "stage": stage, "seconds": 0.1 * at}
        for at, stage in ((steps // 2, "pretrain"), (steps, "finetune"))
    ]
    log = {"state": "done", "reason": "", "step": steps, "steps": steps, "seconds": 0.1 * steps, "milestones": marks}
    log |= {"losses": [[1, 1.9], [steps, 0.6]], "machine": MACHINE, "versions": VERSIONS, "commit": "abc1234"}
    log |= {"processes": 1, "peak_memory_bytes": 1 << 28, "ended": "2026-01-05 10:00:00"}
    write_json(folder / "train.json", log)
    write_json(folder / "status.json", {"state": "done", "reason": ""})
    distance = 38.0 if run.method == "dense" else 44.0
    entries = [_evaluation(run, steps // 2, "none", 1.0, 2 * distance), _evaluation(run, steps, "none", 1.0, distance)]
    entries.append(_evaluation(run, steps, "cfg", 1.5, distance * guided("cfg", 1.5)))
    found = {"run": run.name, "state": "done", "reason": "", "evaluations": entries}
    write_json(folder / "metrics.json", found | MADE_BY)
    write_json(folder / "metrics.time.json", {"seconds": 12.0})


def _evaluation(run, step: int, kind: str, scale: float, distance: float) -> dict:
    entry = evaluation(step, kind, scale, distance + run.seed, 40)
    entry |= {"stage": "finetune" if step == run.train.steps else "pretrain", "reasons": {}}
    entry["metrics"] = {**entry["metrics"], "fd_infinity/digits-cnn": None}
    entry["reasons"] = {"fd_infinity/digits-cnn": "needs more than 128 samples (twice the dimensions), got 40"}
    same = ("guidance", "sampler", "images", "labels")
    entry["identity"] = {**{key: entry[key] for key in same}, "weights": "ab" * 32, "seed": 0, "device": "cpu"}
    entry["identity"] |= {"extractors": {"digits-cnn": "cd" * 32}, "reference": "ef" * 32, "image_size": 8}
    entry["bootstrap"] = {
        name: [entry["metrics"][name] * (1 + 0.01 * number) for number in range(REPLICATES)]
        for name in ("fd/digits-cnn", "fd/digits-ssl", "accuracy")
    }
    return entry


def _write_study(study: Study, results: Path) -> None:
    costs = {run.name: fake_results.cost(run.method, run.drop) for run in study.runs}
    write_json(results / "cost" / f"{study.name}.json", {"study": study.name, "runs": costs})
    speeds = {run.name: fake_results.speed(400 / (1 - 0.8 * run.drop)) for run in study.runs}
    for rates in speeds.values():
        for spread in rates.values():
            spread |= {
                "repeats": 3,
                "calls": "apart",
                "of_base": {"median": 1.2, "low": 1.1, "high": 1.3},
            }
    about = {"machine": {**MACHINE, "gpu": "none"}, "threads": 2, "batch": 64, "peak_memory_bytes": 900 << 20}
    about |= {"study": study.name, "unit": "images per second", "base": "dense", "runs": speeds}
    about |= {"networks": {name: name[:8] for name in speeds}, "measured_in": dict.fromkeys(speeds, study.name)}
    write_json(results / "throughput" / f"{study.name}.json", about)
    for name, drawings in study.sweeps.items():
        run = next(run for run in study.runs if run.name == name)
        entries = [
            _evaluation(run, run.train.steps, one.kind(), one.scale, 40 * guided(one.kind(), one.scale))
            for one in (drawing.guidance for drawing in drawings)
        ]
        place = results / "sweeps" / study.name
        write_json(place / f"{name}.json", {"run": name, "state": "done", "evaluations": entries} | MADE_BY)
        write_json(place / f"{name}.time.json", {"seconds": 3.0})


def _scaling() -> dict:
    def spread(median: float) -> dict:
        return {"median": median, "low": 0.9 * median, "high": 1.1 * median, "repeats": 3}

    def row(label: str, tokens: int, seconds: float, ratio: float) -> dict:
        return {
            **{"label": label, "method": label, "drop": 0.0, "tokens": tokens, "batch": 2048 // tokens},
            **{"images_per_second": 2048 / tokens / seconds, "step_seconds": spread(seconds)},
            **{"base_images_per_second": 2048 / tokens / seconds, "base_step_seconds": spread(seconds)},
            **{"first_step_seconds": seconds, "flops_per_image": 2161152, "state_bytes": 551308},
            **{"speedup_measured": spread(ratio), "speedup_modelled": ratio, "flops_per_second": 81e9},
            **{"working_bytes": 44 << 20, "data_seconds": spread(0.0004)},
            "parts_seconds": [["embedding", 0.01], ["middle", 0.06], ["output", 0.01], ["clipping", 0.02]],
        }

    rows = [row("dense", 64, 0.05, 1.0), row("dense", 256, 0.07, 1.0)]
    rows += [row("SPRINT 75%", 64, 0.032, 1.66), row("SPRINT 75%", 256, 0.04, 1.81)]
    about = {"what": "scaling", "machine": {**MACHINE, "gpu": "none"}, "versions": VERSIONS, "commit": "abc1234"}
    about |= {"date": "2026-01-05", "threads": 2, "precision": "float32", "compiled": False, "base": "dense"}
    return {**about, "model": {"width": 64, "depth": 6}, "matrix_flops_per_second": 3e11, "rows": rows}


def alterations(path: Path) -> Iterator[tuple[str, bytes]]:
    """What was done to the file, and its bytes after it: first to the whole, then key by key."""
    data = path.read_bytes()
    document = json.loads(data)
    yield "empty", b""
    yield "cut short", data[: len(data) // 2]
    yield "rubbish", bytes(range(128, 256)) * 8
    yield "zeros", bytes(len(data))
    yield "not UTF-8", data.replace(b'"', b'"\xff', 1)
    yield "a list of itself", b"[" + data + b"]"
    yield "deep", b"[" * 100_000 + b"]" * 100_000
    for name, value in WRONG.items():
        yield f"{name} for all", json.dumps(value).encode()
    for keys in places(document):
        where = ".".join(map(str, keys))
        yield f"{where} removed", _encoded(_changed(document, keys, remove=True))
        yield f"{where} deep", _encoded(_changed(document, keys, "@")).replace(b'"@"', b"[" * DEEP + b"]" * DEEP)
        for name, value in WRONG.items():
            yield f"{where} {name}", _encoded(_changed(document, keys, value))


def places(document: object, above: tuple = ()) -> Iterator[tuple]:
    """The way to every key; of a list to its last item."""
    inner = document.items() if isinstance(document, dict) else ()
    if isinstance(document, list) and document:
        inner = [(len(document) - 1, document[-1])]
    for key, value in inner:
        yield (*above, key)
        yield from places(value, (*above, key))


def _changed(document: object, keys: tuple, value: object = None, remove: bool = False) -> object:
    changed = copy.deepcopy(document)
    place = changed
    for key in keys[:-1]:
        place = place[key]
    if remove:
        del place[keys[-1]]
    else:
        place[keys[-1]] = value
    return changed


def _encoded(document: object) -> bytes:
    return json.dumps(document).encode()


def files(of: Plan, results: Path) -> list[Path]:
    """One JSON file of every kind that is read; of a run that has ended train.json says what status.json said."""
    done, begun = (next(run for run in of.runs().values() if run.method == method) for method in ("sprint", BEGUN))
    found = [path for path in (results / "runs" / done.name).glob("*.json") if path.name != "status.json"]
    found += [results / "runs" / begun.name / "status.json", results / "sweeps" / "guidance" / f"{done.name}.json"]
    found += [results / "reference" / "floor.json", results / "extractors" / "digits-cnn.json"]
    found += [results / "cost" / "methods.json", results / "throughput" / "methods.json", results / "scaling.json"]
    return sorted(found)


class Tree:
    """Such a tree, what users look at it with, and what becomes of that when a file is damaged."""

    def __init__(self, root: Path):
        self.root, self.results, self.plan = root, root / "results" / PRESET, plan()
        self.outline = outline_of(self.plan)
        write_results(self.plan, self.results)
        self.studies = [for_report(self.plan, study) for study in map(self.plan.study, self.plan.studies)]
        self.sides = [next(name for name in self.plan.runs() if name.startswith(method)) for method in METHODS]

    def report(self) -> str:
        """The whole report as text."""
        out = self.root / "reports" / "index.html"
        render_index(PRESET, self.results, self.studies, out)
        for study in self.studies:
            study_csv(read_study(PRESET, self.results, study))
        return html.unescape(out.with_name("report.html").read_text(encoding="utf-8"))

    def listing(self) -> None:
        print_plan(self.outline, self.results)

    def compare(self) -> None:
        print_comparison(self.plan, self.results, *self.sides)

    def files(self) -> list[Path]:
        return files(self.plan, self.results)

    def kind(self, path: Path) -> kinds.Kind:
        """What a file of it is."""
        below, timed = path.relative_to(self.results), path.name.endswith(".time.json")
        known = [one for one in vars(kinds).values() if isinstance(one, kinds.Kind)]
        (found,) = [one for one in known if below.match(one.pattern) and timed == ("time" in one.pattern)]
        return found

    def tried(self, path: Path, alterations: list) -> tuple[dict[str, str], dict[str, bytes]]:
        """What was done to the file: the sentence where its reader refuses it, else its bytes."""
        whole, kind, refused, accepted = path.read_bytes(), self.kind(path), {}, {}
        for what, data in alterations:
            path.write_bytes(data)
            try:
                kind.read(path)
                accepted[what] = data
            except UserError as error:
                refused[what] = str(error)
        path.write_bytes(whole)
        return refused, accepted

    def stumbles(self, path: Path, accepted: dict[str, bytes]) -> list[str]:
        """What ends in an error that only a programmer can mend, when the file is as here."""
        found, whole = [], path.read_bytes()
        for what, data in accepted.items():
            path.write_bytes(data)
            for command in (self.report, self.listing, self.compare):
                try:
                    command()
                except Exception as error:
                    if not sentence(error):
                        found.append(f"{path.relative_to(self.results)}: {what}: {type(error).__name__}: {error}")
        path.write_bytes(whole)
        return found
