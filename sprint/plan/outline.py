"""A plan in outline, for those who only have to know its names: `sprint list`, a dry run, what is left to do.

Reading a plan builds networks, which takes seconds to import. So its outline is kept in .snakemake/sprint/, with a hash
of all that it follows from: presets, studies, the code, the versions of Python and torch, what the folder of a data set
holds, and published checkpoints. While that is the same, nothing here imports torch. What is not right is refused by
the plan, and never kept.
"""

import hashlib
import importlib.metadata
import os
import platform
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import sprint
from sprint.plan.training import Training
from sprint.runtime.errors import UserError
from sprint.runtime.files import read_json, write_json
from sprint.runtime.strict import build, nearest

KEPT = Path(".snakemake/sprint")
READ = ("workflow/presets/*.yaml", "ablations/*.yaml")  # what a plan is read from


@dataclass(frozen=True)
class RunOutline:
    """A run's name, schedule, and what its weights come of."""

    name: str
    schedule: list[Training]  # one; none of a published checkpoint, which is not trained here
    code: dict  # by file: a hash
    teacher: str  # the extractor whose features it is taught; "": none
    checkpoint: str  # the file that is imported where others are trained; "": none

    def images_before(self, step: int | None = None) -> int:
        """Images that all steps before that one see, or all there are."""
        return sum(train.images_before(train.steps if step is None else step) for train in self.schedule)


@dataclass(frozen=True)
class StudyOutline:
    """A study and the names of its runs."""

    name: str
    title: str
    question: str
    runs: list[str]
    sweeps: dict  # by run: how the images of its own evaluations are drawn, as text
    sweep_code: dict  # by run: the code that shapes their numbers
    attentions: list[str]  # other than the usual one, with which its networks are asked
    attention_code: dict  # that shapes what they cost


@dataclass(frozen=True)
class Outline:
    """What the workflow and `sprint list` know of a preset's plan."""

    preset: str
    core: list[str]  # the studies that the preset's report is made of
    studies: list[StudyOutline]
    runs: list[RunOutline]
    extractors: list[str]  # with the file of the statistics that one is measured against, where it is not of own images
    trained_extractors: list[str]  # those of them that are trained on the preset's own images
    extractor_steps: int
    devices: int
    threads: int  # of one training
    shared: dict  # resources of a job that the preset's processes share
    alone: dict  # resources of a job of one process
    pictures: int  # that the workflow draws, for latents that it makes itself; 0: none
    image_size: int
    autoencoder_steps: int
    extractor_code: dict  # by extractor that is trained here: the code that shapes its weights
    reference_code: dict  # that shapes the floor
    evaluation_code: dict  # that shapes the numbers of each run's evaluations
    texts: dict  # data, model, evaluate, measure, as text: a job is done again when its part changes

    def study(self, name: str) -> StudyOutline:
        """The study called `name`. Raises UserError naming the nearest."""
        return nearest({study.name: study for study in self.studies}, name, "study")

    def asked(self, studies: list[str]) -> list[RunOutline]:
        """The runs of these studies, each once."""
        names = {run for study in studies for run in self.study(study).runs}
        return [run for run in self.runs if run.name in names]


def read_outline(preset: str, root: Path = Path(".")) -> Outline:
    """The outline of a preset's plan, read anew only where something it follows from has changed.

    Raises UserError, naming file and key, for what is not right in preset and studies.
    """
    known = (root / "workflow/presets").glob("*.yaml")
    path = root / KEPT / f"plan-{preset}.json" if preset in [file.stem for file in known] else None
    if path and (kept := _kept(path, root)):
        return kept
    outline, files = _read(preset, root)
    if path:
        with suppress(UserError):  # of a place that cannot be written: it is read anew next time
            write_json(path, {"key": _key(root, files), "files": files, "plan": asdict(outline)})
    return outline


def _kept(path: Path, root: Path) -> Outline | None:
    """What is kept, if it can be read and still holds."""
    try:
        content = read_json(path)
        if content["key"] == _key(root, content["files"]):
            return build(Outline, content["plan"], str(path))
    except (UserError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return None


def _read(name: str, root: Path) -> tuple[Outline, list[str]]:
    """The outline of the plan itself, and what its data set and its studies name that may be a file or a folder."""
    from sprint.plan.reading import load_plan

    plan = load_plan(name, root)
    named = [value for value in plan.preset.data.values() if isinstance(value, str)]
    return outline_of(plan), [*named, *(path for name in plan.studies for path in plan.study(name).files)]


def outline_of(plan) -> Outline:
    """The outline of a plan that was read."""
    from sprint.diffusion.guidance import GUIDANCES, Guidance
    from sprint.metrics.extractors import training_code
    from sprint.plan.code import of_attentions, of_evaluation
    from sprint.plan.schema import Drawing

    preset, runs = plan.preset, plan.runs().values()
    codec, unguided = preset.examples().codec, GUIDANCES[Guidance.usual]()
    drawings = [Drawing(guidance, preset.evaluate.attention) for guidance in (unguided, *preset.evaluate.guidance)]
    return Outline(
        preset=preset.name,
        core=preset.studies,
        studies=[
            StudyOutline(
                study.name,
                study.title,
                study.question,
                [run.name for run in study.runs],
                {run: str(sweep) for run, sweep in study.sweeps.items()},
                {run: of_evaluation(preset.evaluate, sweep, codec) for run, sweep in study.sweeps.items()},
                [attention.text() for attention in plan.attentions(study)],
                of_attentions(plan.attentions(study)),
            )
            for study in map(plan.study, plan.studies)
        ],
        runs=[
            RunOutline(
                run.name,
                [] if run.checkpoint else [run.train],
                run.code,
                run.teacher.get("extractor", ""),
                run.checkpoint.get("path", ""),
            )
            for run in runs
        ],
        extractors=[_against(name, preset.evaluate.references) for name in preset.evaluate.extractors],
        trained_extractors=plan.trained_extractors(),
        extractor_steps=preset.extractor_steps,
        devices=preset.devices,
        threads=preset.train.threads * preset.devices,
        shared=preset.resources(shared=True),
        alone=preset.resources(shared=False),
        pictures=preset.miniature.pictures,
        image_size=preset.image_size,
        autoencoder_steps=preset.miniature.steps,
        extractor_code={
            name: training_code(name)
            for name in (*plan.trained_extractors(), *(run.teacher["extractor"] for run in runs if run.teacher))
        },
        reference_code=of_evaluation(preset.evaluate, [Drawing(unguided)], codec),
        evaluation_code=of_evaluation(preset.evaluate, drawings, codec),
        texts={part: str(getattr(preset, part)) for part in ("data", "model", "evaluate", "measure")},
    )


def _against(extractor: str, references: dict) -> str:
    return f"{extractor} against {references[extractor]}" if extractor in references else extractor


def _key(root: Path, files: list[str]) -> str:
    """A hash of everything that an outline follows from."""
    total = hashlib.sha256()
    for part in _parts(root, files):
        total.update(part)
        total.update(b"\0")
    return total.hexdigest()


def _parts(root: Path, files: list[str]) -> Iterator[bytes]:
    yield platform.python_version().encode()
    yield importlib.metadata.version("torch").encode()
    package = Path(sprint.__file__).parent
    for folder, pattern in [*((root, pattern) for pattern in READ), (package, "**/*.py")]:
        for path in sorted(folder.glob(pattern)):
            yield str(path.relative_to(folder)).encode("utf-8", "surrogateescape")
            yield path.read_bytes()
    for name in files:
        yield from _entries(root / name)


def _entries(path: Path) -> Iterator[bytes]:
    """What tells that a folder or file has changed, come or gone: entries, sizes, times. Opens none."""
    with suppress(OSError, ValueError):
        found = sorted(os.scandir(path), key=lambda entry: entry.name) if path.is_dir() else []
        for entry in (path, *found):
            about = entry.stat()
            yield f"{os.fsdecode(entry)!a} {about.st_mtime_ns} {about.st_size}".encode()
