"""Quality against what training costs: modelled FLOP, and measured seconds."""

from dataclasses import replace

from sprint.report.blocks import Block
from sprint.report.figures.plots import cost_plots, cost_series
from sprint.report.read import Study
from sprint.report.settings_table import wall_clock
from sprint.report.views import Report, StudyView


class CostPlots(StudyView):
    title = "Quality against cost"
    order = 60

    def applies(self, study: Study, report: Report) -> bool:
        return not study.sweep and bool(cost_series(study))

    def blocks(self, study: Study, report: Report) -> list[Block]:
        found = cost_plots(study)
        caption = f"{found.caption} {wall_clock(report.studies)}"
        return [replace(found, title=self.title, caption=caption)]
