"""The plots that answer a study's question: against guidance scale, along a factor, or by setting."""

from dataclasses import replace

from sprint.report.blocks import Block
from sprint.report.figures.plots import study_plots
from sprint.report.read import Study
from sprint.report.views import Report, StudyView


class Plots(StudyView):
    title = "Quality"
    order = 17

    def applies(self, study: Study, report: Report) -> bool:
        return not study.final.empty and not study.conflicts

    def blocks(self, study: Study, report: Report) -> list[Block]:
        return [replace(study_plots(study), title=self.title)]
