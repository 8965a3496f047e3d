"""What a preset, a study and a run are. `reading.py` reads them from files and checks them.

A preset (workflow/presets/<name>.yaml) is the scale, a study (ablations/<name>.yaml) one ablation. A study's grids
times the preset's seeds are runs; a run's name is readable and ends in a hash of all that shapes its weights, so that
studies share the runs they have in common.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from sprint import data
from sprint.data import LEVELS
from sprint.diffusion.attending import USUAL
from sprint.diffusion.attention import Attention
from sprint.diffusion.guidance import GUIDANCES, Guidance
from sprint.diffusion.samplers import Sampler
from sprint.methods import METHODS
from sprint.metrics.extractors import trained_here
from sprint.nn.backbones import Backbone
from sprint.plan.training import Passes, Training
from sprint.published import network
from sprint.published.codebases import CODEBASES
from sprint.runtime.code import shaping
from sprint.runtime.errors import UserError
from sprint.runtime.strict import describe, nearest, ranged, text_of
from sprint.teachers import TEACHERS, frozen


@dataclass(frozen=True)
class Drawing:
    """How the images of an evaluation are drawn, as far as the evaluations of one preset differ in it."""

    guidance: Guidance
    attention: Attention = USUAL

    def __repr__(self) -> str:
        """The guidance alone where attention is the usual one: as it was before there was a choice."""
        return repr(self.guidance) if self.attention.is_usual else f"{self.guidance!r} under {self.attention!r}"

    def text(self) -> str:
        """`CFG 1.5`, `CFG 1.5, pisa block 64 density 0.25`."""
        return ", ".join([self.guidance.text(), *([] if self.attention.is_usual else [self.attention.text()])])


@dataclass(frozen=True)
class Evaluating:
    """How the weights of every milestone are evaluated."""

    images: int = ranged(2, 1 << 24)  # samples per evaluation
    batch: int = ranged(1, 1 << 20)  # images sampled at a time; moves no number
    sampler: Sampler
    guidance: list[Guidance]  # of the last milestone; earlier ones are evaluated unguided
    extractors: list[str]
    sample_seed: int
    grid: int = ranged(1, 1 << 10)  # images of each evaluation that are kept to be looked at
    held_out: int = ranged(
        0, 1 << 20, default=0
    )  # held-out images on which the loss of unguided evaluations is taken; left out (0): none
    labels: str = ranged(
        allowed=("balanced", "random"), unsaid=True, default="balanced"
    )  # each class in turn, or each image's drawn by itself from (sample_seed, index)
    quantise: str = ranged(allowed=LEVELS, unsaid=True, default=LEVELS[0])  # samples to uint8, see data.to_pixels
    precision: str = ranged(
        allowed=("", "float32", "tf32", "bfloat16"), unsaid=True, default=""
    )  # of the network while it samples: tf32 for products on a GPU, bfloat16 for autocast; "": the training's
    references: dict = field(
        default_factory=dict, metadata={"unsaid": True}
    )  # by extractor, an .npz of published statistics in place of the preset's own images
    attention: Attention = field(
        default=USUAL, metadata={"unsaid": True}
    )  # with which networks are asked, while they sample and for held-out losses; a study's sweep may name others

    __repr__ = text_of

    def asked(self, milestones: list) -> list[tuple]:
        """(milestone, Drawing) of every evaluation: earlier ones unguided, the last under each of the guidances."""
        plain = GUIDANCES[Guidance.usual]()
        earlier = [(milestone, plain) for milestone in milestones[:-1]]
        asked = [*earlier, *((last, guidance) for last in milestones[-1:] for guidance in self.guidance)]
        return [(milestone, Drawing(guidance, self.attention)) for milestone, guidance in asked]


@dataclass(frozen=True)
class Measuring:
    """How throughput is measured."""

    batch: int = ranged(1, 1 << 20)  # images a step
    repeats: int = ranged(1, 1 << 10)  # timed steps, after one untimed
    tokens: list[int]  # squares: the numbers of tokens for which `scaling` measures training steps


@dataclass(frozen=True)
class Cluster:
    """What a training of a preset asks a cluster for, on each node. 0: nothing, or what slurm/config.yaml says."""

    gpus: int = ranged(0, 1 << 10, default=0)  # one per device
    processors: int = ranged(0, 1 << 14, default=0)  # 0: train.threads for each device
    memory: int = ranged(0, 1 << 30, default=0)  # MB
    minutes: int = ranged(0, 1 << 24, default=0)


@dataclass(frozen=True)
class Miniature:
    """What a workflow makes itself where there are no latents: digits as pictures, an autoencoder, and latents."""

    pictures: int = ranged(0, 1 << 20, default=0)  # left out (0): latents and autoencoder are there
    steps: int = ranged(1, 1 << 24, default=1)  # of the autoencoder's training


@dataclass(frozen=True)
class Preset:
    """The scale of a comparison."""

    name: str
    data: dict  # name of a file in sprint/data/sets, and its settings
    image_size: int = ranged(1, 1 << 16)  # pixels
    model: Backbone
    train: Training
    evaluate: Evaluating
    measure: Measuring
    seeds: list[int]
    studies: list[str]  # the core studies, which the report is made of
    extractor_steps: int = ranged(
        1, 1 << 24, default=0
    )  # optimiser steps of extractors that are trained here; left out (0): as many as serve them best
    devices: int = ranged(
        1, 1 << 10, default=1
    )  # processes on each node that share a training; moves a number by rounding only
    nodes: int = ranged(1, 1 << 14, default=1)
    passes: Passes = field(default_factory=Passes)
    cluster: Cluster = field(default_factory=Cluster)
    methods: dict = field(
        default_factory=dict
    )  # settings of methods at this scale, where they differ from the method's own
    codec: dict = field(default_factory=lambda: data.USUAL_CODEC)  # name of a file in sprint/data/codecs, its settings
    miniature: Miniature = field(default_factory=Miniature)  # in results/<preset>/pictures, autoencoder and latents
    tuning_seeds: list[int] = field(default_factory=lambda: [1000])  # of study tuning, used for nothing else
    tuned: str = ""  # the file of learning rates that study tuning chose for each method; left out (""): none
    rates: dict = field(
        default_factory=dict, metadata={"derived": True}
    )  # what that file says: by method, its learning rates in multiples of this preset's

    def examples(self, location: str = "") -> data.Examples:
        """The data set through the codec; nothing is read. `location`, the preset's file, opens what is refused."""
        return data.opened(self.data, self.codec, self.image_size, location)

    @property
    def processors(self) -> int:
        """That a job of the preset's processes takes of each node."""
        return self.cluster.processors or self.train.threads * self.devices

    def resources(self, shared: bool) -> dict[str, int | str]:
        """What a job asks Snakemake for, and through it a cluster: `shared` among the preset's processes, or of one."""
        asked = {"mem_mb": self.cluster.memory, "runtime": self.cluster.minutes}
        asked = {key: value for key, value in asked.items() if value}  # of the others the profile knows
        if not shared:
            return asked | {"gpu": min(1, self.cluster.gpus)}
        asked |= {"cpus_per_task": self.processors}
        if self.nodes == 1:
            return asked | {"gpu": self.cluster.gpus}
        asked |= {"nodes": self.nodes, "tasks": self.nodes, "mpi": "srun"}  # the command calls srun, not Snakemake
        return asked | ({"slurm_extra": f"--gpus-per-node={self.cluster.gpus}"} if self.cluster.gpus else {})


@dataclass(frozen=True)
class Run:
    """One training, or one published checkpoint: preset, method and its settings, seed."""

    preset: str
    method: str
    drop: float  # share of the tokens that the sparse stage drops
    subsampling: str  # rule that chooses the kept tokens; "" where none are dropped
    settings: dict  # the method's own, complete
    overrides: dict  # what differs from this preset's usual: it stands in the run's name
    seed: int
    data: dict
    image_size: int
    model: Backbone
    train: Training
    codec: dict = field(default_factory=lambda: data.USUAL_CODEC)
    teacher: dict = field(default_factory=dict)  # kind of a file in sprint/teachers, its settings; empty: none
    checkpoint: dict = field(default_factory=dict)  # path, from, model of a published one; empty: trained here

    def examples(self) -> data.Examples:
        """The data set through the codec; nothing is read."""
        return data.opened(self.data, self.codec, self.image_size)

    @property
    def dropping(self) -> bool:
        """Whether there is a drop ratio to speak of."""
        return bool(self.subsampling or self.drop)

    @property
    def name(self) -> str:
        """Method, what sets it apart, seed, and a hash of everything that shapes the weights."""
        parts = [self.method, f"drop{self.drop * 100:g}"] if self.dropping else [self.method]
        parts += [f"{key}{value}".replace("/", "_").replace(" ", "") for key, value in sorted(self.overrides.items())]
        return "-".join([*parts, f"seed{self.seed}", self.hash])

    @property
    def hash(self) -> str:
        content = {key: value for key, value in self.document().items() if key not in ("preset", "overrides")}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]

    @property
    def label(self) -> str:
        """How tables call it."""
        parts = [METHODS[self.method].title]
        parts += [f"{self.drop * 100:g}%"] if self.dropping else []
        return ", ".join([" ".join(parts), *(f"{key} {value}" for key, value in sorted(self.overrides.items()))])

    @property
    def code(self) -> dict[str, str]:
        """The code that shapes its weights: hashes of method, backbone, teacher or codebase, and what they import."""
        teacher = [TEACHERS[self.teacher["kind"]].__module__, frozen.__name__] if self.teacher else []
        source = [CODEBASES[self.checkpoint["from"]].__module__, network.__name__] if self.checkpoint else []
        return shaping(METHODS[self.method].__module__, type(self.model).__module__, *teacher, *source)

    def document(self) -> dict:
        """Everything, as JSON has it; codec, teacher and checkpoint where they are not the usual ones."""
        whole = {**dataclasses.asdict(self), "model": self.model.document(), "train": self.train.document()}
        usual = {"codec": data.USUAL_CODEC, "teacher": {}, "checkpoint": {}}
        return {key: value for key, value in whole.items() if key not in usual or value != usual[key]}


@dataclass(frozen=True)
class Study:
    """One ablation."""

    name: str
    title: str
    question: str
    vary: list[str]  # what differs between its runs, as tables show it
    runs: list[Run]
    impossible: list[dict]  # {"label", "reason"} of settings that cannot be built
    sweeps: dict[str, list[Drawing]]  # by run: evaluations of its own, beyond the preset's
    files: list[str]  # checkpoints that its entries name, whether they are there or not


@dataclass(frozen=True)
class Plan:
    """A preset with all its studies."""

    preset: Preset
    studies: dict[str, Callable[[], Study]]  # by name: reads it, and builds its networks to see that they can be, once

    def trained_extractors(self) -> list[str]:
        """Names of the extractors that are trained on the preset's own images; others have published weights."""
        return [name for name in self.preset.evaluate.extractors if trained_here(name)]

    def core_methods(self) -> set[str]:
        """Methods of the studies that the report is made of."""
        return {run.method for name in self.preset.studies for run in self.study(name).runs}

    def runs(self) -> dict[str, Run]:
        """All runs by name."""
        return {run.name: run for name in self.studies for run in self.study(name).runs}

    def run(self, name: str) -> Run:
        """The run called `name`, or the only one whose name begins so. Raises UserError naming the nearest."""
        for study in dict.fromkeys([*self.preset.studies, *self.studies]):  # no more of them are read than it takes
            if found := next((run for run in self.study(study).runs if run.name == name), None):
                return found
        runs = self.runs()
        begun = [known for known in runs if known.startswith(name)]
        if not begun:
            return nearest(runs, name, f"run of preset {self.preset.name!r}")
        if len(begun) > 1:
            shown = ", ".join(begun[:4]) + (f" and {len(begun) - 4} more" if len(begun) > 4 else "")
            raise UserError(
                f"run {describe(name)} of preset {self.preset.name!r} is the beginning of {len(begun)} names: {shown}; "
                "allowed: a name, or as much of it as no other begins with"
            )
        return runs[begun[0]]

    def study(self, name: str) -> Study:
        """The study called `name`. Raises UserError naming the nearest."""
        return nearest(self.studies, name, "study")()

    def attentions(self, study: Study) -> list[Attention]:
        """Those, other than the usual one, with which networks of a study are asked."""
        drawings = [drawing for sweep in study.sweeps.values() for drawing in sweep]
        asked = dict.fromkeys([self.preset.evaluate.attention, *(drawing.attention for drawing in drawings)])
        return [attention for attention in asked if not attention.is_usual]
