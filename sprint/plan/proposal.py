"""A preset for somebody's own pictures: what there is, and sizes that a first comparison can afford.

On a CPU an image becomes at most 256 tokens of a small network; on a GPU the network is DiT-S. The time of training is
known only once a step was timed (bench/first_run.py), so the steps are given by the caller.
"""

import re
import statistics
from dataclasses import dataclass
from pathlib import Path

import yaml

from sprint.data import USUAL_CODEC, opened
from sprint.data.pictures import dimensions
from sprint.metrics.extractors import DATA
from sprint.plan.reading import PRESETS
from sprint.runtime.errors import UserError
from sprint.runtime.strict import read_yaml

SIZES = (8, 16, 32, 64)  # pixels a side that are proposed, where the pictures have as many
TOKENS_A_SIDE = 16
LOOKED_AT = 2000  # pictures whose heads are read for their size
BATCH, FEWEST, PASSES, MOST = 32, 300, 20, 2000  # images a step; least steps, passes over the pictures, most steps
LEAST_PICTURES = 10  # that an extractor can be trained on
MANY, HELD_OUT = 1000, 5  # pictures of which every fifth can be spared to measure on
LIKE = "digits"  # the preset whose schedule is taken over
EXTRACTORS = ("cnn", "ssl")  # one that learns the labels, one that does not, trained on these pictures
LONGEST = 40  # letters of a name


@dataclass(frozen=True)
class Survey:
    """What a folder of pictures holds."""

    path: str
    classes: dict[str, int]  # pictures by class
    smaller_sides: list[int]  # of the pictures that were looked at
    grey: bool

    @property
    def count(self) -> int:
        return sum(self.classes.values())


@dataclass(frozen=True)
class Scale:
    """The sizes of a proposal."""

    image_size: int
    patch: int
    width: int
    depth: int
    heads: int
    graphics: bool
    steps: int

    @property
    def tokens(self) -> int:
        return (self.image_size // self.patch) ** 2


def survey(path: Path) -> Survey:
    """Count the pictures of a folder with one folder per class, and look at the sizes of some."""
    data_set = opened({"name": "image_folder", "path": str(path), "channels": 3}, USUAL_CODEC, SIZES[0]).data_set
    data_set.check()
    files = [file for file, _ in data_set.files]
    if len(files) < LEAST_PICTURES:
        raise UserError(f"{path}: holds {len(files)} pictures; allowed: at least {LEAST_PICTURES}")
    counts = {folder.name: sum(file.parent == folder for file in files) for folder in data_set.class_folders}
    heads = [dimensions(file) for file in files[:: -(-len(files) // LOOKED_AT)]]
    sides = sorted(min(width, height) for width, height, _ in heads)
    return Survey(str(path), counts, sides, all(grey for _, _, grey in heads))


def propose(found: Survey, graphics: bool) -> Scale:
    """Sizes for a first comparison, on a GPU (`graphics`) or a CPU."""
    typical = statistics.median_low(found.smaller_sides)
    allowed = [size for size in SIZES if size <= min(typical, 64 if graphics else 32)] or [SIZES[0]]
    size, steps = allowed[-1], min(max(round(PASSES * found.count / BATCH), FEWEST), MOST)
    width, depth, heads = (384, 12, 6) if graphics else (64, 6, 2)
    return Scale(size, max(1, size // TOKENS_A_SIDE), width, depth, heads, graphics, steps)


def preset_name(asked: str, path: Path, root: Path = Path(".")) -> str:
    """The name of the preset to write. Raises UserError where it is no name or there is such a preset."""
    name = asked or re.sub(r"[^a-z0-9]+", "-", Path(path).resolve().name.lower()).strip("-")
    if not DATA.fullmatch(name) or len(name) > LONGEST:
        raise UserError(f"--name is {name!r}; allowed: up to {LONGEST} letters and digits, with single dashes between")
    file = root / PRESETS / f"{name}.yaml"
    if file.exists():
        raise UserError(f"{file} is there already; allowed: another --name, or remove the file first")
    return name


def document(name: str, found: Survey, scale: Scale, root: Path = Path(".")) -> dict:
    """The content of workflow/presets/<name>.yaml: that of the preset LIKE where nothing speaks against it."""
    like = read_yaml(root / PRESETS / f"{LIKE}.yaml")
    rate = 1e-3 if scale.graphics else 2e-3
    held_out = {"held_out": HELD_OUT} if found.count >= MANY else {}
    changes = {
        "data": {"name": "image_folder", "path": found.path, "channels": 1 if found.grey else 3, **held_out},
        "image_size": scale.image_size,
        "model": like["model"]
        | {"width": scale.width, "depth": scale.depth, "heads": scale.heads, "patch": scale.patch},
        "train": like["train"]
        | {"steps": scale.steps, "batch": BATCH, "finetune_batch": BATCH}
        | {"learning_rate": rate, "finetune_learning_rate": rate / 2}
        | {"precision": "bfloat16" if scale.graphics else "float32"},
        "evaluate": like["evaluate"]
        | {"images": max(min(found.count, 600), 50), "sampler": {"kind": "heun", "steps": 8}}
        | {"extractors": [f"{name}-{extractor}" for extractor in EXTRACTORS]}
        | {"held_out": min(found.count // (2 * HELD_OUT), 1000) if held_out else 0},
        "measure": like["measure"] | {"tokens": [64, 256]},
        "seeds": [0],
        "studies": ["methods"],
        "methods": {} if scale.graphics else like["methods"],
    }
    return like | changes


def preset_text(name: str, found: Survey, content: dict, hours: float, graphics: bool) -> str:
    """The file: a header as other presets have it, and the content."""
    classes = "1 class" if len(found.classes) == 1 else f"{len(found.classes)} classes"
    return f"""\
# Question:  how do efficient diffusion transformers compare on {found.count:,} pictures of {classes}?
# Command:   snakemake --cores all --config preset={name}
# Hardware:  {"one GPU" if graphics else "the CPU it was made on, no GPU"}
# Hours:     {hours:.2g} for its studies, estimated when this file was made
# Expected:  not known before it is tried; the report holds samples beside the floor and beside noise
{yaml.safe_dump(content, default_flow_style=None, sort_keys=False, allow_unicode=True, width=110)}"""
