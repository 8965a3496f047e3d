"""The units and words of the page."""

from sprint.report.blocks import Block, Prose
from sprint.report.provenance import UNITS
from sprint.report.views import Report, ReportView


class Units(ReportView):
    title = "Units and words"
    order = 30

    def applies(self, report: Report) -> bool:
        return True

    def blocks(self, report: Report) -> list[Block]:
        return [Prose(items=tuple(UNITS))]
