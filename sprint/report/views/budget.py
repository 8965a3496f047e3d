"""What it costs to be as good as the base: FLOP, seconds and steps to its final quality."""

from sprint.report import budgets
from sprint.report.blocks import Block, text_table
from sprint.report.read import Study
from sprint.report.settings_table import wall_clock
from sprint.report.views import Report, StudyView


class Budget(StudyView):
    title = "Cost to the quality of the base"
    order = 80

    def applies(self, study: Study, report: Report) -> bool:
        return bool(budgets.budget_table(study)[1])

    def blocks(self, study: Study, report: Report) -> list[Block]:
        caption = f"{budgets.caption(study)} {wall_clock(report.studies)}"
        return [text_table(*budgets.budget_table(study), title=self.title, caption=caption)]
