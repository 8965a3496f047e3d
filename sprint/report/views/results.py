"""The table of a study: every setting with its metrics, its costs, its seeds and the command behind it."""

from dataclasses import replace

from sprint.report.blocks import Block
from sprint.report.read import Study
from sprint.report.settings_table import as_block, wall_clock
from sprint.report.tables import study_table
from sprint.report.views import HEADLINE, Report, StudyView


class Results(StudyView):
    title = "Results by setting"
    order = 20

    def applies(self, study: Study, report: Report) -> bool:
        return True

    def blocks(self, study: Study, report: Report) -> list[Block]:
        headline = study.name == HEADLINE
        found = as_block(study, study_table(study, headline), f"{study.title}, results")
        return [replace(found, caption=f"{found.caption} {wall_clock(report.studies)}") if headline else found]
