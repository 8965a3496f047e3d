"""results/<preset>/**.json as records (`Run`, `Study`) and one pandas table of evaluations. Reads files only; no torch.

A run that diverged, failed or is not there yet stays in the study with its state and reason: tables show it. So does
one with a damaged file, without numbers; what else a study reads and is damaged is as if it were not there, and said.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from sprint.diffusion import guidance as guidances
from sprint.diffusion import samplers
from sprint.diffusion.attention import attention_of, under
from sprint.metrics import is_metric, ranking
from sprint.report.disk import Disk, fate_of
from sprint.report.format import drawn_text, factor_key, factor_text, listed
from sprint.report.held_out import losses_alone, with_losses
from sprint.report.speeds import speeds_of
from sprint.runtime import results as kinds
from sprint.runtime.code import remark
from sprint.statistics.comparable import conflicts

TERA = 1e12
EVALUATION_FACTORS = ("guidance", "attention")  # belong to an evaluation, not to a run
REPLICATE = "seed"  # runs that differ only in this are averaged


@dataclass(frozen=True)
class Run:
    """One training as far as the disk knows it. `state`: done, diverged, failed, missing or damaged; `reason`: why."""

    name: str
    state: str
    reason: str
    config: dict
    train: dict
    evaluate: dict
    evaluations: list[dict]
    measured_by: dict  # code and versions of the evaluations, as far as they were recorded
    swept: bool
    cost: dict
    throughput: dict

    @property
    def seed(self) -> object:
        return self.config.get("seed", "unknown")

    @property
    def fate(self) -> str:
        """What became of a run that is not done: `diverged at step 120 of 450: the loss is not finite`."""
        return f"{self.state}{' ' if self.reason.startswith('at ') else ': '}{self.reason}"

    @property
    def published(self) -> str:
        """The file of the checkpoint that it was imported from; empty where it was trained here."""
        return self.train.get("published", {}).get("file", "")

    @property
    def trained_seconds(self) -> float | None:
        """Wall-clock seconds of its whole training; None before its end, and of a published checkpoint."""
        return None if self.published else self.train.get("seconds")

    @property
    def method(self) -> str:
        """The method's readable name: the run's label without its drop ratio."""
        label = self.config.get("label", self.name).partition(",")[0]
        return label.removesuffix(factor_text("drop", self.config.get("drop"))).strip() or label

    def factor(self, path: str) -> object:
        """The value at a dotted path of config.json, for instance `settings.split`; None where there is none."""
        value: object = self.config
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def seconds_at(self, step: int) -> float | None:
        """Wall-clock seconds of training when `step` was reached; None when it was not noted."""
        if self.published or step == self.train.get("step"):
            return self.trained_seconds
        return next((mark["seconds"] for mark in self.train.get("milestones", []) if mark["step"] == step), None)

    def tflop_at(self, step: int) -> float | None:
        """Training TFLOP (forward and backward, 2 FLOP per MAC) up to `step`, from the modelled cost of each stage."""
        if not self.cost.get("stages"):  # not counted, or of a published checkpoint
            return None
        spent, left = 0.0, step
        for stage in self.cost["stages"]:
            steps = min(left, stage["steps"])
            spent += steps * stage["batch"] * stage["flops_per_image"]
            left -= steps
        return spent / TERA


@dataclass(frozen=True)
class Study:
    """One study with its runs grouped into settings: runs that agree in all factors but the seed."""

    name: str
    title: str
    question: str
    preset: str
    command: str
    factors: list[str]
    sweep: bool
    impossible: list[dict]
    settings: dict[str, list[Run]]
    reference: dict  # floor.json
    throughput: dict  # how speed was measured
    damaged: list[str]  # a sentence for each file that belongs to no run, or to its costs, and cannot be read
    remarks: list[str]  # what code or torch costs and floor were made with, where it is not today's
    asked: list[str]  # extractors in the preset's order: the first one ranks
    memory: dict = field(default_factory=dict, repr=False, compare=False)  # what summary.py has worked out already

    @property
    def floor(self) -> dict:
        """Metrics of one random half of the real data against the other; empty while they were not computed."""
        return self.reference.get("metrics", {})

    @property
    def untrained(self) -> dict:
        """Metrics of what an untrained network draws; empty while they were not computed."""
        return self.reference.get("untrained", {}).get("metrics", {})

    @property
    def runs(self) -> list[Run]:
        return [run for runs in self.settings.values() for run in runs]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per evaluation of every run: what was evaluated, what training had cost by then, every metric."""
        rows = [
            _evaluation_row(setting, run, evaluation)
            for setting, runs in self.settings.items()
            for run in runs
            for evaluation in run.evaluations
        ]
        frame = pd.DataFrame(rows)
        for column in (name for name in frame.columns if is_metric(name) or name in ("scale", "seconds", "tflop")):
            frame[column] = pd.to_numeric(frame[column])
        return frame

    @cached_property
    def final(self) -> pd.DataFrame:
        """Evaluations at the last step of the runs that finished: what tables and answers compare."""
        if self.frame.empty:
            return self.frame
        done = self.frame[self.frame["state"] == "done"]
        return done[done["step"] == done.groupby("run")["step"].transform("max")]

    @property
    def extractors(self) -> list[str]:
        """Extractors that something was measured under, in the order of the preset."""
        columns = self.frame.columns if not self.frame.empty else self.floor
        known = sorted({extractor for name in columns if (extractor := name.partition("/")[2])})
        return sorted(known, key=lambda name: self.asked.index(name) if name in self.asked else len(self.asked))

    @cached_property
    def primary(self) -> str:
        """The metric that ranks settings: a distance under the first extractor; empty while nothing was evaluated."""
        names = ranking(self.extractors[0] if self.extractors else "")
        return next((name for name in names if name in self.frame and self.final[name].notna().any()), names[-1])

    @cached_property
    def conflicts(self) -> list[str]:
        """In what, beside weights and guidance, the study's evaluations differ; none where they may be compared."""
        return conflicts([entry for run in self.runs for entry in run.evaluations])

    @property
    def unfinished(self) -> list[tuple[str, Run]]:
        return [(setting, run) for setting, runs in self.settings.items() for run in runs if run.state != "done"]


def read_study(preset: str, results: Path, plan: dict) -> Study:
    """The study described by `plan` with all that is on disk.

    A plan has name, title, question, vary, runs, impossible, evaluate, extractors, command; and may have `configs`,
    resolved configurations by run name, which name the runs that were not trained yet.
    """
    swept, configs = plan.get("evaluate") or [], plan.get("configs") or {}
    disk = Disk(Path(results))
    costs = disk.costs(plan["name"])
    measured = disk.optional(kinds.THROUGHPUT, f"throughput/{plan['name']}.json")
    speeds = speeds_of(measured, disk.all_of(kinds.THROUGHPUT))
    floor = disk.optional(kinds.FLOOR, "reference/floor.json")
    made = {"costs counted": disk.optional(kinds.COST, f"cost/{plan['name']}.json"), "floor measured": floor}
    runs = [
        _read_run(
            disk,
            name,
            sweep=f"sweeps/{plan['name']}" if name in swept else None,
            config=configs.get(name, {}),
            cost=costs.get(name, {}),
            throughput=speeds.get(name, {}),
        )
        for name in plan["runs"]
    ]
    if {run.seed for run in runs} <= set(plan.get("tuning_seeds", ())):
        runs = [replace(run, evaluations=losses_alone(run.evaluations)) for run in runs]
    factors = [name for name in plan["vary"] if name != REPLICATE and name not in EVALUATION_FACTORS]
    return Study(
        name=plan["name"],
        title=plan["title"],
        question=plan["question"],
        preset=preset,
        command=plan["command"],
        factors=factors,
        sweep=bool(swept),
        impossible=plan.get("impossible") or [],
        settings=_settings(runs, factors),
        reference=floor,
        throughput={key: value for key, value in measured.items() if key != "runs"},
        damaged=disk.damaged,
        remarks=[said for what, record in made.items() if (said := remark(record, what))],
        asked=plan["extractors"],
    )


def _read_run(disk: Disk, name: str, sweep: str | None, config: dict, cost: dict, throughput: dict) -> Run:
    mine, folder = Disk(disk.folder), f"runs/{name}"
    train = mine.status(folder)
    metrics = mine.optional(kinds.METRICS, f"{folder}/metrics.json")
    swept = mine.optional(kinds.SWEEP, f"{sweep}/{name}.json") if sweep else None
    config = _today(mine.optional(kinds.CONFIG, f"{folder}/config.json")) or config
    measured = metrics if swept is None else swept
    found = with_losses(metrics.get("evaluations", []) if swept is None else _with_unguided(swept, metrics))
    state, reason = fate_of(train, measured)
    if mine.damaged:
        state, reason, found = "damaged", listed(mine.damaged), []
    return Run(
        name=name,
        state=state,
        reason=reason,
        config=config,
        train=train,
        evaluate=disk.optional(kinds.METRICS_TIME, f"{folder}/metrics.time.json"),
        evaluations=found,
        measured_by={key: value for key, value in measured.items() if key in ("code", "versions")},
        swept=swept is not None,
        cost=cost,
        throughput=throughput,
    )


def _today(config: dict) -> dict:
    """config.json under today's names: in runs made before, what sets them apart was called `named`."""
    return {"overrides" if key == "named" else key: value for key, value in config.items()}


def _with_unguided(swept: dict, metrics: dict) -> list[dict]:
    """A sweep's evaluations, and the run's own unguided one of the same step, sampler and number of images."""
    found = swept.get("evaluations", [])
    if not found or any(guidances.unguided(entry["guidance"]) for entry in found):
        return found
    same = ("step", "sampler", "images", "labels")
    plain = [entry for entry in metrics.get("evaluations", []) if guidances.unguided(entry["guidance"])]
    return [entry for entry in plain if all(entry[key] == found[0][key] for key in same)] + found


def _settings(runs: list[Run], factors: list[str]) -> dict[str, list[Run]]:
    """Runs by a readable, unique name of their setting, in the order of the plan."""
    extra = [name for name in factors if name not in ("method", "drop")]
    extra = [name for name in extra if len({repr(run.factor(name)) for run in runs}) > 1]
    settings: dict[str, list[Run]] = {}
    for run in runs:
        label = run.config.get("label", run.name)
        known = [name for name in extra if run.factor(name) is not None]
        details = [f"{factor_key(name)} {factor_text(name, run.factor(name))}" for name in known]
        settings.setdefault(", ".join([label, *(text for text in details if text not in label)]), []).append(run)
    return settings


def _evaluation_row(setting: str, run: Run, evaluation: dict) -> dict:
    guidance, step = evaluation["guidance"], evaluation["step"]
    return {
        "setting": setting,
        "run": run.name,
        "state": run.state,
        "seed": run.seed,
        "step": step,
        "kind": guidance["kind"],
        "unguided": guidances.unguided(guidance),
        "scale": guidance["scale"],
        "attention": attention_of(evaluation),
        "family": under(evaluation, guidances.family(guidance)),
        "guidance": drawn_text(evaluation),
        "sampler": samplers.text(evaluation["sampler"]),
        "calls": "{strong:g} + {weak:g}".format(**evaluation["network_evaluations"]),
        **{key: evaluation[key] for key in ("stage", "images", "labels", "key")},
        "seconds": run.seconds_at(step),
        "tflop": run.tflop_at(step),
        "reasons": evaluation.get("reasons", {}),
        "bootstrap": evaluation.get("bootstrap", {}),
        **{name: value for name, value in evaluation["metrics"].items() if is_metric(name)},
    }
