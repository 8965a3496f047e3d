"""What to know before numbers are trusted, and what to run again: states, seeds, other code, damage, commands."""

from sprint.report.blocks import Block, Cell, Prose, text_table
from sprint.report.format import listed
from sprint.report.pages.states import all_runs
from sprint.report.read import Run, Study
from sprint.report.settings_table import seeds_text, sentence
from sprint.report.summary import at_the_end
from sprint.report.tables import rerun_command
from sprint.report.views import Report, ReportView
from sprint.runtime.code import remark

HEADERS = ["run", "why", "command"]


class Trust(ReportView):
    title = "Can this be trusted, and what to rerun"
    order = 4
    page = "index"

    def applies(self, report: Report) -> bool:
        return report.whole and bool(report.studies)

    def blocks(self, report: Report) -> list[Block]:
        links = (("Claims and their rules", "page:claims"), ("Machine, versions, units", "page:about"))
        found: list[Block] = [Prose(items=tuple(_facts(report)), title=self.title, links=links)]
        rows = [row for study in report.studies for row in _reruns(study)]
        unique = list({row[0].main: row for row in rows}.values())
        return [*found, text_table(HEADERS, unique, label="What to run again")] if unique else found


def _facts(report: Report) -> list[str]:
    """What is done, how sure the first study's numbers are, what the numbers lie between."""
    runs, first = [*all_runs(report).values()], report.studies[0]
    done = sum(run.state == "done" for run in runs)
    found = [f"{done} of {len(runs)} runs are trained and measured.", sentence(seeds_text(first))]
    ends = [text for study in report.studies if (text := _at_the_end(study))]
    if ends:
        found.append(f"Best at the strongest guidance that was tried, so that more may serve better: {listed(ends)}.")
    conflicts = [study.title for study in report.studies if study.conflicts]
    found += [f"Not compared, for their evaluations differ: {', '.join(conflicts)}."] if conflicts else []
    other = sum(bool(remark(run.train)) for run in runs)
    found += [f"{other} runs are of code or a torch that is not today's."] if other else []
    if done == len(runs) and not other:
        found.append("Nothing needs to be run again; each row of a table has the command that makes it anew.")
    return found


def _at_the_end(study: Study) -> str:
    """`2 of 7 settings of Methods at 75% (CFG 2)`; empty where none is."""
    ends = at_the_end(study)
    names = listed([*dict.fromkeys(line.guidance for line in ends)])
    return f"{len(ends)} of {len(study.settings)} settings of {study.title} ({names})" if ends else ""


def _reruns(study: Study) -> list[list[Cell]]:
    """Runs that ended badly, that nobody works on, or whose code is not today's, each with its command."""
    return [
        [Cell(f"{setting}, seed {run.seed}", target=f"run:{run.name}"), Cell(why, style="state"), _command(study, run)]
        for setting, runs in study.settings.items()
        for run in runs
        if (why := _why(run))
    ]


def _why(run: Run) -> str:
    return run.fate if run.state != "done" else remark(run.train)


def _command(study: Study, run: Run) -> Cell:
    return Cell("", commands=(rerun_command(study, run),), style="rerun")
