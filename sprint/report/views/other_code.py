"""Which runs of a study were trained, or costed, by code or a torch that is not today's."""

from sprint.report.blocks import Block, Prose
from sprint.report.read import Study
from sprint.report.tables import rerun_command
from sprint.report.views import Report, StudyView
from sprint.runtime.code import remark


class OtherCode(StudyView):
    title = "Trained with other code"
    order = 16

    def applies(self, study: Study, report: Report) -> bool:
        return bool(study.counted_by) or any(remark(run.train) for run in study.runs)

    def blocks(self, study: Study, report: Report) -> list[Block]:
        found = [(setting, run, remark(run.train)) for setting, runs in study.settings.items() for run in runs]
        items = [
            f"{name}, seed {run.seed}: {other}; {rerun_command(study, run)}" for name, run, other in found if other
        ]
        items += [study.counted_by] if study.counted_by else []
        return [Prose("Not all numbers are of today's code and torch:", tuple(items), style="refused")]
