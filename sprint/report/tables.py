"""Tables as plain data for the template. Runs without numbers keep their row and say why."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sprint.metrics import called, is_metric, metric_of
from sprint.report.blocks import Cell, Column, Key
from sprint.report.figures.styles import method_style
from sprint.report.format import (
    FACTOR_UNITS,
    MISSING,
    arrow,
    bounded,
    factor_name,
    factor_text,
    listed,
    logarithmic,
    metric_name,
    metric_text,
    of_floor,
    prefix,
    range_text,
    significant,
)
from sprint.report.read import Run, Study
from sprint.report.summary import Line, Spread, lines, target_of, training_share

UNKNOWN = "–"
COUNTS = {"k": "thousand", "M": "million", "G": "billion", "": ""}


@dataclass(frozen=True)
class Group:
    """One setting: its factors, one line of cells per guidance (or `state` where there is none), its costs."""

    head: str
    factors: list[Cell]
    lines: list[list[Cell]]
    costs: list[Cell]
    seeds: Cell
    commands: list[str]
    state: str = ""
    key: Key | None = None  # the sign of its method; none where it is no setting of ours
    target: str = ""


@dataclass
class Table:
    factors: list[Column]
    metrics: list[Column]
    costs: list[Column]
    groups: list[Group]
    notes: list[str] = field(default_factory=list)

    @property
    def columns(self) -> list[Column]:
        return [*self.factors, *self.metrics, *self.costs]

    def note(self, text: str) -> int:
        """The number under which `text` stands below the table."""
        if text not in self.notes:
            self.notes.append(text)
        return self.notes.index(text) + 1


def study_table(study: Study, headline: bool = False) -> Table:
    """The table of a study: factors (the method stands in the label), quality, cost. `headline` adds size and speed."""
    costs = [] if study.sweep else cost_columns(study, headline)
    factors = [name for name in study.factors if name != "method"]
    table = _empty(table_metrics(study), [Column(factor_name(name), FACTOR_UNITS.get(name, "")) for name in factors])
    table.costs = [column for column, _ in costs]
    for setting, runs in study.settings.items():
        cells = [Cell(factor_text(name, runs[0].factor(name))) for name in factors]
        found = [cost(runs) for _, cost in costs]
        table.groups.append(_group(table, study, setting, cells, found, table_metrics(study)))
    for impossible in study.impossible:
        state = f"impossible: {impossible['reason']}"
        table.groups.append(Group(impossible["label"], [], [], [], Cell("0"), [study.command], state))
    if study.floor:
        table.groups += _references(study, table, table_metrics(study))
    return table


def more_table(study: Study) -> Table | None:
    """The other metrics of the same settings, under the first extractor; None when nothing was evaluated."""
    metrics = more_metrics(study)
    if study.final.empty or not metrics:
        return None
    table = _empty(metrics, [])
    for setting in study.settings:
        table.groups.append(_group(table, study, setting, [], [], metrics))
    if study.floor:
        table.groups += _references(study, table, metrics)
    return table


def _empty(metrics: list[str], factors: list[Column]) -> Table:
    return Table(factors, [Column("guidance"), *(_column(one) for one in metrics)], [], [])


def _column(metric: str) -> Column:
    return Column(metric_name(metric), arrow(metric), ratio=logarithmic(metric))


def table_metrics(study: Study) -> list[str]:
    """Distances under every extractor, losses and shares: those of the main tables that some evaluation has.

    Last come those of which no run has a number, and the reason stands below the table.
    """
    columns = [] if study.frame.empty else study.frame.columns
    found = [name for extractor in (*study.extractors, "") for name in called(extractor, "main") if name in columns]
    return sorted(found, key=lambda name: not study.frame[name].notna().any())


def more_metrics(study: Study) -> list[str]:
    """Those of the further tables under the first extractor that some evaluation has."""
    columns = [] if study.frame.empty else study.frame.columns
    further = [name for extractor in study.extractors[:1] for name in called(extractor, "further")]
    return [name for name in [*further, *called("", "further")] if name in columns]


def rerun_command(study: Study, run: Run) -> str:
    """The command that makes one run's numbers again, training included, from the repository's root.

    Without `--forcerun` Snakemake has nothing to do where the numbers are there already.
    """
    folder = f"sweeps/{study.name}/{run.name}.json" if run.swept else f"runs/{run.name}/metrics.json"
    preset = "" if study.preset == "digits" else f" --config preset={study.preset}"
    return f"snakemake --cores all results/{study.preset}/{folder}{preset} --forcerun train"


def evaluation_table(study: Study) -> tuple[list[str], list[list[str]]]:
    """Every evaluation of every run, milestones included, with every metric: headers and rows of text."""
    if study.frame.empty:
        return [], []
    metrics = sorted(filter(is_metric, study.frame.columns), key=lambda name: (metric_of(name).place, name))
    headers = ["run", "step", "guidance", "sampler", "images", "network calls per image, strong + weak"]
    rows = [
        [
            row["run"],
            str(row["step"]),
            row["guidance"],
            row["sampler"],
            str(row["images"]),
            row["calls"],
        ]
        + [metric_text(name, row[name]) for name in metrics]
        for row in study.frame.to_dict("records")
    ]
    return headers + [metric_name(name) for name in metrics], rows


def _group(table: Table, study: Study, setting: str, factors: list[Cell], costs: list[Cell], metrics: list) -> Group:
    runs = study.settings[setting]
    shown = lines(study, setting)
    return Group(
        head=setting,
        factors=factors,
        costs=costs,
        lines=[_line_cells(table, study, line, metrics) for line in shown],
        seeds=_seeds_cell(table, setting, runs, explain=bool(shown)),
        commands=[rerun_command(study, run) for run in runs],
        state="" if shown else listed(sorted({run.fate for run in runs})),
        key=sign_of(runs[0]),
        target=target_of(study, setting),
    )


def _line_cells(table: Table, study: Study, line: Line, metrics: list[str]) -> list[Cell]:
    return [Cell(line.guidance)] + [_metric_cell(table, study, line, metric) for metric in metrics]


def _metric_cell(table: Table, study: Study, line: Line, metric: str) -> Cell:
    value, reason = line.metrics.get(metric), line.reasons.get(metric)
    note = table.note(f"{metric_name(metric)}: {reason}") if reason else 0
    if value is None:
        return Cell(MISSING, note=note)
    return Cell(metric_text(metric, value.mean), _below(study, metric, value), note)


def _below(study: Study, metric: str, value: Spread) -> tuple[str, ...]:
    """The interval, and for Fréchet distances how many times the floor the mean is."""
    times = of_floor(metric, value.mean, study.floor.get(metric))
    ends = [metric_text(metric, end) for end in (bounded(metric, *value.interval) if value.interval else ())]
    return tuple(part for part in ("–".join(ends), times and f"{times} floor") if part)


def _seeds_cell(table: Table, setting: str, runs: list[Run], explain: bool) -> Cell:
    """How many seeds stand behind a row; those that do not are named in a note, never dropped."""
    done = sum(run.state == "done" for run in runs)
    broken = [f"seed {run.seed} {run.fate}" for run in runs if run.state != "done"]
    links = tuple((str(run.seed), f"run:{run.name}") for run in runs)
    if not broken:
        return Cell(str(done), links=links)
    note = table.note(f"{setting}: {listed(broken)}") if explain else 0
    return Cell(f"{done} of {len(runs)}", note=note, links=links)


def sign_of(run: Run) -> Key:
    """The colour and the mark of a run's method, as figures draw it."""
    style = method_style(run.factor("method"))
    return Key(run.method, style.css, style.mark)


def _references(study: Study, table: Table, metrics: list[str]) -> list[Group]:
    """What every setting is between: an untrained network, where it was measured, and the floor."""
    about = study.reference
    floor = (f"{about['images']} against {about['reference_images']}",)
    found = [_reference(table, "Floor: real against real", Cell("real images", floor), metrics, study.floor)]
    if study.untrained:
        noise = Cell("noise", (f"{about['untrained']['images']} against all real ones",))
        found.insert(0, _reference(table, "Untrained network", noise, metrics, study.untrained))
    return found


def _reference(table: Table, head: str, what: Cell, metrics: list[str], values: dict) -> Group:
    cells = [what, *(Cell(metric_text(metric, values.get(metric))) for metric in metrics)]
    blank = [[Cell("")] * len(columns) for columns in (table.factors, table.costs)]
    return Group(head, blank[0], [cells], blank[1], Cell(""), [])


def cost_columns(study: Study, headline: bool) -> list[tuple[Column, Callable[[list[Run]], Cell]]]:
    """What a setting costs, each column in a unit in which its smallest number can be read."""
    training = _scaled(study, "train_flops", "training", "{}FLOP")
    dense = (Column("of dense", "training FLOP"), lambda runs: Cell(share_text(study, runs)))
    if not headline:
        return [training, dense]
    size = _scaled(study, "params", "parameters", "{}")
    forward = _scaled(study, "forward_macs", "forward", "{}MAC / image")
    speed, time = Column("speed", "images / s, measured", ratio=True), Column("time", "s, wall clock", ratio=True)
    measured = [(speed, _speed), (time, _training_seconds)]
    return [size, forward, training, dense, *measured]


def _scaled(study: Study, key: str, name: str, unit: str) -> tuple[Column, Callable]:
    factor, letter = prefix(run.cost.get(key) for run in study.runs)
    return Column(name, COUNTS.get(letter, letter) if unit == "{}" else unit.format(letter), ratio=True), _of_cost(
        key, factor
    )


def _of_cost(key: str, scale: float) -> Callable:
    return lambda runs: next(
        (Cell(significant(run.cost[key] / scale)) for run in runs if key in run.cost), Cell(UNKNOWN)
    )


def share_text(study: Study, runs: list[Run]) -> str:
    """Training FLOP over those of dense, as tables and sentences have it; a dash where it is not known."""
    share = training_share(study, runs)
    return UNKNOWN if share is None else f"{share:.2f}×"


def _speed(runs: list[Run]) -> Cell:
    """Measured images per second in training: median of the first run measured, with the range of its repetitions."""
    for run in runs:
        if speed := run.throughput.get("train") or run.throughput.get("finetune"):
            return Cell(significant(speed["median"]), (range_text(speed),))
    return Cell(UNKNOWN)


def _training_seconds(runs: list[Run]) -> Cell:
    seconds = [run.trained_seconds for run in runs if run.state == "done" and run.trained_seconds is not None]
    if not seconds:
        return Cell(UNKNOWN)
    span = (f"{significant(min(seconds))}–{significant(max(seconds))}",) if len(seconds) > 1 else ()
    return Cell(significant(sum(seconds) / len(seconds)), span)
