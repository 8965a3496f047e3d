"""From weights to metrics.json: sample, quantise, extract features, measure.

    sprint evaluate RUN --preset digits

An evaluation's key is a hash of all that can move its numbers. Its features and a few of its images are kept under that
key, so that a rerun or another metric samples nothing anew. metrics.json holds no times: equal inputs give equal bytes.
"""

import hashlib
import json
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save

from sprint.data import opened_codec
from sprint.data.codecs import Codec
from sprint.diffusion.denoiser import Model, ModelConfig
from sprint.diffusion.guidance import GUIDANCES, PLAIN, Guidance
from sprint.diffusion.guided import Guided
from sprint.diffusion.parameterization import as_velocity
from sprint.diffusion.sample import balanced_labels, sample
from sprint.metrics import extractors
from sprint.metrics.measuring import evidence_of, measure
from sprint.metrics.measuring.bootstrap import bootstrap
from sprint.plan.network import model_config
from sprint.plan.schema import Evaluating, Run
from sprint.published.checkpoints import open_run
from sprint.runtime import distributed
from sprint.runtime.errors import UserError
from sprint.runtime.files import read_json, write_bytes, write_json
from sprint.runtime.progress import track
from sprint.training import checkpoint
from sprint.training.step import device

CLASSIFIER = "digits-cnn"


class Judge:
    """Extractors, and the features of the real images against which samples are measured."""

    def __init__(self, evaluating: Evaluating, results: Path):
        """`results` is results/<preset>; its extractors/ and, for measuring, its reference/ are read."""
        self.extractors = {}
        for name in evaluating.extractors:
            trained = Path(results) / "extractors" / f"{name}.safetensors"
            weights = trained if trained.exists() or name in extractors.SMALL else None
            self.extractors[name] = extractors.load(name, weights, str(device()))

    def see(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Features of uint8 images (n, C, H, W) under every extractor, and the labels the classifier gives them."""
        seen = {name: extractors.features(extractor, pixels) for name, extractor in self.extractors.items()}
        if CLASSIFIER in self.extractors:
            seen["predicted"] = self.extractors[CLASSIFIER].classify(pixels)
        return seen

    def identity(self) -> dict:
        """SHA-256 of every extractor's weights."""
        return {name: extractor.weights_sha256 for name, extractor in self.extractors.items()}


@dataclass(frozen=True)
class Trained:
    """A run whose weights are to be judged: trained here, or imported."""

    run: Run
    folder: Path
    config: ModelConfig
    prediction: str  # what its network predicts, of diffusion/parameterization.py
    codec: Codec


def split_features(seen: dict[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
    """Features by extractor, and predicted labels."""
    return {name: rows for name, rows in seen.items() if name not in ("predicted", "labels")}, seen.get("predicted")


def whole(seen: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """At the first process, the rows that all of them have seen, in order; elsewhere nothing."""
    parts = distributed.gather(seen)
    return {name: torch.cat([part[name] for part in parts]) for name in (seen if parts else ())}


def load_network(trained: Trained, step: int) -> tuple[Model, str]:
    """The averaged weights of a milestone as a network, and their SHA-256."""
    path = checkpoint.path_of(trained.folder / "milestones", step)
    tensors, rest = checkpoint.read(path, trained.run.hash)
    model = Model(trained.config).to(device()).eval()
    model.load_state_dict(tensors)
    return model, rest["sha256"]


def load_earlier(trained: Trained, guidance: Guidance) -> tuple[dict[float, Model], dict[str, str]]:
    """The networks with earlier weights that a guidance asks for, and the SHA-256 of each, by share of the training."""
    networks, hashes = {}, {}
    for share in sorted({call.weights for call in guidance.calls()} - {PLAIN.weights}):
        networks[share], hashes[f"{share:g}"] = load_network(trained, math.ceil(share * trained.run.train.steps))
    return networks, hashes


def draw(
    model: Model,
    prediction: str,
    codec: Codec,
    guidance: Guidance,
    evaluating: Evaluating,
    count: int,
    earlier: dict[float, Model] | None = None,
) -> tuple[torch.Tensor, Guided]:
    """The first `count` samples as uint8 (count, C, H, W), and the field that made them with its count of calls.

    Processes that share an evaluation draw a contiguous part of the batches each. earlier: of load_earlier.
    """
    shape = model.config
    others = {share: as_velocity(prediction, other.image) for share, other in (earlier or {}).items()}
    field = Guided(as_velocity(prediction, model.image), guidance, shape.classes, shape.backbone.grid, others)
    size, image = evaluating.batch, (shape.channels, shape.size, shape.size)
    batches, starts = [codec.pictures(torch.empty(0, *image))], distributed.shard(range(0, count, size))
    for first in track(starts, f"sampling, {guidance.text()}", len(starts)):
        last = min(first + size, count)
        drawn = sample(field, evaluating.sampler, evaluating.sample_seed, first, last, image, device())
        batches.append(codec.pictures(drawn).cpu())
    return torch.cat(batches), field


def evaluate(trained: Trained, results: Path, evaluating: Evaluating, sweep: list[Guidance], out: Path) -> dict:
    """Judge a trained run and write `out`; a diverged one is written as such.

    Without a `sweep`: every milestone unguided and the last under the preset's guidances; with one, the last under it.
    """
    began = time.monotonic()
    with distributed.process_group():
        result = _judged(trained, results, evaluating, sweep)
    if distributed.is_main():
        write_json(out.with_name(f"{out.stem}.time.json"), {"seconds": round(time.monotonic() - began, 3)})
        write_json(out, result)  # last: where it is, all is
    return result


def _judged(trained: Trained, results: Path, evaluating: Evaluating, sweep: list[Guidance]) -> dict:
    ended = read_json(trained.folder / "train.json")
    result = {"run": trained.run.name, "state": ended["state"], "reason": ended["reason"], "evaluations": []}
    if ended["milestones"]:
        with distributed.all_or_none():
            judge = Judge(evaluating, results)
            reference = checkpoint.read_tensors(results / "reference" / "features.safetensors")
        for milestone, guidance in _asked(ended["milestones"], sweep or evaluating.guidance, not sweep):
            result["evaluations"].append(_evaluation(trained, judge, reference, evaluating, milestone, guidance))
    return result


def _asked(milestones: list[dict], guidances: list[Guidance], curve: bool) -> list[tuple[dict, Guidance]]:
    earlier = [(milestone, GUIDANCES[Guidance.usual]()) for milestone in milestones[:-1]] if curve else []
    return earlier + [(milestones[-1], guidance) for guidance in guidances]


def _evaluation(trained, judge, reference, evaluating, milestone, guidance) -> dict:
    model, weights = load_network(trained, milestone["step"])
    earlier, others = load_earlier(trained, guidance)
    identity = {
        "weights": weights,
        **({"earlier_weights": others} if others else {}),
        "prediction": trained.prediction,
        "sampler": evaluating.sampler.document(),
        "guidance": guidance.document(),
        "images": evaluating.images,
        "image_size": model.config.size,
        "channels": model.config.channels,
        "labels": "balanced",
        "seed": evaluating.sample_seed,
        "dtype": "float32",
        "device": device().type,
        "quantised": "uint8, nearest",
        "resize": "none",
        "extractors": judge.identity(),
        "reference": hashlib.sha256(save(reference)).hexdigest(),
    }
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
    seen, calls = _features(trained, key, model, guidance, evaluating, judge, earlier)
    if not distributed.is_main():
        return {}
    features, predicted = split_features(seen)
    labels = balanced_labels(0, evaluating.images, model.config.classes)
    evidence = evidence_of(features, reference, predicted, labels, reference["labels"])
    metrics, reasons = measure(evidence)
    return {
        "key": key,
        "identity": identity,
        "step": milestone["step"],
        "stage": milestone["stage"],
        "guidance": guidance.document(),
        "sampler": evaluating.sampler.document(),
        "images": evaluating.images,
        "labels": "balanced",
        "network_evaluations": calls,
        "metrics": metrics,
        "reasons": reasons,
        "bootstrap": bootstrap(evidence, evaluating.images),
    }


def _features(
    trained, key, model, guidance, evaluating, judge, earlier
) -> tuple[dict[str, torch.Tensor], dict[str, float]]:
    """Features of an evaluation's samples and the network calls per image, from the file that keeps them or anew."""
    path = trained.folder / "evaluations" / f"{key}.safetensors"
    kept = _kept(path)
    if distributed.broadcast(kept is not None):
        return kept or ({}, {})
    pixels, field = draw(model, trained.prediction, trained.codec, guidance, evaluating, evaluating.images, earlier)
    batches = max(1, len(distributed.shard(range(0, evaluating.images, evaluating.batch))))
    calls = {"strong": field.strong_calls / batches, "weak": field.weak_calls / batches}
    seen = whole({**judge.see(pixels), "pixels": pixels})
    if not distributed.is_main():
        return {}, {}
    pixels = seen.pop("pixels")
    shown = {"pixels": pixels[: evaluating.grid].contiguous()}
    write_bytes(trained.folder / "samples" / path.name, save(shown))
    write_bytes(path, save(seen))
    write_json(path.with_suffix(".json"), calls)
    return seen, calls


def _kept(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, float]] | None:
    """What an earlier evaluation kept, where it is there and whole."""
    if not path.with_suffix(".json").exists():
        return None
    try:
        return checkpoint.read_tensors(path), read_json(path.with_suffix(".json"))
    except UserError as error:
        print(f"{error}; sampling anew", file=sys.stderr)
        return None


def trained_here(run: Run, results: Path) -> Trained:
    """A run of the plan, in its folder. Raises UserError when it has not been trained."""
    folder = Path(results) / "runs" / run.name
    if not (folder / "train.json").exists():
        raise UserError(f"run {run.name!r} is not trained yet; first: sprint train {run.name} --preset {run.preset}")
    return Trained(run, folder, model_config(run), "velocity", run.examples().codec)


def imported(folder: Path) -> Trained:
    """What `sprint import` wrote into a folder."""
    run, shape, prediction = open_run(folder)
    return Trained(run, Path(folder), shape, prediction, opened_codec(run.codec, shape.channels, shape.size))
