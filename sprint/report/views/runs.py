"""All runs of the report in one table, each with a link to its page."""

from sprint.report.blocks import Block, Cell, text_table
from sprint.report.format import drawn_text, factor_text, metric_name, metric_text, significant
from sprint.report.pages.states import all_runs
from sprint.report.read import Run
from sprint.report.tables import UNKNOWN, sign_of
from sprint.report.views import Report, ReportView


class Runs(ReportView):
    title = "All runs"
    order = 1
    page = "runs"

    def applies(self, report: Report) -> bool:
        return bool(all_runs(report))

    def blocks(self, report: Report) -> list[Block]:
        primary = next((study.primary for study in report.studies if study.primary), "")
        headers = ["run", "method", "drop ratio", "seed", "state", "step", "training s"]
        headers += [f"{metric_name(primary)}, lowest", "at guidance"] if primary else []
        rows = [_row(run, primary) for run in all_runs(report).values()]
        return [text_table(headers, rows, label=self.title)]


def _row(run: Run, primary: str) -> list[Cell]:
    seconds = run.trained_seconds
    cells = [
        Cell(run.name, target=f"run:{run.name}", key=sign_of(run)),
        Cell(run.method),
        Cell(factor_text("drop", run.factor("drop"))),
        Cell(str(run.seed)),
        Cell(run.state if run.state in ("done", "damaged") else run.fate, style="" if run.state == "done" else "state"),
        Cell(UNKNOWN if run.published else str(run.train.get("step", UNKNOWN))),
        Cell(UNKNOWN if seconds is None else significant(seconds)),
    ]
    return cells + (_best(run, primary) if primary else [])


def _best(run: Run, primary: str) -> list[Cell]:
    last = max((entry["step"] for entry in run.evaluations), default=None)
    known = [entry for entry in run.evaluations if entry["step"] == last and entry["metrics"].get(primary) is not None]
    if not known:
        return [Cell(UNKNOWN), Cell(UNKNOWN)]
    best = min(known, key=lambda entry: entry["metrics"][primary])
    return [Cell(metric_text(primary, best["metrics"][primary])), Cell(drawn_text(best))]
