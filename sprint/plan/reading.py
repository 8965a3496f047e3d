"""Presets and studies from their files: expanded into runs, and checked before any compute is spent."""

import dataclasses
import itertools
import math
from functools import cache, partial
from pathlib import Path

from sprint.data import USUAL_CODEC
from sprint.diffusion.attention import Attention
from sprint.diffusion.guidance import Guidance
from sprint.methods import METHODS
from sprint.nn.backbones import Backbone
from sprint.nn.ratios import kept_count
from sprint.plan.budget import with_equal_flops
from sprint.plan.ranges import check_evaluating, check_preset, check_shares, check_training, one_of, refuse_drawing
from sprint.plan.released import Released, released_run
from sprint.plan.schema import Drawing, Plan, Preset, Run, Study, Training
from sprint.plan.tuned import at_rate, read_rates
from sprint.runtime.errors import UserError
from sprint.runtime.strict import build, checked, convert, differing, inside, nearest, ranged, read_yaml
from sprint.teachers import Teacher

PRESETS = Path("workflow/presets")
STUDIES = Path("ablations")
NOT_STUDIES = ("published",)
BUDGETS = ("steps", "flops")
SWEPT = ("guidance", "attention")  # of evaluations: no runs of their own
MOST_POINTS = 4096  # of one grid


@dataclasses.dataclass(frozen=True)
class StudyFile:
    """The keys of ablations/<name>.yaml."""

    title: str
    question: str
    vary: list[str]  # what differs between runs: method, backbone, drop, guidance, attention, settings.<key>, ...
    runs: list[
        dict
    ]  # grids: method, backbone, drop, teacher, settings, train, ...; a list stands for each of its values. Or a
    # published checkpoint, see released.py
    seeds: int = ranged(1, 1 << 10, default=0)  # how many of the preset's seeds; left out (0): all
    tuning: bool = False  # on the preset's tuning seeds instead
    show_impossible: bool = False  # list settings that cannot be built instead of refusing them


@dataclasses.dataclass(frozen=True)
class Entry:
    """One grid point of a study."""

    method: str
    drop: float = 0.0
    subsampling: str = ""  # "": the method's own rule
    settings: dict = dataclasses.field(default_factory=dict)
    train: dict = dataclasses.field(default_factory=dict)
    model: dict = dataclasses.field(default_factory=dict)  # of the backbone, where it differs from the preset's
    rate: float = ranged(
        1e-6, 1e6, default=0.0
    )  # of both learning rates, in multiples of the preset's; left out (0): what was tuned for the method, else 1
    guidance: list[dict] = dataclasses.field(default_factory=list)  # of a sweep; empty: the preset's
    attention: list[dict] = dataclasses.field(default_factory=list)  # under each of them; empty: the preset's
    budget: str = "steps"  # what a run shares with the dense one: "steps", or training "flops" (cheaper trains longer)
    backbone: str = ""  # the kind; "": the preset's
    teacher: dict = dataclasses.field(default_factory=dict)  # {kind: repa, ...}; empty: none
    length: float = ranged(1e-3, 1e3, default=1.0)  # steps of both stages, in multiples of those it would have

    @property
    def label(self) -> str:
        """How it is called where it cannot be built."""
        extra = [f"{key} {value}" for key, value in {**self.settings, **self.train}.items()]
        return ", ".join([f"{METHODS[self.method].title} {self.drop * 100:g}%", *extra])


def load_plan(preset_name: str, root: Path = Path("."), data_too: bool = True) -> Plan:
    """The preset with every study of ablations/. Raises UserError, naming file and key, for what is not right: of a
    study when it is asked for. Without `data_too` images may be broken or gone: a report of runs reads none.
    """
    preset = load_preset(preset_name, root, data_too)
    files = {path.stem: path for path in study_files(root)}
    for name in preset.studies:
        nearest(files, name, f"{root / PRESETS / preset_name}.yaml: studies: study")
    return Plan(preset, {name: cache(partial(load_study, path, preset)) for name, path in files.items()})


def study_files(root: Path) -> list[Path]:
    """The files of all studies, by name."""
    return [path for path in sorted((root / STUDIES).glob("*.yaml")) if path.stem not in NOT_STUDIES]


def load_preset(name: str, root: Path = Path("."), data_too: bool = True) -> Preset:
    """workflow/presets/<name>.yaml."""
    files = {path.stem: path for path in sorted((root / PRESETS).glob("*.yaml"))}
    if not files:
        raise UserError(f"{root / PRESETS}: no presets here; run from the root of the repository")
    path = nearest(files, name, "preset")
    preset = build(Preset, {"name": name, **_without_name(read_yaml(path), path)}, str(path))
    if preset.tuned:
        preset = dataclasses.replace(preset, rates=read_rates(root / preset.tuned, f"{path}: tuned"))
    check_preset(preset, str(path), data_too)
    return preset


def _without_name(content: dict, path: Path) -> dict:
    if "name" in content:
        raise UserError(f"{path}: unknown key 'name'; a preset is named by its file")
    return content


def load_study(path: Path, preset: Preset) -> Study:
    """ablations/<name>.yaml, expanded for a preset."""
    content = build(StudyFile, read_yaml(path), str(path))
    seeds = preset.seeds[: content.seeds] if content.seeds else preset.seeds
    seeds = preset.tuning_seeds if content.tuning else seeds
    runs, sweeps, impossible, files = {}, {}, [], []
    for number, grid in enumerate(content.runs):
        location = f"{path}: runs[{number}]"
        for point in _points(grid, location):
            entry = build(Released if "checkpoint" in point else Entry, point, location)
            files += [entry.checkpoint] if isinstance(entry, Released) else []
            try:
                found = _runs_of(preset, entry, seeds, location)
                drawings = _sweep(entry, preset, found[0], location)
            except UserError as error:
                if not content.show_impossible:
                    raise
                impossible.append(
                    {
                        "label": entry.label,
                        "reason": str(error).removeprefix(f"{location}.").removeprefix(f"{location}: "),
                    }
                )
                continue
            runs |= {run.name: run for run in found}
            for run in found if drawings else []:
                sweeps.setdefault(run.name, []).extend(drawings)
    if not runs and not impossible:
        raise UserError(f"{path}: runs makes no run at all; allowed: at least one method")
    _check_vary(content.vary, runs, f"{path}: vary")
    for run in runs.values():
        check_evaluating(preset, run, f"{path.parent.parent / PRESETS / preset.name}.yaml")
    return Study(
        path.stem, content.title, content.question, content.vary, list(runs.values()), impossible, sweeps, files
    )


def _runs_of(preset: Preset, entry: Entry | Released, seeds: list[int], location: str) -> list[Run]:
    """A run for each seed; a published checkpoint is one."""
    if isinstance(entry, Released):
        return [released_run(preset, entry, location)]
    return [make_run(preset, entry, seed, location) for seed in seeds]


def _check_vary(vary: list[str], runs: dict[str, Run], location: str) -> None:
    """Raise UserError for a factor that no run has."""
    settings = sorted({f"settings.{key}" for run in runs.values() for key in run.settings})
    train = [f"train.{known.name}" for known in dataclasses.fields(Training)]
    model = sorted({f"model.{key}" for run in runs.values() for key in run.model.document()})
    teacher = ["teacher.kind", *(f"teacher.{known.name}" for known in dataclasses.fields(Teacher))]
    allowed = ["method", "backbone", "drop", "subsampling", *SWEPT, "seed", *settings, *train, *model, *teacher]
    for factor in vary:
        nearest(dict.fromkeys(allowed), factor, f"{location}: factor")


def _points(grid: dict, location: str) -> list[dict]:
    """Every combination of the values that stand in lists; inside `settings`, `train` and `model` as well."""
    flat = [((key,), [grid[key]]) for key in SWEPT if key in grid]
    for key, value in grid.items():
        if key in ("settings", "train", "model") and isinstance(value, dict):
            flat += [
                ((key, inner), values if isinstance(values, list) else [values]) for inner, values in value.items()
            ]
        elif key not in SWEPT:
            flat.append(((key,), value if isinstance(value, list) else [value]))
    points = []
    for combination in _product([values for _, values in flat], location):
        point: dict = {}
        for (keys, _), value in zip(flat, combination, strict=True):
            target = point if len(keys) == 1 else point.setdefault(keys[0], {})
            target[keys[-1]] = value
        points.append(point)
    return points


def _product(lists: list[list], location: str) -> itertools.product:
    count = math.prod(map(len, lists))
    if count > MOST_POINTS:
        raise UserError(f"{location} stands for {count} combinations; allowed: at most {MOST_POINTS}")
    return itertools.product(*lists)


def make_run(preset: Preset, entry: Entry, seed: int, location: str) -> Run:
    """A run, checked down to its method's settings and the grid's drop ratios."""
    method = checked(inside(location, "method"), lambda: METHODS[entry.method])
    scale = preset.methods.get(entry.method, {})
    usual, settings = (
        build(method.Settings, chosen, inside(location, "settings")) for chosen in (scale, {**scale, **entry.settings})
    )
    usual_rate = preset.rates.get(entry.method, 1.0)
    rate = entry.rate or usual_rate
    rated = at_rate(preset.train, rate)
    train = build(Training, {**dataclasses.asdict(rated), **entry.train}, inside(location, "train"))
    train = dataclasses.replace(train, steps=max(1, round(entry.length * train.steps)))
    check_training(train, location)
    check_shares(preset, train, location)
    subsampling = _subsampling(method, entry, location)
    model = _model(preset, entry, location)
    backbone = model.on(preset.examples().size, entry.drop)
    if subsampling:
        checked(inside(location, "drop"), lambda: kept_count(subsampling, backbone.grid, entry.drop))
    usual = checked(location, lambda: method.resolve(usual, backbone))
    settings = checked(location, lambda: method.settle(settings, backbone))
    usual_teacher, teacher = _teacher(preset, entry.teacher, method, settings, backbone, location)
    one_of(entry.budget, BUDGETS, inside(location, "budget"))
    run = Run(
        preset=preset.name,
        method=entry.method,
        drop=entry.drop,
        subsampling=subsampling,
        settings=dataclasses.asdict(settings),
        overrides={},
        seed=seed,
        data=preset.data,
        codec=preset.codec,
        image_size=preset.image_size,
        model=model,
        train=train,
        teacher=teacher.document() if teacher else {},
    )
    run = with_equal_flops(run) if entry.budget == "flops" else run
    overrides = {**differing(settings, usual), **differing(run.train, rated)}
    overrides |= {"rate": rate} if entry.rate else {}  # also where it was chosen: names stay when a choice is made
    usual_model = preset.model.document()
    overrides |= {key: value for key, value in model.document().items() if key != "kind" and value != usual_model[key]}
    overrides |= {"subsampling": subsampling} if subsampling != method.subsampling else {}
    overrides |= {"teacher": teacher.kind(), **differing(teacher, usual_teacher)} if teacher else {}
    overrides |= {"backbone": model.kind()} if model.kind() != preset.model.kind() else {}
    return dataclasses.replace(run, overrides=overrides)


def _model(preset: Preset, entry: Entry, location: str) -> Backbone:
    """The preset's backbone, or another kind of its sizes, with the entry's changes."""
    kind = {"kind": entry.backbone} if entry.backbone else {}
    if not (kind or entry.model):
        return preset.model
    place = inside(location, "model" if entry.model else "backbone")
    chosen, rest = checked(place, lambda: Backbone.chosen({**preset.model.document(), **kind, **entry.model}))
    model = build(chosen, rest, place)
    checked(place, lambda: model.check(preset.examples().size), ".")
    return model


def _teacher(preset: Preset, asked: dict, method, settings, backbone: Backbone, location: str) -> tuple:
    """The teacher of a kind as it usually is at this scale, and as it is asked for; none where none is."""
    if not asked:
        return None, None
    place = inside(location, "teacher")
    if preset.codec != USUAL_CODEC:
        raise UserError(f"{place} is set, but the codec is {preset.codec['name']!r}; allowed: pictures in pixels")
    wanted = convert(Teacher, asked, place)
    usual, teacher = (one.on(backbone, preset.evaluate.extractors) for one in (type(wanted)(), wanted))
    checked(place, lambda: teacher.check(backbone, method.subsampling, method.sparse(settings, backbone)))
    return usual, teacher


def _subsampling(method, entry: Entry, location: str) -> str:
    if not method.subsampling and entry.subsampling:
        raise UserError(
            f"{inside(location, 'subsampling')} is {entry.subsampling!r}, but {entry.method} drops no tokens; "
            "leave it out"
        )
    return entry.subsampling or method.subsampling


def _sweep(entry: Entry | Released, preset: Preset, run: Run, location: str) -> list[Drawing]:
    """Every guidance that the entry names with every attention that it does; of what it leaves out, the preset's."""
    if not (entry.guidance or entry.attention):
        return []
    guidances = _named(Guidance, entry.guidance, inside(location, "guidance"))
    attentions = _named(Attention, entry.attention, inside(location, "attention"))
    found = []
    for guidance, place in guidances or [(one, location) for one in preset.evaluate.guidance]:
        for attention, other in attentions or [(preset.evaluate.attention, location)]:
            found.append(Drawing(guidance, attention))
            refuse_drawing(found[-1], run, place, other)
    return found


def _named(contract: type, grids: list[dict], location: str) -> list[tuple]:
    """(plug-in, its place) of every combination of kind and settings that grids name; a list stands for each of its
    values, but for an interval, which is one."""
    found = []
    for number, grid in enumerate(grids):
        place = f"{location}[{number}]"
        whole = {"interval": grid["interval"]} if "interval" in grid else {}
        lists = {key: value if isinstance(value, list) else [value] for key, value in grid.items() if key not in whole}
        for values in _product(list(lists.values()), place):
            found.append((convert(contract, {**dict(zip(lists, values, strict=True)), **whole}, place), place))
    return found
