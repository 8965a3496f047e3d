"""A run's loss along its training, with its stages, and its metrics at the milestones."""

from sprint.report.blocks import Block, Figure, Key
from sprint.report.figures.curves import BORDER, borders, draw_loss, draw_milestones
from sprint.report.figures.styles import INK_MARK, method_style
from sprint.report.read import Run
from sprint.report.views import Report, RunView


class RunCurves(RunView):
    title = "Along training"
    order = 20

    def applies(self, run: Run, report: Report) -> bool:
        return len(run.train.get("losses", [])) > 1

    def blocks(self, run: Run, report: Report) -> list[Block]:
        style = method_style(run.factor("method"))
        study = next(study for study in report.studies if run.name in {one.name for one in study.runs})
        panels = [draw_loss(run, style)]
        panels += draw_milestones(run, study.primary, style, study.floor.get(study.primary))
        keys = [Key(run.method, style.css, style.mark), *([Key(BORDER, INK_MARK, "floor")] if borders(run) else [])]
        caption = "Loss: mean of each step noted, as trained on, and a running mean of them. Metrics: unguided."
        return [Figure(tuple(panels), tuple(keys), caption, title=self.title)]
