"""Every setting against the base of its study, within a seed."""

from sprint.report.blocks import Block, Cell, text_table
from sprint.report.format import listed
from sprint.report.learned import nothing_learned
from sprint.report.pairs import Pairs, pairs
from sprint.report.read import Study
from sprint.report.views import Report, StudyView

CAPTION = (
    "Same guidance, same seed, same starting noise on both sides. Ratios are geometric means over seeds, below 1 is "
    "better where lower is; small: 95% intervals over seeds, which hold for a whole column under one guidance at once "
    "(max-t). The noise of seeds is pooled over all settings of a column"
)


def caption(found: Pairs) -> str:
    """How the intervals were made; where noise was not pooled, that is said."""
    if not found.apart:
        return f"{CAPTION}."
    return (
        f"{CAPTION}, but not where one setting's is larger by more than luck (Cochran's test): in "
        f"{listed(found.apart)} each pair stands on its own two settings."
    )


class Paired(StudyView):
    title = "Paired differences"
    order = 40

    def applies(self, study: Study, report: Report) -> bool:
        return pairs(study) is not None and not nothing_learned(study)

    def blocks(self, study: Study, report: Report) -> list[Block]:
        found = pairs(study)
        rows = [[Cell(lines[0], tuple(lines[1:])) for lines in row] for row in found.rows]
        title, label = f"{self.title} to {found.base}", f"{study.title}, paired differences"
        return [text_table(found.headers, rows, title=title, label=label, caption=caption(found))]
