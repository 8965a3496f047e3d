"""The question of a study, and its answer in sentences computed from its numbers."""

from sprint.report.answers import sentences
from sprint.report.blocks import Block, Prose
from sprint.report.read import Study
from sprint.report.views import Report, StudyView


class Answer(StudyView):
    title = "Question and answer"
    order = 10

    def applies(self, study: Study, report: Report) -> bool:
        return True

    def blocks(self, study: Study, report: Report) -> list[Block]:
        first, *more = sentences(study)
        return [Prose(study.question, style="question"), Prose(first, tuple(more), style="answer")]
