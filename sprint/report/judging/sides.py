"""What the two sides of a rule select: a setting of a study, the evaluation of it, or its modelled cost."""

from collections import ChainMap
from dataclasses import dataclass

from sprint.diffusion.guidance import kind_name
from sprint.metrics import METRICS, is_metric
from sprint.report.format import listed, metric_name, metric_text
from sprint.report.learned import nothing_learned
from sprint.report.read import Run, Study
from sprint.report.summary import Line, best_of, lines
from sprint.statistics.claims import DISTANCE, Rule, Selector


class Untestable(Exception):
    """Why a rule cannot be applied here, whatever the seeds: a sentence without a full stop."""


class Missing(Exception):
    """Which numbers a rule waits for: a sentence without a full stop."""


@dataclass(frozen=True)
class Side:
    """What a selector found: the setting, the metric and the line of it (None for costs), its runs."""

    study: Study
    setting: str
    metric: str
    line: Line | None
    runs: list[Run]


def select(studies: list[Study], rule: Rule, selector: Selector) -> Side:
    """The setting that a selector means. Raises Untestable where there is none, or several; Missing without numbers."""
    known = [study for study in studies if rule.study in ("", study.name)]
    if rule.study and not known:
        raise Untestable(
            f"study {rule.study} is not part of this report; `snakemake --cores all {rule.study}` makes its own"
        )
    for study in known:
        if settings := [
            name for name, runs in study.settings.items() if any(_meant(rule, selector, run) for run in runs)
        ]:
            if len(settings) > 1:
                raise Untestable(f"{selector.text()} means several settings: {listed(settings)}")
            return _side(study, settings[0], rule, selector)
    where = f"study {rule.study}" if rule.study else "the studies of this report"
    raise Untestable(f"no run of {selector.text()} in {where}")


def _meant(rule: Rule, selector: Selector, run: Run) -> bool:
    """Whether a run is what a selector names. Steps need no naming where a study is: they are its budget."""
    config, asked = run.config, selector.asked
    if (config.get("method"), config.get("drop")) != (selector.method, selector.drop):
        return False
    changed = config.get("overrides", {})
    if set(changed) - {*asked, *(("steps",) if rule.study else ())}:
        return False
    has = ChainMap(*(config.get(part, {}) for part in ("train", "model", "settings")), changed, config)
    return all(has.get(key) == value for key, value in asked.items())


def _side(study: Study, setting: str, rule: Rule, selector: Selector) -> Side:
    runs = study.settings[setting]
    if rule.exact:
        return Side(study, setting, rule.metric, None, runs)
    if study.conflicts:
        raise Untestable(f"evaluations of study {study.name} differ in {listed(study.conflicts)}")
    if nothing_learned(study):
        raise Untestable(f"most networks of study {study.name}, or its base, are hardly better than untrained ones")
    metric = metric_in(study, selector.metric or rule.metric)
    taught = runs[0].config.get("teacher", {}).get("extractor")
    if taught and metric.endswith(f"/{taught}"):
        raise Untestable(f"{setting} was taught the features of {taught}, of which the distance is")
    found = [line for line in lines(study, setting) if metric in line.metrics]
    if selector.guidance != "best":
        found = [line for line in found if line.kind == selector.guidance]
    if not found:
        raise _without(study, setting, metric, selector)
    return Side(study, setting, metric, best_of(found, metric), runs)


def _without(study: Study, setting: str, metric: str, selector: Selector) -> Exception:
    """Untestable where all was evaluated and the metric is not among it; Missing where runs are not done."""
    states = sorted({run.fate for run in study.settings[setting] if run.state != "done"})
    name = metric_name(metric) if is_metric(metric) else metric
    text = f"{setting} has no {name} with guidance {selector.guidance}"
    return Missing(f"{text}: {listed(states)}") if states else Untestable(text)


def metric_in(study: Study, name: str) -> str:
    """The metric of a study that a rule calls so; one of features, without its extractor, is the first one's."""
    if name == DISTANCE:
        return study.primary
    of_features = name in METRICS and METRICS[name].per_extractor
    return f"{name}/{study.extractors[0]}" if of_features and study.extractors else name


def cost_of(side: Side, selector: Selector) -> float:
    """A modelled number that no seed moves. Raises Untestable, or Missing before costs are counted."""
    key = side.metric.partition("/")[2]
    if not any(run.cost for run in side.runs):
        raise Missing(f"the costs of {side.setting} are not counted yet")
    value = next((run.cost[key] for run in side.runs if key in run.cost), None)
    if isinstance(value, dict):
        value = value.get(selector.guidance)
    if value is None:
        raise Untestable(f"{side.setting} has no cost called {key}")
    return float(value)


def told(side: Side, selector: Selector) -> str:
    """A side as a reader is told it: the setting, its guidance, its number."""
    if side.line is None:
        return side.setting if selector.guidance == "best" else f"{side.setting}, {kind_name(selector.guidance)}"
    value = metric_text(side.metric, side.line.metrics[side.metric].mean)
    return f"{side.setting}, {side.line.guidance}: {metric_name(side.metric)} {value}"
