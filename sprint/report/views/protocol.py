"""What holds of all numbers on the page of a study, said once."""

from sprint.report.blocks import Block, Prose
from sprint.report.read import Study
from sprint.report.settings_table import protocol, seeds_text, sentence
from sprint.report.views import Report, StudyView

REST = (
    "Every guidance that was evaluated is shown. Training cost: forward and backward, fine-tuning charged, modelled. "
    "↓ lower is better, ↑ higher is better."
)


class Protocol(StudyView):
    title = "What holds of all numbers here"
    order = 12

    def applies(self, study: Study, report: Report) -> bool:
        return not study.final.empty

    def blocks(self, study: Study, report: Report) -> list[Block]:
        text = f"{sentence(protocol(study))} {sentence(seeds_text(study))} {REST}"
        return [Prose(text, style="protocol", links=(("Units and words", "page:about"),))]
