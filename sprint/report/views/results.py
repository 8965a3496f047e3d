"""The table of a study: every setting with its metrics, its costs, its seeds and the command behind it."""

from sprint.report.blocks import Block
from sprint.report.read import Study
from sprint.report.settings_table import as_block
from sprint.report.tables import study_table
from sprint.report.views import HEADLINE, Report, StudyView


class Results(StudyView):
    title = "Results by setting"
    order = 20

    def applies(self, study: Study, report: Report) -> bool:
        return True

    def blocks(self, study: Study, report: Report) -> list[Block]:
        table = study_table(study, headline=study.name == HEADLINE)
        return [as_block(study, table, f"{study.title}, results")]
