"""Where the numbers of a page come from."""

from sprint.report.blocks import Block, Facts
from sprint.report.provenance import provenance
from sprint.report.views import Report, ReportView


class Provenance(ReportView):
    title = "Provenance"
    order = 40

    def applies(self, report: Report) -> bool:
        return True

    def blocks(self, report: Report) -> list[Block]:
        found = provenance(report.studies, report.results)
        return [Facts(tuple((fact.name, tuple(fact.values)) for fact in found))]
