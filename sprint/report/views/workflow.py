"""The workflow that made the results, as a picture."""

from sprint.report.blocks import Block, Figure
from sprint.report.figures.workflow import draw_workflow
from sprint.report.views import Report, ReportView

CAPTION = (
    "Rules of the Snakefile, and how many files of each are there. What is there and up to date is not made again; "
    "snakemake --cores all --report report.zip adds every job with its code, log and duration."
)


class Workflow(ReportView):
    title = "The workflow"
    order = 20
    page = "about"

    def applies(self, report: Report) -> bool:
        return report.whole

    def blocks(self, report: Report) -> list[Block]:
        return [Figure((draw_workflow(report.results),), (), CAPTION, title=self.title)]
