"""Published checkpoints as runs of this bench: a folder that sampling and evaluation take as that of a trained run.

sprint import CHECKPOINT --from sit --model XL/2 --out DIR    # by itself
sprint train RUN --preset imagenet256_xl2                     # as the row of a study that plan/released.py made
"""

from dataclasses import dataclass
from pathlib import Path

from sprint.diffusion.denoiser import ModelConfig
from sprint.methods import METHODS
from sprint.nn.backbones import Backbone
from sprint.plan.released import run_of
from sprint.plan.schema import Run
from sprint.published.network import GRID_UNTOLD, Published, look_at, weights_of
from sprint.runtime import provenance, status
from sprint.runtime.errors import UserError
from sprint.runtime.files import file_sha256, read_json
from sprint.runtime.lock import hold
from sprint.runtime.results import CONFIG, TRAIN
from sprint.runtime.strict import build
from sprint.training import checkpoint

PRESET, STAGE = "imported", "published"  # under which what `sprint import` wrote stands


@dataclass(frozen=True)
class Imported:
    """What config.json says of an imported network; of its training nothing is known."""

    method: str
    drop: float
    subsampling: str
    settings: dict
    image_size: int
    model: Backbone
    channels: int  # of an image or latent
    classes: int
    prediction: str  # of diffusion/parameterization.py


def import_checkpoint(
    path: Path, source: str, model: str, out: Path, image_size: int = GRID_UNTOLD, given: dict | None = None
) -> list[str]:
    """Write the run folder `out`; returns sentences on what was taken, what was left, and what to know beside it.

    Arguments and errors are those of published/network.py, look_at.
    """
    found = look_at(path, source, model, image_size, given)
    run = _run(found.config, found.codebase.subsampling)
    facts = {"prediction": found.codebase.parameterization}
    count = _write(run, found, Path(out), facts)
    config, predicts = found.config, found.codebase.parameterization
    return [*found.said, f"{count:,} parameters of {config.method} {model} in {out}, which predicts {predicts}"]


def import_run(run: Run, folder: Path) -> dict:
    """The folder of a study's published row, from its checkpoint; returns what train.json holds.

    A folder that is there is left as it is. Raises UserError for a checkpoint that is not as the plan read it.
    """
    folder, about = Path(folder), run.checkpoint
    with hold(folder):
        if not (folder / "train.json").exists():
            try:
                size = run.examples().size
                found = look_at(Path(about["path"]), about["from"], about["model"], size, about["settings"])
                _write(run, found, folder, {"backbone": run.model.kind()})
            except BaseException as error:
                status.record_error(folder, error)
                raise
            status.write(folder, "done", "")
        return TRAIN.read(folder / "train.json")


def open_run(folder: Path) -> tuple[Run, ModelConfig, str]:
    """The run in a folder that was written by `sprint import`: itself, its network, and what that predicts."""
    path = Path(folder) / "config.json"
    document = read_json(path)
    if not isinstance(document, dict) or document.get("preset") != PRESET:
        raise UserError(f"{path}: not the config.json of an imported checkpoint")
    said = {key: document[key] for key in Imported.__dataclass_fields__ if key in document}
    known = build(Imported, said, str(path))
    settings = build(METHODS[known.method].Settings, known.settings, f"{path}: settings")
    backbone = known.model.on(known.image_size, known.drop)
    config = ModelConfig(known.channels, known.image_size, known.classes, backbone, known.method, settings)
    return _run(config, known.subsampling), config, known.prediction


def _run(config: ModelConfig, subsampling: str) -> Run:
    return run_of(config, subsampling, PRESET, {}, config.size)


def _write(run: Run, found: Published, folder: Path, facts: dict) -> int:
    """Weights, config.json and, last, train.json; returns the number of parameters."""
    tensors = weights_of(found)
    facts = {"channels": found.config.channels, "classes": found.config.classes, **facts}
    checkpoint.write(folder / "milestones", 0, tensors, {"stage": STAGE}, run.hash)
    config = {**run.document(), "name": run.name, "label": run.label, **facts}
    train = {
        "state": "done",
        "reason": "",
        "step": 0,
        "steps": 0,
        "seconds": 0.0,
        "milestones": [{"step": 0, "stage": STAGE, "seconds": 0.0}],
        "losses": [],
        "published": {"file": found.path.name, "sha256": file_sha256(found.path), "said": found.said},
        "code": run.code,
        "versions": provenance.versions(),
        "commit": provenance.commit(),
    }
    CONFIG.write(folder / "config.json", config)
    TRAIN.write(folder / "train.json", train)
    return sum(tensor.numel() for tensor in tensors.values())
