"""What became of a run, which studies have it, and what it differs in from the preset's usual."""

from sprint.report.blocks import Block, Facts, Prose
from sprint.report.format import factor_name, factor_text, seconds_text
from sprint.report.read import Run
from sprint.report.views import Report, RunView
from sprint.runtime.code import remark

DONE = "Trained to its end and measured."
IMPORTED = "A published checkpoint, {}, imported and measured; of its training nothing is known here."


class RunState(RunView):
    title = "What this run is"
    order = 10

    def applies(self, run: Run, report: Report) -> bool:
        return True

    def blocks(self, run: Run, report: Report) -> list[Block]:
        studies = [study for study in report.studies if run.name in {one.name for one in study.runs}]
        links = tuple((study.title, f"study:{study.name}") for study in studies)
        done = IMPORTED.format(run.published) if run.published else DONE
        said = done if run.state == "done" else f"{run.fate[:1].upper()}{run.fate[1:]}."
        other = remark(run.train)
        found: list[Block] = [Prose(f"{said} It is part of:", style="answer", links=links)]
        found += [Prose(f"{other[:1].upper()}{other[1:]}.", style="refused")] if other else []
        return [*found, Facts(tuple((name, tuple(values)) for name, values in _facts(run) if values))]


def _facts(run: Run) -> list[tuple[str, list[str]]]:
    unlike = {**run.config.get("settings", {}), **run.config.get("overrides", {})}
    spent = run.cost.get("train_flops_vs_dense")
    return [
        ("method", [run.method]),
        ("drop ratio", [factor_text("drop", run.factor("drop"))]),
        ("seed", [str(run.seed)]),
        ("its own settings", [f"{factor_name(name)} {factor_text(name, value)}" for name, value in unlike.items()]),
        ("training FLOP", [f"{spent:.2f}× those of a dense run of as many steps"] if spent else []),
        ("training took", [] if run.trained_seconds is None else [seconds_text(run.trained_seconds)]),
        ("beside it", list(run.train.get("published", {}).get("said", []))),
        ("evaluation took", [seconds_text(run.evaluate["seconds"])] if "seconds" in run.evaluate else []),
        ("memory at its peak", _memory(run)),
        ("ended", [run.train["ended"]] if "ended" in run.train else []),
    ]


def _memory(run: Run) -> list[str]:
    peak = run.train.get("peak_memory_bytes")
    return [f"{peak / 2**20:,.0f} MiB"] if peak else []
