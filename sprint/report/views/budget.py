"""What it costs to be as good as the base: FLOP, seconds and steps to its quality, of whole trainings."""

from sprint.report import budgets
from sprint.report.blocks import Block, Prose, text_table
from sprint.report.settings_table import wall_clock
from sprint.report.views import Report, ReportView


class Budget(ReportView):
    title = "Cost to the quality of the base"
    order = 15
    page = "claims"

    def applies(self, report: Report) -> bool:
        return report.whole or bool(budgets.budget_table(report.studies)[1])

    def blocks(self, report: Report) -> list[Block]:
        headers, rows = budgets.budget_table(report.studies)
        if not rows:
            return [Prose(budgets.NONE, title=self.title)]
        caption = f"{budgets.caption(report.studies)} {wall_clock(report.studies)}"
        return [text_table(headers, rows, title=self.title, caption=caption)]
