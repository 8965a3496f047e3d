"""Every evaluation of every run, milestones included."""

from sprint.report.blocks import Block, text_table
from sprint.report.read import Study
from sprint.report.tables import evaluation_table
from sprint.report.views import Report, StudyView


class Evaluations(StudyView):
    title = "All evaluations"
    order = 140

    def applies(self, study: Study, report: Report) -> bool:
        return not study.frame.empty

    def blocks(self, study: Study, report: Report) -> list[Block]:
        headers, rows = evaluation_table(study)
        return [text_table(headers, rows, folded=f"All {len(rows)} evaluations, milestones included")]
