"""The table of a study: every setting with its metrics, its costs, its seeds and the command behind it."""

from dataclasses import replace

from sprint.report.blocks import Block
from sprint.report.format import metric_name
from sprint.report.judging.bases import every_base
from sprint.report.read import Study
from sprint.report.settings_table import as_block, wall_clock
from sprint.report.tables import Table, study_table
from sprint.report.views import HEADLINE, Report, StudyView


class Results(StudyView):
    title = "Results by setting"
    order = 20

    def applies(self, study: Study, report: Report) -> bool:
        return True

    def blocks(self, study: Study, report: Report) -> list[Block]:
        headline = study.name == HEADLINE
        table = study_table(study, headline)
        found = replace(as_block(study, table, f"{study.title}, results"), title="Results", pairs=_pairs(study, table))
        return [replace(found, caption=wall_clock(report.studies)) if headline else found]


def _pairs(study: Study, table: Table) -> str:
    """The paired ratios for the column of the metric that ranks; the setting stands before all columns."""
    names = [column.name for column in table.columns]
    name = metric_name(study.primary)
    return every_base(study, 1 + names.index(name)) if name in names else ""
