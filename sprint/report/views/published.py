"""What was published on a study's question, beside ours: ratios, for the scale is another."""

from sprint.report.blocks import Block, text_table
from sprint.report.published import beside
from sprint.report.read import Study
from sprint.report.views import Report, StudyView


class Published(StudyView):
    title = "Published beside ours"
    order = 110

    def applies(self, study: Study, report: Report) -> bool:
        return beside(study, report.facts) is not None

    def blocks(self, study: Study, report: Report) -> list[Block]:
        found = beside(study, report.facts)
        rows = [[row.what, row.published, row.ours, row.confidence, row.source] for row in found.rows]
        more = {"title": self.title, "tag": "another scale", "label": "Published numbers beside ours", "style": "words"}
        return [
            text_table(["what", "published", found.ours, "confidence", "source"], rows, caption=found.caption, **more)
        ]
