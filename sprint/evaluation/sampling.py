"""From weights to images: the milestones of a run, or of an imported checkpoint, and what they draw."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from sprint.data import LEVELS, Examples, opened_codec, to_pixels
from sprint.data.codecs import Codec
from sprint.diffusion.attending import asked_with
from sprint.diffusion.denoiser import Model, ModelConfig
from sprint.diffusion.guidance import PLAIN, Guidance
from sprint.diffusion.guided import Guided
from sprint.diffusion.parameterization import as_velocity
from sprint.diffusion.sample import sample
from sprint.plan.network import model_config
from sprint.plan.schema import Drawing, Evaluating, Run
from sprint.published.network import importable
from sprint.runtime.errors import UserError
from sprint.runtime.progress import track
from sprint.training import checkpoint
from sprint.training.imported import open_run
from sprint.training.step import device


@dataclass(frozen=True)
class Trained:
    """A run with weights: trained here, or imported."""

    run: Run
    folder: Path
    config: ModelConfig
    parameterization: str  # what its network predicts, of diffusion/parameterization.py
    examples: Examples  # whose codec makes pictures of what it draws

    @property
    def codec(self) -> Codec:
        return self.examples.codec


def trained_here(run: Run, results: Path) -> Trained:
    """A run of the plan, in its folder. Raises UserError when it has not been trained, or imported."""
    folder = Path(results) / "runs" / run.name
    if not (folder / "train.json").exists():
        raise UserError(f"run {run.name!r} is not trained yet; first: sprint train {run.name} --preset {run.preset}")
    predicted = importable(run.checkpoint["from"]).parameterization if run.checkpoint else "velocity"
    return Trained(run, folder, model_config(run), predicted, run.examples())


def imported(folder: Path, examples: Examples) -> Trained:
    """What `sprint import` wrote into a folder, decoded by a preset's codec where its examples have that shape."""
    run, config, parameterization = open_run(folder)
    alike = (config.channels, config.size, config.classes) == (examples.channels, examples.size, examples.classes)
    if not alike:
        examples = Examples(examples.data_set, opened_codec(run.codec, config.channels, config.size))
    return Trained(run, Path(folder), config, parameterization, examples)


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


def velocity_of(model: Model, parameterization: str, drawing: Drawing) -> Callable:
    """What a network predicts as a velocity, asked as an evaluation asks it."""
    return asked_with(drawing.attention, as_velocity(parameterization, model.image))


def field_of(
    model: Model, parameterization: str, drawing: Drawing, earlier: dict[float, Model] | None = None
) -> Guided:
    """The velocity that images are drawn under, which counts its calls; earlier: of load_earlier."""
    shape, whole = model.config, velocity_of(model, parameterization, drawing)
    others = {share: velocity_of(other, parameterization, drawing) for share, other in (earlier or {}).items()}
    return Guided(whole, drawing.guidance, shape.classes, shape.backbone.grid, others)


def draw(
    field: Guided, shape: ModelConfig, codec: Codec, evaluating: Evaluating, first: int, last: int, precision: str
) -> torch.Tensor:
    """Samples first..last-1 as uint8 (last - first, C, H, W), a batch at a time, the network in that precision.

    `first` is the beginning of a batch: what an image is follows from its index but for the rounding of batches.
    """
    size, image, found = evaluating.batch, (shape.channels, shape.size, shape.size), []
    starts, total = range(first, last, size), -(-evaluating.images // size)
    for start in track(starts, f"sampling, {field.guidance.text()}", total, first // size):
        end = min(start + size, last)
        with precisely(precision):
            drawn = sample(
                field, evaluating.sampler, evaluating.sample_seed, start, end, image, device(), evaluating.labels
            )
        found.append(quantised(codec, drawn, evaluating.quantise).cpu())
    return torch.cat(found)


def quantised(codec: Codec, signal: torch.Tensor, levels: str) -> torch.Tensor:
    """uint8 pictures of signals."""
    return codec.pictures(signal) if levels == LEVELS[0] else to_pixels(codec.decoded(signal), levels)


@contextmanager
def precisely(precision: str) -> Iterator[None]:
    """A block in which networks compute in "float32", on a GPU in "tf32", or by autocast in "bfloat16"."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if precision == "tf32" else before)
    try:
        with torch.autocast(device().type, torch.bfloat16, enabled=precision == "bfloat16"):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def precision_of(evaluating: Evaluating, run: Run) -> str:
    """In which a run's images are drawn: as the evaluation names it, else as it was trained."""
    return evaluating.precision or run.train.precision
