"""The first screen: what was asked, what was found, what this preset can and cannot test, quality against cost."""

from collections import Counter

from sprint.report.blocks import Block, Prose
from sprint.report.figures.front import front_figure
from sprint.report.format import listed
from sprint.report.judging.gate import gate_of
from sprint.report.judging.outcomes import OUTCOMES, Verdict
from sprint.report.views import Report, ReportView
from sprint.report.views.answer import sentences
from sprint.report.views.gate import sentences as gate_sentences
from sprint.report.views.verdicts import judged
from sprint.statistics.decide import MET, NOT_MET

NAMED = 5  # claims of an outcome; the page of claims has all


class Front(ReportView):
    title = "What was found"
    order = 1
    page = "index"

    def applies(self, report: Report) -> bool:
        return report.whole and bool(report.studies)

    def blocks(self, report: Report) -> list[Block]:
        first = report.studies[0]
        found = [Prose(first.question, style="question")]
        found += [Prose(report.progress, style="progress")] if report.progress else []
        found += [
            Prose(items=tuple(findings(report)), style="found", links=(("Claims and their rules", "page:claims"),))
        ]
        return [*found, *front_figure(first)]


def findings(report: Report) -> list[str]:
    """The answer of the first study, what became of the papers' claims, and whether depth can be tested at all."""
    said = [*sentences(report.studies[0])[:1], decided(judged(report)), gate_sentences(gate_of(report.studies))[0]]
    return [text for text in said if text]


def decided(found: list[Verdict]) -> str:
    """How many claims have which outcome, and which ones are decided."""
    if not found:
        return ""
    counts = Counter(one.outcome for one in found)
    told = listed([f"{counts[name]} {name}" for name in OUTCOMES if counts[name]])
    which = [f"{name.capitalize()}: {_names(found, name)}." for name in (MET, NOT_MET) if counts[name]]
    return " ".join([f"Of {len(found)} claims of the papers: {told}.", *which])


def _names(found: list[Verdict], outcome: str) -> str:
    known = [one.claim.claim.rstrip(".") for one in found if one.outcome == outcome]
    more = [f"and {len(known) - NAMED} more"] if len(known) > NAMED else []
    return "; ".join([*known[:NAMED], *more])
