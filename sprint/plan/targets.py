"""Which files a target of the workflow is made of."""

from sprint.metrics.extractors import trained_here, weights_file
from sprint.plan.schema import Plan, Study


def trained_extractors(plan: Plan, results: str) -> list[str]:
    """Weights of the extractors that are trained on the preset's own images."""
    return [str(weights_file(results, name)) for name in plan.preset.evaluate.extractors if trained_here(name)]


def study_results(plan: Plan, study: Study, results: str) -> list[str]:
    """All that the report of a study reads."""
    metrics = [f"{results}/runs/{run.name}/metrics.json" for run in study.runs]
    sweeps = [f"{results}/sweeps/{study.name}/{run}.json" for run in study.sweeps]
    costs = [f"{results}/{kind}/{study.name}.json" for kind in ("cost", "throughput")]
    return [f"{results}/reference/floor.json", *metrics, *sweeps, *costs]


def core_results(plan: Plan, results: str) -> list[str]:
    """All that the preset's report reads: its core studies, speed by number of tokens, and published costs."""
    paths = [path for name in plan.preset.studies for path in study_results(plan, plan.study(name), results)]
    return [*sorted(set(paths)), f"{results}/scaling.json", "results/paper_costs.csv"]


def run_code(plan: Plan, run: str) -> dict[str, str]:
    """The code that shapes a run's weights, hashed: where it changes, the run is trained anew. Empty for no run."""
    found = plan.runs().get(run)
    return found.code if found else {}


def study_code(plan: Plan, study: str) -> dict[str, str]:
    """That of all runs of a study."""
    return {name: digest for run in plan.study(study).runs for name, digest in run.code.items()}
