"""From weights to images: the milestones of a run, or of an imported checkpoint, and what they draw."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch

from sprint.data import opened_codec
from sprint.data.codecs import Codec
from sprint.diffusion.denoiser import Model, ModelConfig
from sprint.diffusion.guidance import PLAIN, Guidance
from sprint.diffusion.guided import Guided
from sprint.diffusion.parameterization import as_velocity
from sprint.diffusion.sample import sample
from sprint.plan.network import model_config
from sprint.plan.schema import Evaluating, Run
from sprint.published.checkpoints import open_run
from sprint.runtime import distributed
from sprint.runtime.errors import UserError
from sprint.runtime.progress import track
from sprint.training import checkpoint
from sprint.training.step import device


@dataclass(frozen=True)
class Trained:
    """A run with weights: trained here, or imported."""

    run: Run
    folder: Path
    config: ModelConfig
    parameterization: str  # what its network predicts, of diffusion/parameterization.py
    codec: Codec


def trained_here(run: Run, results: Path) -> Trained:
    """A run of the plan, in its folder. Raises UserError when it has not been trained."""
    folder = Path(results) / "runs" / run.name
    if not (folder / "train.json").exists():
        raise UserError(f"run {run.name!r} is not trained yet; first: sprint train {run.name} --preset {run.preset}")
    return Trained(run, folder, model_config(run), "velocity", run.examples().codec)


def imported(folder: Path) -> Trained:
    """What `sprint import` wrote into a folder."""
    run, config, parameterization = open_run(folder)
    return Trained(run, Path(folder), config, parameterization, opened_codec(run.codec, config.channels, config.size))


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
    parameterization: str,
    codec: Codec,
    guidance: Guidance,
    evaluating: Evaluating,
    count: int,
    earlier: dict[float, Model] | None = None,
) -> tuple[torch.Tensor, Guided]:
    """The first `count` samples as uint8 (count, C, H, W), and the field that made them with its count of calls.

    Processes that share an evaluation draw a contiguous part of the batches each. earlier: of load_earlier.
    """
    config = model.config
    others = {share: as_velocity(parameterization, other.image) for share, other in (earlier or {}).items()}
    field = Guided(as_velocity(parameterization, model.image), guidance, config.classes, config.backbone.grid, others)
    size, image = evaluating.batch, (config.channels, config.size, config.size)
    batches, starts = [codec.pictures(torch.empty(0, *image))], distributed.shard(range(0, count, size))
    for first in track(starts, f"sampling, {guidance.text()}", len(starts)):
        last = min(first + size, count)
        drawn = sample(field, evaluating.sampler, evaluating.sample_seed, first, last, image, device())
        batches.append(codec.pictures(drawn).cpu())
    return torch.cat(batches), field
