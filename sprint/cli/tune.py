"""`sprint tune`: what study `tuning` found best for each method, written for the preset to read."""

import datetime
from pathlib import Path

from sprint.cli.flags import Preset
from sprint.metrics import LOSS


def tune(preset: Preset = "digits"):
    """Choose each method's learning rates from study tuning; writes workflow/tuned/<preset>.yaml."""
    from sprint.methods import METHODS
    from sprint.plan.reading import load_plan
    from sprint.plan.tuned import TUNED, Tuned, choose, write_tuned

    plan = load_plan(preset)
    path = TUNED / f"{preset}.yaml"
    chosen = choose(losses_of(plan, Path("results") / preset))
    date = datetime.date.today().isoformat()
    write_tuned(path, Tuned(preset, "tuning", LOSS, plan.preset.tuning_seeds, date, chosen))
    for method, one in chosen.items():
        tried = ", ".join(f"{rate:g}: {loss:.4f}" for rate, loss in one.losses.items())
        edge = "; at the edge of what was tried: try further" if one.edge else ""
        print(f"{METHODS[method].title}: {one.rate:g} times the preset's rates ({tried}){edge}")
    named = "" if plan.preset.tuned == str(path) else f"; `tuned: {path}` in the preset makes its runs use them"
    print(f"written: {path}{named}")


def losses_of(plan, results: Path) -> dict[str, dict[float, list[float]]]:
    """Held-out losses of the last weights by method and rate, in multiples of the preset's, one a tuning seed.

    Raises UserError for a run that is not there yet, or has no held-out loss.
    """
    from sprint.runtime.errors import UserError
    from sprint.runtime.results import METRICS

    found: dict[str, dict[float, list[float]]] = {}
    for run in plan.study("tuning").runs:
        path = results / "runs" / run.name / "metrics.json"
        if not path.is_file():
            scale = "" if plan.preset.name == "digits" else f" --config preset={plan.preset.name}"
            raise UserError(f"{path}: no such file; first: snakemake --cores all tuning{scale}")
        evaluations = METRICS.read(path)["evaluations"]
        loss = evaluations[-1]["metrics"].get(LOSS) if evaluations else float("inf")
        if loss is None or (evaluations and LOSS not in evaluations[-1]["metrics"]):
            raise UserError(f"{path}: holds no {LOSS}; allowed: a preset with evaluate.held_out images")
        rate = float(f"{run.train.learning_rate / plan.preset.train.learning_rate:.6g}")
        found.setdefault(run.method, {}).setdefault(rate, []).append(loss)
    return found
