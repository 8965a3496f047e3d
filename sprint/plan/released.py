"""A published checkpoint as a row of a study, beside the runs that are trained here.

    runs:
      - {checkpoint: checkpoints/SiT-XL-2-256x256.pt, from: sit, model: XL/2}

Read from the file when the plan is: whether it is that codebase's network of that size, and sees what the preset's data
set and codec give. It is imported where others are trained, and sampled, measured and reported as they are; of its
training nothing is known, so that what a training costs is left open in its row.
"""

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path

from sprint.diffusion.denoiser import ModelConfig
from sprint.plan.schema import Preset, Run
from sprint.plan.training import UNKNOWN_TRAINING
from sprint.published.network import look_at
from sprint.runtime.errors import UserError
from sprint.runtime.strict import checked, describe, inside

NAMED = re.compile(r"[A-Za-z0-9._-]+")  # what may stand in the name of a run


@dataclass(frozen=True)
class Released:
    """One grid point of a study that names a checkpoint."""

    checkpoint: str  # a file, from the root of the repository
    source: str = field(metadata={"written": "from"})  # a file of sprint/published/codebases
    model: str  # size and patch, such as XL/2
    settings: dict = field(default_factory=dict)  # of the method, which no tensor tells, where not as published
    guidance: list[dict] = field(default_factory=list)
    attention: list[dict] = field(default_factory=list)

    @property
    def label(self) -> str:
        """How it is called where it is none of the runs."""
        return self.checkpoint


def released_run(preset: Preset, entry: Released, location: str) -> Run:
    """The row. Raises UserError for a file that is not there, another network, or one of another data set's shape."""
    place, path = inside(location, "checkpoint"), Path(entry.checkpoint)
    if not path.is_file():
        raise UserError(f"{place} is {describe(entry.checkpoint)}; there is no such file")
    if not NAMED.fullmatch(path.stem):
        raise UserError(
            f"{place} is {describe(entry.checkpoint)}; allowed: a name of letters, digits, '.', '_' and '-'"
        )
    examples = preset.examples()
    found = checked(location, lambda: look_at(path, entry.source, entry.model, examples.size, entry.settings))
    config = found.config
    sees, given = ((one.channels, one.size, one.size, one.classes) for one in (config, examples))
    if sees != given:
        shape = "{} x {} x {} of {} classes".format
        raise UserError(f"{place} sees {shape(*sees)}; allowed: {shape(*given)}, as preset {preset.name} has them")
    run = run_of(config, found.codebase.subsampling, preset.name, preset.data, preset.image_size)
    named = {"path": entry.checkpoint, "from": entry.source, "model": entry.model, "settings": entry.settings}
    return dataclasses.replace(run, codec=preset.codec, overrides={"checkpoint": path.stem}, checkpoint=named)


def run_of(config: ModelConfig, subsampling: str, preset: str, data: dict, image_size: int) -> Run:
    """A published network as a run, of whose training nothing is known."""
    return Run(
        preset=preset,
        method=config.method,
        drop=config.backbone.drop,
        subsampling=subsampling,
        settings=dataclasses.asdict(config.settings),
        overrides={},
        seed=0,
        data=data,
        image_size=image_size,
        model=dataclasses.replace(config.backbone, grid=0, drop=0.0),
        train=UNKNOWN_TRAINING,
    )
