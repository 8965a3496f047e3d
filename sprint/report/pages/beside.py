"""Another folder of results: its runs matched with the report's by name but for the hash, and held against them.

The hash at the end of a name changes with anything that shapes weights; what is before it says method, drop ratio, what
is overridden, and seed. So a run finds its counterpart where the configuration differs, and in what is said.
"""

from dataclasses import dataclass
from pathlib import Path

from sprint.report.blocks import Cell
from sprint.report.format import metric_name
from sprint.report.pairs import effect_lines, no_effect
from sprint.report.read import Run, Study, read_study
from sprint.report.summary import Spread
from sprint.runtime.errors import UserError
from sprint.statistics.effects import effect

LEFT_OUT = {"name", "version", "preset", "label"}  # of config.json: what follows from the rest


@dataclass(frozen=True)
class Other:
    """Another results/<preset>, and its studies as far as it has runs of them."""

    folder: Path
    studies: dict[str, Study]


@dataclass(frozen=True)
class Matched:
    """A study here and there; `settings`: the name there of each setting that both have."""

    here: Study
    there: Study
    settings: dict[str, str]

    @property
    def only_here(self) -> list[str]:
        return [setting for setting in self.here.settings if setting not in self.settings]

    def ratio(self, metric: str, mine: Spread | None, theirs: Spread | None) -> Cell:
        """The first over the second with its interval over the seeds that both have."""
        if mine is None or theirs is None:
            return Cell("missing")
        found = effect({"here": mine.by_seed, "there": theirs.by_seed}, "here", "there", ratio=True)
        value, *below = effect_lines(metric, found) if found else [no_effect(mine, theirs)]
        return Cell(value, tuple(below))


def read_other(preset: str, folder: Path, plans: list[dict]) -> Other:
    """The studies of `plans` from another results/<preset>, or results. Raises UserError where there are no runs."""
    folder = folder / preset if (folder / preset / "runs").is_dir() else folder
    if not (folder / "runs").is_dir():
        raise UserError(f"--against is {folder}; allowed: a folder of results that has runs, such as results/{preset}")
    known = {_stem(path.name): path.name for path in sorted((folder / "runs").iterdir()) if path.is_dir()}
    studies = {plan["name"]: read_study(preset, folder, _there(plan, known)) for plan in plans}
    return Other(folder, studies)


def _there(plan: dict, known: dict[str, str]) -> dict:
    """A plan whose runs are those of the other folder; what its own configurations say is read from there."""
    names = {run: known[_stem(run)] for run in plan["runs"] if _stem(run) in known}
    swept = [names[run] for run in plan.get("evaluate") or [] if run in names]
    return {**plan, "runs": [*names.values()], "evaluate": swept, "configs": {}, "impossible": []}


def _stem(name: str) -> str:
    return name.rpartition("-")[0]


def matched(study: Study, other: Other) -> Matched:
    """The settings of a study that the other folder has runs of."""
    there = other.studies[study.name]
    by_run = {_stem(run.name): setting for setting, runs in there.settings.items() for run in runs}
    settings = {}
    for setting, runs in study.settings.items():
        if found := [by_run[_stem(run.name)] for run in runs if _stem(run.name) in by_run]:
            settings[setting] = found[0]
    return Matched(study, there, settings)


def unlike(pair: Matched) -> list[str]:
    """In what the configurations of a setting here and there differ, in words; settings that are alike are left out."""
    found = []
    for setting, name in pair.settings.items():
        here, there = pair.here.settings[setting][0], pair.there.settings[name][0]
        if changes := _changes(here, there):
            found.append(f"{setting}: {', '.join(changes)}")
    if pair.here.primary != pair.there.primary and pair.settings:
        found.append(f"ranked by {metric_name(pair.here.primary)} here and by {metric_name(pair.there.primary)} there")
    return found


def _changes(here: Run, there: Run) -> list[str]:
    mine, theirs = _flat(here.config), _flat(there.config)
    names = [name for name in sorted({*mine, *theirs}) if mine.get(name) != theirs.get(name)]
    found = [f"{name} {_told(mine, name)} against {_told(theirs, name)}" for name in names]
    commits = [run.train.get("commit", "unknown") for run in (here, there)]
    return found + ([f"commit {commits[0]} against {commits[1]}"] if found and commits[0] != commits[1] else [])


def _flat(value: object, name: str = "") -> dict[str, object]:
    if not isinstance(value, dict):
        return {name: value}
    inner = {key: one for key, one in value.items() if name or (key not in LEFT_OUT and key != "seed")}
    return {key: one for part, deep in inner.items() for key, one in _flat(deep, f"{name}.{part}".strip(".")).items()}


def _told(values: dict, name: str) -> str:
    return str(values[name]) if name in values else "nothing"
