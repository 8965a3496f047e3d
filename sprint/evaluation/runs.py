"""From weights to metrics.json: sample, quantise, extract features, measure.

    sprint evaluate RUN --preset digits

An evaluation's key is a hash of all that can move its numbers. Its features and a few of its images are kept under that
key, so that a rerun or another metric samples nothing anew, unless other code drew and saw them. metrics.json holds no
times: equal inputs give equal bytes.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save

from sprint.data import LEVELS
from sprint.diffusion.guidance import unguided
from sprint.diffusion.sample import labels_of
from sprint.evaluation.closest import closest
from sprint.evaluation.held_out import by_time, losses
from sprint.evaluation.kept import read_reference
from sprint.evaluation.measured import Extractors, Tensors, by_label, identified, measured, whole
from sprint.evaluation.sampling import (
    Trained,
    draw,
    field_of,
    load_earlier,
    load_network,
    precision_of,
    velocity_of,
)
from sprint.evaluation.shards import Shards, joined
from sprint.plan import code
from sprint.plan.schema import Drawing, Evaluating
from sprint.runtime import distributed, provenance
from sprint.runtime.code import changed, remark
from sprint.runtime.errors import UserError
from sprint.runtime.files import write_bytes
from sprint.runtime.lock import hold
from sprint.runtime.results import CALLS, METRICS, METRICS_TIME, SWEEP, TRAIN
from sprint.training import checkpoint
from sprint.training.step import device


def evaluate(trained: Trained, results: Path, evaluating: Evaluating, sweep: list[Drawing], out: Path) -> dict:
    """Evaluate a trained run and write `out`; a diverged one is written as such.

    Without a `sweep`: every milestone unguided and the last under the preset's guidances; with one, the last as it is.
    """
    began = time.monotonic()
    with distributed.process_group():
        result = _evaluated(trained, results, evaluating, sweep)
    if distributed.is_main():
        METRICS_TIME.write(out.with_name(f"{out.stem}.time.json"), {"seconds": round(time.monotonic() - began, 3)})
        (SWEEP if sweep else METRICS).write(out, result)  # last: where it is, all is
    return result


def _evaluated(trained: Trained, results: Path, evaluating: Evaluating, sweep: list[Drawing]) -> dict:
    ended = TRAIN.read(trained.folder / "train.json")
    if distributed.is_main() and (other := remark(ended)):
        print(f"sprint: {trained.run.name}: {other}; its weights are evaluated by today's code", file=sys.stderr)
    result = {"run": trained.run.name, "state": ended["state"], "reason": ended["reason"], "evaluations": []}
    swept = [(last, drawing) for last in ended["milestones"][-1:] for drawing in sweep]
    asked = swept if sweep else evaluating.asked(ended["milestones"])
    drawings = [drawing for _, drawing in asked]
    result |= {
        "code": code.of_evaluation(evaluating, drawings, trained.codec),
        "versions": provenance.versions(),
    }
    if ended["milestones"]:
        with distributed.all_or_none():
            extractors = Extractors(evaluating.extractors, results, str(device()))
            reference = read_reference(results, trained.examples)
        for milestone, drawing in asked:
            result["evaluations"].append(_evaluation(trained, extractors, reference, evaluating, milestone, drawing))
    return result


def _evaluation(trained, extractors, reference, evaluating, milestone, drawing: Drawing) -> dict:
    model, weights = load_network(trained, milestone["step"])
    guidance, attention = drawing.guidance, drawing.attention
    earlier, others = load_earlier(trained, guidance)
    precision = precision_of(evaluating, trained.run)
    unusual = {} if precision == "float32" else {"precision": precision}
    unusual |= {} if attention.is_usual else {"attention": attention.document()}
    images = {
        "weights": weights,
        **({"earlier_weights": others} if others else {}),
        "prediction": trained.parameterization,
        "sampler": evaluating.sampler.document(),
        "guidance": guidance.document(),
        "images": evaluating.images,
        "image_size": model.config.size,
        "channels": model.config.channels,
        "labels": evaluating.labels,
        "seed": evaluating.sample_seed,
        "device": device().type,
        "quantised": f"uint8, {evaluating.quantise}",
        "resize": "none",
        **({"decoder": trained.codec.autoencoder} if trained.codec.autoencoder else {}),
        **unusual,
    }
    losing = evaluating.held_out if unguided(guidance.document()) else 0  # images whose loss is taken
    if losing:
        images["held_out"] = losing
    found = identified(images, extractors, reference)
    with distributed.on_rank0(hold(trained.folder / "evaluating", wait=True)):  # a sweep may ask for the same
        seen, calls = _features(trained, found["key"], model, drawing, evaluating, extractors, earlier, losing)
    if not distributed.is_main():
        return {}
    labels = labels_of(evaluating.labels, evaluating.sample_seed, 0, evaluating.images, model.config.classes)
    unusual |= {} if evaluating.quantise == LEVELS[0] else {"quantise": evaluating.quantise}
    return {
        **found,
        "step": milestone["step"],
        "stage": milestone["stage"],
        "guidance": guidance.document(),
        "sampler": evaluating.sampler.document(),
        "images": evaluating.images,
        "labels": evaluating.labels,
        **unusual,
        "network_evaluations": calls,
        **({"losses": by_time(seen)} if losing else {}),
        **({"by_label": by_label(labels, seen["predicted"], model.config.classes)} if "predicted" in seen else {}),
        **measured(seen, labels, extractors, reference),
    }


def _features(
    trained, key, model, drawing: Drawing, evaluating, extractors, earlier, losing: int
) -> tuple[Tensors, dict[str, float]]:
    """Features of an evaluation's samples, losses of so many held-out images, and the network calls per image, from
    the file that keeps them or anew."""
    path = trained.folder / "evaluations" / f"{key}.safetensors"
    shaped = code.of_features(evaluating, [drawing], trained.codec)
    shards = Shards(path.with_suffix(""), evaluating.images, evaluating.batch, {**shaped, "grid": evaluating.grid})
    kept = _kept(path)
    if distributed.broadcast(kept is not None):
        if distributed.is_main():
            shards.remove()
        return kept or ({}, {})
    precision = precision_of(evaluating, trained.run)

    def make(first: int, last: int) -> Tensors:
        field = field_of(model, trained.parameterization, drawing, earlier)
        pixels = draw(field, model.config, trained.codec, evaluating, first, last, precision)
        batches = -(-(last - first) // evaluating.batch)
        calls = torch.tensor([field.strong_calls, field.weak_calls, batches], dtype=torch.float64)
        return {**extractors.see(pixels), "pixels": pixels[: max(0, evaluating.grid - first)], "calls": calls}

    shards.fill(make)
    network = velocity_of(model, trained.parameterization, drawing)
    lost = whole(losses(trained, network, losing, device())) if losing else {}
    return _joined(shards, lost, trained, path, shaped) if distributed.is_main() else ({}, {})


def _joined(
    shards: Shards, lost: Tensors, trained: Trained, path: Path, shaped: dict
) -> tuple[Tensors, dict[str, float]]:
    """Put the shards of an evaluation together in the file that keeps its features, with the losses; they go."""
    pixels, total = [], torch.zeros(3, dtype=torch.float64)

    def features() -> Iterator[Tensors]:
        for part in shards.read():
            pixels.append(part.pop("pixels"))
            total.add_(part.pop("calls"))
            yield part

    seen = {**joined(features(), shards.images), **lost}
    strong, weak, batches = total.tolist()
    calls = {"strong": strong / batches, "weak": weak / batches}
    shown = torch.cat(pixels)
    write_bytes(trained.folder / "samples" / path.name, save({"pixels": shown, **closest(trained.examples, shown)}))
    write_bytes(path, save(seen))
    CALLS.write(path.with_suffix(".json"), {**calls, "code": shaped})
    shards.remove()
    return seen, calls


def _kept(path: Path) -> tuple[Tensors, dict[str, float]] | None:
    """What an earlier evaluation kept, where it is there, whole, and of today's code."""
    if not path.with_suffix(".json").exists():
        return None
    try:
        calls = CALLS.read(path.with_suffix(".json"))
        if other := changed(calls.get("code", {})):
            raise UserError(f"{path}: drawn or seen by other code: {', '.join(other)}")
        return checkpoint.read_tensors(path), {kind: calls[kind] for kind in ("strong", "weak")}
    except UserError as error:
        print(f"{error}; sampling anew", file=sys.stderr)
        return None
