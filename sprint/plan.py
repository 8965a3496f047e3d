"""Presets and studies from their files: expanded into runs, and checked before any compute is spent."""

import dataclasses
import itertools
from pathlib import Path

from sprint import data
from sprint.budget import with_equal_flops
from sprint.config import Plan, Preset, Run, Study, Training
from sprint.errors import UserError
from sprint.guidance import Guidance
from sprint.methods import find
from sprint.shape import spec_of
from sprint.strict import build, convert, describe, inside, nearest, read_yaml, refuse_unknown
from sprint.tokens import kept_count

PRESETS = Path("workflow/presets")
STUDIES = Path("ablations")
NOT_STUDIES = ("published",)
POSITIONS = ("sincos", "rope2d")
PRECISIONS = ("float32", "bfloat16")
BUDGETS = ("steps", "flops")
RANGES = {  # lowest and highest value allowed, both included
    "image_size": (1, 1 << 16),
    "extractor_steps": (0, 1 << 24),
    "model.width": (4, 1 << 16),
    "model.depth": (1, 1 << 10),
    "model.heads": (1, 1 << 10),
    "model.patch": (1, 1 << 10),
    "train.steps": (1, 1 << 40),
    "train.finetune": (0, 1),
    "train.batch": (1, 1 << 20),
    "train.finetune_batch": (1, 1 << 20),
    "train.learning_rate": (1e-12, 10),
    "train.finetune_learning_rate": (1e-12, 10),
    "train.warmup": (0, 1 << 40),
    "train.ema": (0, 1),
    "train.clip": (1e-12, 1e12),
    "train.weight_decay": (0, 10),
    "train.label_drop": (0, 1),
    "train.checkpoint_every": (1, 1 << 40),
    "train.threads": (1, 1 << 10),
    "evaluate.images": (2, 1 << 24),
    "evaluate.batch": (1, 1 << 20),
    "evaluate.grid": (1, 1 << 10),
    "measure.batch": (1, 1 << 20),
    "measure.repeats": (1, 1 << 10),
    "measure.seconds": (0, 3600),
}


@dataclasses.dataclass(frozen=True)
class StudyFile:
    """The keys of ablations/<name>.yaml."""

    title: str
    question: str
    vary: list[str]  # what differs between the runs: method, drop, subsampling, guidance, or settings.<key>
    runs: list[dict]  # grids: method, drop, subsampling, settings, train; a list stands for each of its values
    seeds: int = 0  # how many of the preset's seeds; 0: all
    show_impossible: bool = False  # list settings that cannot be built instead of refusing them


@dataclasses.dataclass(frozen=True)
class Entry:
    """One grid point of a study."""

    method: str
    drop: float = 0.0
    subsampling: str = ""  # "": the method's own rule
    settings: dict = dataclasses.field(default_factory=dict)
    train: dict = dataclasses.field(default_factory=dict)
    guidance: list[dict] = dataclasses.field(default_factory=list)
    budget: str = "steps"  # what a run shares with the dense one: "steps", or training "flops" (cheaper trains longer)


def load_plan(preset_name: str, root: Path = Path(".")) -> Plan:
    """The preset with every study of ablations/. Raises UserError, naming file and key, for what is not right."""
    preset = load_preset(preset_name, root)
    studies = {path.stem: load_study(path, preset) for path in study_files(root)}
    for name in preset.studies:
        nearest(studies, name, f"{root / PRESETS / preset_name}.yaml: studies: study")
    return Plan(preset, studies)


def study_files(root: Path) -> list[Path]:
    """The files of all studies, by name."""
    return [path for path in sorted((root / STUDIES).glob("*.yaml")) if path.stem not in NOT_STUDIES]


def load_preset(name: str, root: Path = Path(".")) -> Preset:
    """workflow/presets/<name>.yaml."""
    files = {path.stem: path for path in sorted((root / PRESETS).glob("*.yaml"))}
    if not files:
        raise UserError(f"{root / PRESETS}: no presets here; run from the root of the repository")
    path = nearest(files, name, "preset")
    preset = build(Preset, {"name": name, **_without_name(read_yaml(path), path)}, str(path))
    _check_ranges(preset, str(path))
    _check_training(preset.train, str(path))
    _check_preset(preset, path)
    return preset


def _without_name(content: dict, path: Path) -> dict:
    if "name" in content:
        raise UserError(f"{path}: unknown key 'name'; a preset is named by its file")
    return content


def _check_ranges(preset: Preset, where: str) -> None:
    for key, (low, high) in RANGES.items():
        value = preset
        for part in key.split("."):
            value = getattr(value, part)
        _in_range(value, low, high, inside(where, key))
    for share in preset.train.milestones:
        _in_range(share, 1e-9, 1, inside(where, "train.milestones"))


def _in_range(value: float, low: float, high: float, where: str) -> None:
    if not low <= value <= high:
        raise UserError(f"{where} is {value}; allowed: {low:g} to {high:g}")


def _check_training(train: Training, where: str) -> None:
    _one_of(train.precision, PRECISIONS, inside(where, "train.precision"))
    if sorted(set(train.milestones)) != train.milestones or train.milestones[-1:] != [1.0]:
        place = inside(where, "train.milestones")
        raise UserError(f"{place} is {train.milestones}; allowed: rising shares of the steps that end in 1")


def _check_preset(preset: Preset, path: Path) -> None:
    model = preset.model
    _one_of(model.positions, POSITIONS, f"{path}: model.positions")
    if preset.image_size % model.patch:
        raise UserError(f"{path}: model.patch is {model.patch}; allowed: a divisor of image_size {preset.image_size}")
    if model.width % (4 * model.heads):
        raise UserError(f"{path}: model.width is {model.width}; allowed: a multiple of 4 x heads = {4 * model.heads}")
    if not preset.seeds or len(set(preset.seeds)) != len(preset.seeds):
        raise UserError(f"{path}: seeds is {preset.seeds}; allowed: a list of one or more different whole numbers")
    _checked(f"{path}: evaluate.sampler", preset.evaluate.sampler.check)
    _checked(f"{path}: data", lambda: _check_data(preset))
    for name, settings in preset.methods.items():
        where = inside(f"{path}: methods", str(name))
        build(_checked(where, lambda name=name: find(str(name))).Settings, settings, where)


def _check_data(preset: Preset) -> None:
    settings = dict(preset.data)
    reader = data.reader(settings.pop("name", "(none)"))
    refuse_unknown(settings, list(reader.SETTINGS), "settings")
    for key, kind in reader.SETTINGS.items():
        if key not in settings:
            raise UserError(f"{key} is missing")
        convert(kind, settings[key], key)
    reader.check(settings, preset.image_size)


def load_study(path: Path, preset: Preset) -> Study:
    """ablations/<name>.yaml, expanded for a preset."""
    content = build(StudyFile, read_yaml(path), str(path))
    seeds = preset.seeds[: content.seeds] if content.seeds else preset.seeds
    runs, sweeps, impossible = {}, {}, []
    for number, grid in enumerate(content.runs):
        for point in _points(grid):
            where = f"{path}: runs[{number}]"
            entry = build(Entry, point, where)
            try:
                found = [make_run(preset, entry, seed, where) for seed in seeds]
                guidances = _guidances(entry, where)
            except UserError as error:
                if not content.show_impossible:
                    raise
                impossible.append(
                    {
                        "label": _entry_label(entry),
                        "reason": str(error).removeprefix(f"{where}.").removeprefix(f"{where}: "),
                    }
                )
                continue
            runs |= {run.name: run for run in found}
            for run in found if guidances else []:
                sweeps.setdefault(run.name, []).extend(guidances)
    if not runs:
        raise UserError(f"{path}: runs makes no run at all; allowed: at least one method")
    return Study(path.stem, content.title, content.question, content.vary, list(runs.values()), impossible, sweeps)


def _points(grid: dict) -> list[dict]:
    """Every combination of the values that stand in lists; inside `settings` and `train` as well."""
    flat = [(("guidance",), [grid["guidance"]])] if "guidance" in grid else []
    for key, value in grid.items():
        if key in ("settings", "train") and isinstance(value, dict):
            flat += [
                ((key, inner), values if isinstance(values, list) else [values]) for inner, values in value.items()
            ]
        elif key != "guidance":
            flat.append(((key,), value if isinstance(value, list) else [value]))
    points = []
    for combination in itertools.product(*(values for _, values in flat)):
        point: dict = {}
        for (keys, _), value in zip(flat, combination, strict=True):
            target = point if len(keys) == 1 else point.setdefault(keys[0], {})
            target[keys[-1]] = value
        points.append(point)
    return points


def make_run(preset: Preset, entry: Entry, seed: int, where: str) -> Run:
    """A run, checked down to its method's settings and the grid's drop ratios."""
    method = _checked(inside(where, "method"), lambda: find(entry.method))
    scale = preset.methods.get(entry.method, {})
    usual, settings = (
        build(method.Settings, chosen, inside(where, "settings")) for chosen in (scale, {**scale, **entry.settings})
    )
    train = build(Training, {**dataclasses.asdict(preset.train), **entry.train}, inside(where, "train"))
    _check_ranges(dataclasses.replace(preset, train=train), where)
    _check_training(train, where)
    subsampling = _subsampling(method, entry, where)
    spec = spec_of(preset.model, preset.image_size, entry.drop)
    if subsampling:
        _checked(inside(where, "drop"), lambda: kept_count(subsampling, spec.grid, entry.drop))
    usual, settings = (_checked(where, lambda asked=asked: method.resolve(asked, spec)) for asked in (usual, settings))
    _checked(where, lambda: method.check(settings, spec, entry.drop))
    _one_of(entry.budget, BUDGETS, inside(where, "budget"))
    run = Run(
        preset=preset.name,
        method=entry.method,
        drop=entry.drop,
        subsampling=subsampling,
        settings=dataclasses.asdict(settings),
        named={},
        seed=seed,
        data=preset.data,
        image_size=preset.image_size,
        model=preset.model,
        train=train,
    )
    run = with_equal_flops(run) if entry.budget == "flops" else run
    named = {**_differing(settings, usual), **_differing(run.train, preset.train)}
    named |= {"subsampling": subsampling} if subsampling != method.subsampling else {}
    return dataclasses.replace(run, named=named)


def _differing(chosen, usual) -> dict:
    """The fields in which one dataclass differs from another."""
    return {key: value for key, value in dataclasses.asdict(chosen).items() if value != getattr(usual, key)}


def _subsampling(method, entry: Entry, where: str) -> str:
    if not method.subsampling and entry.subsampling:
        raise UserError(
            f"{inside(where, 'subsampling')} is {entry.subsampling!r}, but {entry.method} drops no tokens; leave it out"
        )
    return entry.subsampling or method.subsampling


def _guidances(entry: Entry, where: str) -> list[Guidance]:
    """Every combination of kind, scale and interval that the entry's guidance grids name."""
    found = []
    for number, grid in enumerate(entry.guidance):
        place = f"{inside(where, 'guidance')}[{number}]"
        interval = {"interval": grid["interval"]} if "interval" in grid else {}
        lists = {key: value if isinstance(value, list) else [value] for key, value in grid.items() if key != "interval"}
        for values in itertools.product(*lists.values()):
            guidance = build(Guidance, {**dict(zip(lists, values, strict=True)), **interval}, place)
            _checked(place, lambda guidance=guidance: guidance.check(entry.method))
            found.append(guidance)
    return found


def _entry_label(entry: Entry) -> str:
    extra = [f"{key} {value}" for key, value in {**entry.settings, **entry.train}.items()]
    return ", ".join([f"{find(entry.method).title} {entry.drop * 100:g}%", *extra])


def _one_of(value: str, allowed: tuple[str, ...], where: str) -> None:
    if value not in allowed:
        raise UserError(f"{where} is {describe(value)}; allowed: {', '.join(allowed)}")


def _checked(where: str, check):
    """check(), with `where` put before what it refuses."""
    try:
        return check()
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
