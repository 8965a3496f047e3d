"""Every study with its question and the first sentence of its answer: where to go on."""

from sprint.report.blocks import Block, Card, Cards
from sprint.report.pages.states import status_of
from sprint.report.views import Report, ReportView
from sprint.report.views.answer import sentences


class Studies(ReportView):
    title = "Questions and answers"
    order = 3
    page = "index"

    def applies(self, report: Report) -> bool:
        return report.whole and bool(report.studies)

    def blocks(self, report: Report) -> list[Block]:
        cards = [
            Card(study.title, f"study:{study.name}", study.question, sentences(study)[0], status_of(study))
            for study in report.studies
        ]
        return [Cards(tuple(cards), self.title)]
