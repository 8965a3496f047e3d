"""Every setting against the base of its study, within a seed."""

from sprint.report.blocks import Block, Cell, text_table
from sprint.report.learned import nothing_learned
from sprint.report.pairs import pairs
from sprint.report.read import Study
from sprint.report.views import Report, StudyView

CAPTION = (
    "Same guidance, same seed, same resampled images on both sides. Ratios of Fréchet distances are geometric means "
    "over seeds, below 1 is better; small: 95% interval."
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
        return [text_table(found.headers, rows, title=title, label=label, caption=CAPTION)]
