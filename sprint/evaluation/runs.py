"""From weights to metrics.json: sample, quantise, extract features, measure.

    sprint evaluate RUN --preset digits

An evaluation's key is a hash of all that can move its numbers. Its features and a few of its images are kept under that
key, so that a rerun or another metric samples nothing anew, unless other code drew and saw them. metrics.json holds no
times: equal inputs give equal bytes.
"""

import sys
import time
from pathlib import Path

from safetensors.torch import save

from sprint.diffusion.guidance import GUIDANCES, Guidance, unguided
from sprint.diffusion.parameterization import as_velocity
from sprint.diffusion.sample import balanced_labels
from sprint.evaluation.held_out import by_time, losses
from sprint.evaluation.measured import Extractors, Tensors, identified, measured, split_features, whole
from sprint.evaluation.reference import read_reference
from sprint.evaluation.sampling import Trained, draw, load_earlier, load_network
from sprint.plan import code
from sprint.plan.schema import Evaluating
from sprint.runtime import distributed, provenance
from sprint.runtime.code import changed, remark
from sprint.runtime.errors import UserError
from sprint.runtime.files import write_bytes
from sprint.runtime.results import CALLS, METRICS, METRICS_TIME, SWEEP, TRAIN
from sprint.training import checkpoint
from sprint.training.step import device


def evaluate(trained: Trained, results: Path, evaluating: Evaluating, sweep: list[Guidance], out: Path) -> dict:
    """Evaluate a trained run and write `out`; a diverged one is written as such.

    Without a `sweep`: every milestone unguided and the last under the preset's guidances; with one, the last under it.
    """
    began = time.monotonic()
    with distributed.process_group():
        result = _evaluated(trained, results, evaluating, sweep)
    if distributed.is_main():
        METRICS_TIME.write(out.with_name(f"{out.stem}.time.json"), {"seconds": round(time.monotonic() - began, 3)})
        (SWEEP if sweep else METRICS).write(out, result)  # last: where it is, all is
    return result


def _evaluated(trained: Trained, results: Path, evaluating: Evaluating, sweep: list[Guidance]) -> dict:
    ended = TRAIN.read(trained.folder / "train.json")
    if distributed.is_main() and (other := remark(ended)):
        print(f"sprint: {trained.run.name}: {other}; its weights are evaluated by today's code", file=sys.stderr)
    result = {"run": trained.run.name, "state": ended["state"], "reason": ended["reason"], "evaluations": []}
    asked = _asked(ended["milestones"], sweep or evaluating.guidance, not sweep)
    guidances = [guidance for _, guidance in asked]
    result |= {
        "code": code.of_evaluation(evaluating, guidances, trained.codec),
        "versions": provenance.versions(),
    }
    if ended["milestones"]:
        with distributed.all_or_none():
            extractors = Extractors(evaluating.extractors, results, str(device()))
            reference = read_reference(results, trained.run.examples())
        for milestone, guidance in asked:
            result["evaluations"].append(_evaluation(trained, extractors, reference, evaluating, milestone, guidance))
    return result


def _asked(milestones: list[dict], guidances: list[Guidance], curve: bool) -> list[tuple[dict, Guidance]]:
    earlier = [(milestone, GUIDANCES[Guidance.usual]()) for milestone in milestones[:-1]] if curve else []
    return earlier + [(milestones[-1], guidance) for guidance in guidances]


def _evaluation(trained, extractors, reference, evaluating, milestone, guidance) -> dict:
    model, weights = load_network(trained, milestone["step"])
    earlier, others = load_earlier(trained, guidance)
    images = {
        "weights": weights,
        **({"earlier_weights": others} if others else {}),
        "prediction": trained.parameterization,
        "sampler": evaluating.sampler.document(),
        "guidance": guidance.document(),
        "images": evaluating.images,
        "image_size": model.config.size,
        "channels": model.config.channels,
        "labels": "balanced",
        "seed": evaluating.sample_seed,
        "device": device().type,
        "quantised": "uint8, nearest",
        "resize": "none",
        **({"decoder": trained.codec.autoencoder} if trained.codec.autoencoder else {}),
    }
    loss = evaluating.held_out and unguided(guidance.document())
    if loss:
        images["held_out"] = evaluating.held_out
    found = identified(images, extractors, reference)
    seen, calls = _features(trained, found["key"], model, guidance, evaluating, extractors, earlier)
    if not distributed.is_main():
        return {}
    labels = balanced_labels(0, evaluating.images, model.config.classes)
    return {
        **found,
        "step": milestone["step"],
        "stage": milestone["stage"],
        "guidance": guidance.document(),
        "sampler": evaluating.sampler.document(),
        "images": evaluating.images,
        "labels": "balanced",
        "network_evaluations": calls,
        **({"losses": by_time(split_features(seen)[1])} if loss else {}),
        **measured(seen, labels, extractors, reference),
    }


def _features(trained, key, model, guidance, evaluating, extractors, earlier) -> tuple[Tensors, dict[str, float]]:
    """Features of an evaluation's samples and the network calls per image, from the file that keeps them or anew."""
    path = trained.folder / "evaluations" / f"{key}.safetensors"
    shaped = code.of_features(evaluating, [guidance], trained.codec)
    kept = _kept(path)
    if distributed.broadcast(kept is not None):
        return kept or ({}, {})
    network = as_velocity(trained.parameterization, model.image)
    loss = evaluating.held_out and unguided(guidance.document())
    lost = losses(trained, network, evaluating.held_out, device()) if loss else {}
    pixels, field = draw(
        model, trained.parameterization, trained.codec, guidance, evaluating, evaluating.images, earlier
    )
    batches = max(1, len(distributed.shard(range(0, evaluating.images, evaluating.batch))))
    calls = {"strong": field.strong_calls / batches, "weak": field.weak_calls / batches}
    seen = whole({**extractors.see(pixels), "pixels": pixels, **lost})
    if not distributed.is_main():
        return {}, {}
    pixels = seen.pop("pixels")
    shown = {"pixels": pixels[: evaluating.grid].contiguous()}
    write_bytes(trained.folder / "samples" / path.name, save(shown))
    write_bytes(path, save(seen))
    CALLS.write(path.with_suffix(".json"), {**calls, "code": shaped})
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
