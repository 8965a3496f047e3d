"""A results tree in the formats of the pipeline, made without training: what the report's tests look at."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from sprint.runtime.files import write_json

STEPS = 450
GUIDANCES = [("none", 1.0), ("cfg", 1.5), ("cfg", 2.0)]
SCALES = [1.25, 1.5, 2.0, 3.0]
FLOOR = {
    "fd/digits-cnn": 19.2,
    "fd/digits-ssl": 6.1,
    "kid/digits-cnn": 0.0004,
    "kid_error/digits-cnn": 0.0003,
    "precision/digits-cnn": 0.93,
    "recall/digits-cnn": 0.92,
    "accuracy": 0.99,
}
MACHINE = {"processor": "Example CPU", "cores": 2, "memory_gib": 8.0, "system": "Linux", "device": "cpu"}
VERSIONS = {"python": "3.11.2", "sprint": "0.1.0", "torch": "2.13.0", "torch-fidelity": "0.4.0"}
SETTINGS = {
    "dense": ("Dense", 0.0, 1.0, 38.0),
    "sprint": ("SPRINT 75%", 0.75, 0.48, 44.0),
    "tokendrop": ("Naive drop 75%", 0.75, 0.37, 120.0),
    "maskdit": ("MaskDiT-style 75%", 0.75, 0.81, 63.0),
}


def make_results(root: Path) -> tuple[Path, list[dict]]:
    """Writes a tree under `root`; returns its folder and the plan's studies. Holds all kinds of trouble."""
    results = root / "results" / "digits"
    write_json(results / "reference" / "floor.json", {"images": 898, "reference_images": 898, "metrics": FLOOR})
    for name, accuracy in (("digits-cnn", 0.985), ("digits-ssl", 0.91)):
        about = {"name": name, "seed": 0, "sha256": "ab" * 32, "dim": 64, "held_out_accuracy": accuracy, "seconds": 4.5}
        write_json(results / "extractors" / f"{name}.json", about)
    studies = [_methods(results), _drop_ratio(results), _dense_depth(results), _guidance(results), _hostile(results)]
    return results, studies


def study(
    name: str, runs: list[str], vary: list[str], title: str = "", question: str = "Which is best?", **more
) -> dict:
    plan = {"name": name, "title": title or name, "question": question, "vary": vary, "runs": runs, "impossible": []}
    return {
        **plan,
        "evaluate": None,
        "extractors": ["digits-cnn", "digits-ssl"],
        "command": f"snakemake --cores all {name}",
        **more,
    }


def make_run(results: Path, method: str, drop: float, seed: int, distance: float, **more) -> str:
    """One run whose FD ends near `distance`; `split` names the depth split, `state` an end other than done."""
    label, _, share, _ = SETTINGS[method]
    label = f"{label.split(' ')[0] if method != 'tokendrop' else 'Naive drop'} {100 * drop:g}%"
    split, state, reason = more.get("split", [1, 4, 1]), more.get("state", "done"), more.get("reason", "")
    name = f"{method}-{1000 * drop:g}-{'-'.join(map(str, split))}-s{seed}-{abs(hash_of(method, drop, seed, split)):08x}"
    folder = results / "runs" / name
    settings = {"split": split, "fusion": "concat_linear"} if method == "sprint" else {}
    config = {"name": name, "label": label, "preset": "digits", "seed": seed, "method": method, "drop": drop}
    model = {"width": 64, "depth": 6, "heads": 4, "patch": 1, "positions": "rope2d", "qk_norm": True}
    config |= {
        "subsampling": "" if method == "dense" else "structured",
        "settings": settings,
        "data": {"name": "digits"},
        "model": model,
    }
    train = {"steps": STEPS, "finetune": 68, "batch": 64, "lr": 0.002}
    write_json(folder / "config.json", config | {"image_size": 8, "channels": 1, "classes": 10, "train": train})
    seconds = 110.0 * share + seed
    step = STEPS if state == "done" else 120
    milestones = [
        {"step": at, "stage": "pretrain", "seconds": seconds * at / STEPS} for at in (112, 225, 337) if at <= step
    ]
    log = {"state": state, "reason": reason, "step": step, "steps": STEPS, "seconds": seconds * step / STEPS}
    log |= {"milestones": milestones, "losses": [[1, 1.9], [step, 0.6]], "machine": MACHINE, "versions": VERSIONS}
    write_json(folder / "train.json", log | {"commit": "abc1234", "started": "2026-01-05T10:00:00+00:00"})
    evaluations = [evaluation(at["step"], "none", 1.0, distance * (STEPS / at["step"]) ** 1.1) for at in milestones]
    if state == "done":
        evaluations += [evaluation(STEPS, kind, scale, distance * guided(kind, scale)) for kind, scale in GUIDANCES]
        for entry in evaluations:
            entry["metrics"] = {**entry["metrics"], "fd/digits-cnn": entry["metrics"]["fd/digits-cnn"] + 2.5 * seed}
    write_json(folder / "metrics.json", {"run": name, "state": state, "evaluations": evaluations})
    write_json(folder / "metrics.time.json", {"seconds": 12.0 + seed})
    images = np.random.default_rng(seed).integers(0, 256, (40, 1, 8, 8), dtype=np.uint8)
    (folder / "samples").mkdir(exist_ok=True)
    for entry in evaluations:
        save_file({"pixels": images}, folder / "samples" / f"{entry['key']}.safetensors")
    return name


def hash_of(*parts: object) -> int:
    return sum(ord(letter) * (index + 7) ** 3 for index, letter in enumerate(repr(parts)))


def guided(kind: str, scale: float) -> float:
    """How guidance of a scale changes the distance: best near 1.6 for cfg, near 1.8 for pdg."""
    best = {"none": scale, "cfg": 1.6, "pdg": 1.8}[kind]
    return (1.0 if kind == "none" else 0.8) + 0.12 * (scale - best) ** 2


def evaluation(step: int, kind: str, scale: float, distance: float, images: int = 640) -> dict:
    metrics = {
        "fd/digits-cnn": distance,
        "fd/digits-ssl": 0.3 * distance + 2,
        "kid/digits-cnn": distance / 4000,
        "kid_error/digits-cnn": 0.0006,
        "precision/digits-cnn": max(0.1, 0.95 - distance / 400),
        "recall/digits-cnn": max(0.1, 0.9 - distance / 300),
        "accuracy": max(0.1, 1.0 - distance / 900),
    }
    return {
        "key": f"{hash_of(step, kind, scale):016x}",
        "step": step,
        "stage": "finetune" if step == STEPS else "pretrain",
        "guidance": {"kind": kind, "scale": scale, "interval": [0.0, 1.0]},
        "sampler": {"kind": "heun", "steps": 8},
        "images": images,
        "labels": "balanced",
        "network_evaluations": {"strong": 15.0, "weak": 0.0 if kind == "none" else 15.0},
        "metrics": metrics,
    }


def speed(median: float) -> dict:
    rates = {"train": median, "finetune": 400.0, "sample_cfg": 90.0}
    found = {name: {"median": rate, "low": 0.9 * rate, "high": 1.1 * rate} for name, rate in rates.items()}
    return found | {"train": found["train"] | {"of_base": {name: end / 400 for name, end in found["train"].items()}}}


def cost(method: str, drop: float) -> dict:
    dense, share = 3 * 2 * 22_000_000, 1.0 if drop == 0 else 1 - 0.8 * drop
    stages = [(name, steps, dense * part) for name, steps, part in (("pretrain", 382, share), ("finetune", 68, 1.0))]
    stages = [
        {"name": name, "steps": steps, "batch": 64, "flops_per_image": round(each), "flops": round(steps * 64 * each)}
        for name, steps, each in stages
    ]
    total = sum(stage["flops"] for stage in stages)
    return {
        "params": 431_000 if method == "dense" else 440_000,
        "forward_macs": 22_000_000,
        "train_flops_per_image": round(dense * share),
        "finetune_flops_per_image": dense,
        "stages": stages,
        "train_flops": total,
        "train_flops_vs_dense": total / (450 * 64 * dense),
        "sampling_flops_per_step": {"none": 44e6, "cfg": 88e6} | ({"pdg": 60e6} if method == "sprint" else {}),
    }


def _write_costs(results: Path, name: str, runs: dict[str, tuple[str, float]]) -> None:
    write_json(
        results / "cost" / f"{name}.json", {"study": name, "runs": {run: cost(*what) for run, what in runs.items()}}
    )


def _methods(results: Path) -> dict:
    runs = {}
    for method, (_, drop, _, distance) in SETTINGS.items():
        for seed in (0, 1):
            runs[make_run(results, method, drop, seed, distance)] = (method, drop)
    _write_costs(results, "methods", runs)
    speeds = {run: speed(400 / (1 - 0.8 * drop)) for run, (_, drop) in runs.items()}
    measured = {
        "machine": MACHINE,
        "threads": 2,
        "batch": 64,
        "base": "dense",
        "peak_memory_bytes": 900 * 2**20,
        "runs": speeds,
    }
    write_json(results / "throughput" / "methods.json", {"study": "methods", **measured})
    return study(
        "methods", list(runs), ["method", "drop", "seed"], "Methods", "Which method gives the best images for its cost?"
    )


def _drop_ratio(results: Path) -> dict:
    runs = {}
    for method, slope in (("sprint", 8.0), ("tokendrop", 90.0)):
        for drop in (0.0, 0.5, 0.75, 0.875):
            broken = method == "tokendrop" and drop == 0.875
            more = {"state": "diverged", "reason": "the loss is not finite"} if broken else {}
            runs[make_run(results, method, drop, 0, 38 + slope * drop**2, **more)] = (method, drop)
    _write_costs(results, "drop_ratio", runs)
    impossible = [{"label": "SPRINT 60%", "reason": "a drop of 0.6 is no 1 − k/n² with n dividing the grid of 8"}]
    question = "How many tokens can be dropped before quality suffers?"
    return study("drop_ratio", list(runs), ["method", "drop"], "Drop ratio", question, impossible=impossible)


def _dense_depth(results: Path) -> dict:
    splits = ([1, 4, 1], [2, 2, 2], [2, 3, 1])
    runs = {
        make_run(results, "sprint", 0.75, 0, 40 + index, split=split): ("sprint", 0.75)
        for index, split in enumerate(splits)
    }
    _write_costs(results, "dense_depth", runs)
    names = [*runs, "sprint-750-1-2-3-s0-00000000"]
    return study("dense_depth", names, ["settings.split"], "Dense depth", "How many blocks must see all tokens?")


def _guidance(results: Path) -> dict:
    runs = [make_run(results, "dense", 0.0, 0, 38.0), make_run(results, "sprint", 0.75, 0, 44.0)]
    for run, kinds, distance in zip(runs, (["cfg"], ["cfg", "pdg"]), (38.0, 44.0), strict=True):
        entries = [evaluation(STEPS, kind, scale, distance * guided(kind, scale)) for kind in kinds for scale in SCALES]
        write_json(
            results / "sweeps" / "guidance" / f"{run}.json", {"run": run, "state": "done", "evaluations": entries}
        )
    question = "Which guidance, at which scale?"
    return study("guidance", runs, ["method", "drop", "guidance"], "Guidance", question, evaluate=sorted(runs))


def _hostile(results: Path) -> dict:
    """A study whose name is markup and whose number could not be computed."""
    entry = evaluation(STEPS, "none", 1.0, 70.0)
    entry["metrics"]["kid/digits-cnn"] = None
    entry["reasons"] = {"kid/digits-cnn": "fewer images than the subset of 100"}
    run = make_run(results, "maskdit", 0.5, 0, 70.0)
    write_json(results / "runs" / run / "metrics.json", {"run": run, "state": "done", "evaluations": [entry]})
    return study(
        "<script>alert(1)</script>", [run], ["method", "drop"], "<script>alert(1)</script>", "Is <b>this</b> text?"
    )
