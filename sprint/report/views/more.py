"""The metrics that do not rank settings."""

from sprint.report.blocks import Block
from sprint.report.read import Study
from sprint.report.settings_table import as_block
from sprint.report.tables import more_metrics, more_table
from sprint.report.views import Report, StudyView


class More(StudyView):
    title = "More metrics: KID, precision, recall and the like"
    order = 120

    def applies(self, study: Study, report: Report) -> bool:
        return not study.final.empty and bool(more_metrics(study))

    def blocks(self, study: Study, report: Report) -> list[Block]:
        return [as_block(study, more_table(study), f"More metrics of {study.title}, results", folded=self.title)]
