"""Why the evaluations of a study are neither drawn nor compared."""

from sprint.report.blocks import Block, Prose
from sprint.report.format import listed
from sprint.report.read import Study
from sprint.report.views import Report, StudyView


class Conflicts(StudyView):
    title = "What forbids to compare"
    order = 30

    def applies(self, study: Study, report: Report) -> bool:
        return bool(study.conflicts)

    def blocks(self, study: Study, report: Report) -> list[Block]:
        text = (
            "Not drawn and not compared: the evaluations differ in more than what is studied, namely in "
            f"{listed(study.conflicts)}. Evaluate all runs of the study alike."
        )
        return [Prose(text, style="refused")]
