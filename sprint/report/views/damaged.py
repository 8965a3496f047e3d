"""Which files of a study's results are damaged, and what makes each anew."""

from sprint.report.blocks import Block, Prose
from sprint.report.read import Study
from sprint.report.views import Report, StudyView


class Damaged(StudyView):
    title = "What cannot be read"
    order = 15

    def applies(self, study: Study, report: Report) -> bool:
        return bool(study.damaged)

    def blocks(self, study: Study, report: Report) -> list[Block]:
        return [Prose(f"Not read, and as if it were not there: {one}.", style="refused") for one in study.damaged]
