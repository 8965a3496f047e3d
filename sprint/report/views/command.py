"""The command that makes a study anew, whole."""

from sprint.report.blocks import Block, Prose
from sprint.report.read import Study
from sprint.report.views import Report, StudyView


class Command(StudyView):
    title = "The command of the whole study"
    order = 900

    def applies(self, study: Study, report: Report) -> bool:
        return True

    def blocks(self, study: Study, report: Report) -> list[Block]:
        text = "The whole study; with --forcerun train at the end all of it again:"
        return [Prose(text, command=study.command, style="study-command")]
