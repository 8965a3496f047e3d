"""The kinds of results files under results/<preset>: what each holds, and the one way to read and write them.

    TRAIN.read(Path("results/digits/runs/RUN/train.json"))   # a plain dict that is as TRAIN says, or UserError

Every file says the `version` of these descriptions that it was written by; a file without one is from before there were
any. What is newer than this code, damaged, or of another run is refused in a sentence that names the file, the key, and
the command that makes the file anew. To add a key is no new version; to give one another meaning is. No torch.
"""

from dataclasses import dataclass
from pathlib import Path

from sprint.runtime.document import (
    AllOrNone,
    Anything,
    Each,
    Maybe,
    Moment,
    Number,
    Some,
    Text,
    Truth,
    Unfit,
    Whole,
    check,
)
from sprint.runtime.errors import UserError
from sprint.runtime.files import read_json, write_json

VERSION = 1
DEFAULT_PRESET = "digits"


@dataclass(frozen=True)
class Kind:
    """A kind of file: where it stands below results/<preset>, what it holds, and what makes it."""

    pattern: str
    holds: dict
    named: str = ""  # the key that repeats the name of the file, or of its folder
    target: str = ""  # the workflow's name of the file that is made with it, where it is not itself one

    def read(self, path: Path) -> dict:
        """The content. Raises UserError for a file that is missing, damaged, newer than this code, or another's."""
        path = Path(path)
        try:
            document = read_json(path)
        except UserError as error:
            raise UserError(f"{error}{self._anew(path)}") from error
        try:
            check({**self.holds, "version?": Whole(1)}, document)
        except Unfit as error:
            raise UserError(f"{path}: {error}{self._anew(path)}") from error
        if document.get("version", 0) > VERSION:
            raise UserError(
                f"{path}: version is {document['version']}; allowed: up to {VERSION}, the newest that this version of "
                f"sprint-bench reads; update it{self._anew(path, ', or ')}"
            )
        if self.named and self._place(path) and document[self.named] != self._name(path):
            raise UserError(
                f"{path}: {self.named} is {document[self.named]!r}; allowed: {self._name(path)!r}, whose place this is"
                f"{self._anew(path)}"
            )
        return document

    def write(self, path: Path, content: dict) -> dict:
        """Write the content with the version, whole or not at all; returns what was written."""
        document = {**content, "version": VERSION}
        write_json(path, document)
        return document

    def command(self, path: Path) -> str:
        """What makes the file anew; empty for a file that stands in no results/<preset>."""
        place = self._place(path)
        if not place:
            return ""
        preset, *below = place
        below = [*below[:-1], self.target] if self.target else below
        scale = "" if preset == DEFAULT_PRESET else f" --config preset={preset}"
        return f"snakemake --cores all --force {'/'.join(['results', preset, *below])}{scale}"

    def _anew(self, path: Path, join: str = "; ") -> str:
        command = self.command(path)
        return f"{join}`{command}` makes it anew" if command else ""

    def _place(self, path: Path) -> list[str]:
        """The preset and the names below it; empty elsewhere than below results/."""
        parts = Path(path).absolute().parts
        depth = self.pattern.count("/") + 2
        return list(parts[-depth:]) if len(parts) > depth and parts[-depth - 1] == "results" else []

    def _name(self, path: Path) -> str:
        return Path(path).stem if self.pattern.endswith("*.json") else Path(path).parent.name


FACTS = Each(Anything())
POSITIVE = Number(positive=True)
SECONDS = Number(0, 1e9)
SPREAD = {"median": POSITIVE, "low": POSITIVE, "high": POSITIVE}
MEASURED = {"metrics": Each(Maybe(Number())), "reasons?": Each(Text())}
MADE_BY = {"code?": Each(Text()), "versions?": Each(Text())}  # hashes by file, versions by package
STATES = ("done", "diverged", "failed", "interrupted", "running")

CONFIG = Kind(
    "runs/*/config.json",
    {
        **{"name": Text(), "label": Text(), "preset": Text(), "method": Text(), "subsampling": Text()},
        **{"drop": Number(0, 1), "seed": Whole(), "image_size": Whole(1), "channels": Whole(1), "classes": Whole(1)},
        **{"settings": FACTS, "data": FACTS, "model": FACTS, "train": FACTS, "overrides?": FACTS, "named?": FACTS},
    },
    named="name",
    target="train.json",
)
TRAIN = Kind(
    "runs/*/train.json",
    {
        **{"state": Text(STATES[:3]), "reason": Text(), "step": Whole(), "steps": Whole(), "seconds": SECONDS},
        "milestones": [{"step": Whole(), "stage": Text(), "seconds": SECONDS}],
        "losses": [(Whole(), Number())],
        **{"machine?": FACTS, "commit?": Text(), **MADE_BY},
        **{"ended?": Moment(), "processes?": Whole(1), "peak_memory_bytes?": Whole()},
        "published?": {"file": Text(), "sha256": Text(), "said?": [Text()]},  # the checkpoint that it was imported from
    },
)
STATUS = Kind("runs/*/status.json", {"state": Text(STATES), "reason": Text()}, target="train.json")
EVALUATION = {
    **{"key": Text(), "step": Whole(), "stage": Text(), "images": Whole(1), "labels": Text()},
    "guidance": {"kind": Text(), "scale": Number(), "interval": (Number(), Number())},
    "sampler": {"kind": Text(), "steps": Whole(1)},
    "attention?": {"kind": Text()},
    "network_evaluations": {"strong": Number(0), "weak": Number(0)},
    **{**MEASURED, "bootstrap?": Each([Number()]), "identity?": FACTS},
    "losses?": {
        **{"times": [Number(0, 1)], "images": Whole(1), "losses": [Maybe(Number(0))]},
        "losses_skipped?": [Maybe(Number(0))],
    },
    "by_label?": {"images": [Whole()], "right": [Whole()]},
}
EVALUATIONS = {"run": Text(), "state": Text(STATES[:3]), "reason?": Text(), "evaluations": [EVALUATION], **MADE_BY}
METRICS = Kind("runs/*/metrics.json", EVALUATIONS, named="run")
METRICS_TIME = Kind("runs/*/metrics.time.json", {"seconds": SECONDS})
SWEEP = Kind("sweeps/*/*.json", EVALUATIONS, named="run")
SWEEP_TIME = Kind("sweeps/*/*.time.json", {"seconds": SECONDS})
FLOOR = Kind(
    "reference/floor.json",
    {
        **{"images": Whole(), "reference_images": Whole(), "data?": Text()},
        **MEASURED,
        **{"held_out?": Truth(), "splits?": Whole(1), "deviations?": Each(Maybe(Number(0)))},
        **{"untrained?": {"images": Whole(1), **MEASURED}, **MADE_BY},
    },
)
EXTRACTOR = Kind(
    "extractors/*.json",
    {
        **{"name": Text(), "seed": Whole(), "sha256": Text(), "dim": Whole(1), "held_out_accuracy": Number(0, 1)},
        **{"seconds": Number(0), "data?": Text(), "steps?": Whole(), **MADE_BY},
    },
    named="name",
)
STAGE_COST = {"name": Text(), "steps": Whole(), "batch": Whole(1), "flops_per_image": POSITIVE, "flops": Number(0)}
COST = Kind(
    "cost/*.json",
    {
        **{"study": Text(), "code?": Each(Text())},
        "runs": Each(
            AllOrNone(  # the second part is a training's, which is not known of a published checkpoint
                {
                    **{"params": Whole(1), "forward_macs": POSITIVE, "stages": [STAGE_COST]},
                    "sampling_flops_per_step": Each(POSITIVE),
                },
                {
                    **{"stages": Some(STAGE_COST), "train_flops": POSITIVE, "train_flops_vs_dense": POSITIVE},
                    **{"train_flops_per_image": POSITIVE, "finetune_flops_per_image": POSITIVE},
                },
            )
        ),
    },
    named="study",
)
THROUGHPUT = Kind(
    "throughput/*.json",
    {
        **{"study": Text(), "machine": FACTS, "threads": Whole(1), "batch": Whole(1), "peak_memory_bytes": Whole()},
        **{"networks?": Each(Text()), "measured_in?": Each(Text()), "base?": Text()},
        "runs": Each(Each({**SPREAD, "calls?": Text(), "of_base?": SPREAD})),
    },
    named="study",
)
SCALING = Kind(
    "scaling.json",
    {
        **{"machine": {"processor": Text(), "gpu": Text()}, "model": {"width": Whole(1), "depth": Whole(1)}},
        **{"threads": Whole(1), "precision": Text(), "compiled": Truth(), "base?": Text()},
        "rows": [
            {
                **{"label": Text(), "tokens": Whole(1), "batch": Whole(1), "images_per_second": POSITIVE},
                **{"step_seconds": {**SPREAD, "repeats": Whole(1)}, "data_seconds": SPREAD},
                **{"speedup_measured": SPREAD, "speedup_modelled": POSITIVE, "flops_per_second": POSITIVE},
                "base_images_per_second?": POSITIVE,
                **{"working_bytes": Maybe(Number(0)), "parts_seconds": [(Text(), POSITIVE)]},
            }
        ],
    },
)
REFERENCE = Kind(
    "reference/manifest.json",
    {
        **{"sha256": Text(), "bytes": Each(Whole()), "data": Text(), "images": Whole(), "kept": Whole()},
        **{"published": Each(Text()), "extractors": Each(Text())},
    },
    target="features.safetensors",
)
CALLS = Kind("runs/*/evaluations/*.json", {"strong": Number(0), "weak": Number(0), "code?": Each(Text())})
