"""Which files a target of the workflow is made of."""

import json
import re
from collections.abc import Iterable

from sprint.plan.outline import Outline, RunOutline, StudyOutline
from sprint.runtime.errors import told
from sprint.runtime.strict import nearest


def trained_extractors(plan: Outline, results: str) -> list[str]:
    """Weights of the extractors that are trained on the preset's own images."""
    return [f"{results}/extractors/{name}.safetensors" for name in plan.trained_extractors]


def latents(plan: Outline, results: str) -> list[str]:
    """What tells that latents are there which the workflow makes itself; nothing where it makes none."""
    return [f"{results}/latents/index.json"] if plan.pictures else []


def study_results(study: StudyOutline, results: str) -> list[str]:
    """All that the report of a study reads."""
    metrics = [f"{results}/runs/{run}/metrics.json" for run in study.runs]
    sweeps = [f"{results}/sweeps/{study.name}/{run}.json" for run in study.sweeps]
    costs = [f"{results}/{kind}/{study.name}.json" for kind in ("cost", "throughput")]
    return [f"{results}/reference/floor.json", *metrics, *sweeps, *costs]


def core_results(plan: Outline, results: str) -> list[str]:
    """All that the preset's report reads: its core studies, speed by number of tokens, and published costs."""
    paths = [path for name in plan.core for path in study_results(plan.study(name), results)]
    return [*sorted(set(paths)), f"{results}/scaling.json", "results/paper_costs.csv"]


def taught_by(plan: Outline, name: str, results: str) -> list[str]:
    """Weights of the extractor whose features a run is taught; none where it has no teacher."""
    found = [run.teacher for run in plan.runs if run.name == name and run.teacher]
    return [f"{results}/extractors/{extractor}.safetensors" for extractor in found]


def published(plan: Outline) -> dict[str, str]:
    """By run that is a published checkpoint, the file that it is imported from."""
    return {run.name: run.checkpoint for run in plan.runs if run.checkpoint}


def one_of(names: Iterable[str]) -> str:
    """A pattern that these names fit and nothing else."""
    return "|".join(map(re.escape, names)) or "(?!)"


def run_code(plan: Outline, name: str) -> dict[str, str]:
    """The code that shapes a run's weights, hashed: where it changes, the run is trained anew. Empty for no run."""
    return next((run.code for run in plan.runs if run.name == name), {})


def costed(study: StudyOutline) -> list[str]:
    """What the costs of a study are of: its runs, and attentions other than the usual with which they are asked."""
    return [*study.runs, *study.attentions]


def code_of(runs: Iterable[RunOutline]) -> dict[str, str]:
    """That of several runs, in outline or whole."""
    return {name: digest for run in runs for name, digest in run.code.items()}


def refuse_unknown(target: str, rules: Iterable) -> None:
    """End the process with one sentence that names the nearest target; `rules` are Snakemake's."""
    with told():
        nearest({rule.name: rule for rule in rules if not rule.has_wildcards()}, target, "target")


def asked(plan: Outline, targets: Iterable[str], jobs: int | None, cores: int) -> str:
    """As JSON, the studies that targets ask for, and how many trainings go on at a time: on a cluster, all jobs.

    No studies where files are asked for that belong to none.
    """
    names = [study.name for study in plan.studies]
    found = {}
    for target in sorted(targets) or ["all"]:
        meant = {"all": plan.core, "all_studies": names}.get(target, [target] if target in names else [])
        found |= dict.fromkeys(meant)
    return json.dumps({"studies": list(found), "at_once": jobs or max(1, cores // plan.threads)})
