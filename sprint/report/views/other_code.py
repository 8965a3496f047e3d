"""Which runs of a study were trained, measured or costed by code or a torch that is not today's, or not by the same."""

from sprint.report.blocks import Block, Prose
from sprint.report.format import listed
from sprint.report.read import Study
from sprint.report.tables import rerun_command
from sprint.report.views import Report, StudyView
from sprint.runtime.code import apart, remark


class OtherCode(StudyView):
    title = "Made with other code"
    order = 16

    def applies(self, study: Study, report: Report) -> bool:
        return bool(_sentences(study))

    def blocks(self, study: Study, report: Report) -> list[Block]:
        told = "Not all numbers are of today's code and torch, or of the same:"
        return [Prose(told, tuple(_sentences(study)), style="refused")]


def _sentences(study: Study) -> list[str]:
    runs = {f"{setting}, seed {run.seed}": run for setting, some in study.settings.items() for run in some}
    trained = {name: remark(run.train) for name, run in runs.items()}
    found = [f"{name}: {other}; {rerun_command(study, runs[name])}" for name, other in trained.items() if other]
    measured: dict[str, dict[str, list[str]]] = {}
    for setting, some in study.settings.items():
        for run in some:
            if other := remark(run.measured_by, "measured"):
                measured.setdefault(other, {}).setdefault(setting, []).append(str(run.seed))
    for other, settings in measured.items():
        names = [f"{name}, seed{'s' if len(seeds) > 1 else ''} {listed(seeds)}" for name, seeds in settings.items()]
        found.append(f"{'; '.join(names)}: {other}; {_anew(study)}")
    found += [
        apart({name: run.train for name, run in runs.items()}),
        apart({name: run.measured_by for name, run in runs.items()}, "measured"),
    ]
    return [one for one in (*found, *study.remarks) if one]


def _anew(study: Study) -> str:
    """The command that measures a study's runs again."""
    return f"{study.command} --forcerun {'sweep' if study.sweep else 'evaluate'}"
