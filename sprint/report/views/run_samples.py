"""A run's samples along its training and under every guidance, at the same noise and labels."""

from sprint.report.blocks import Block, Grid, Picture
from sprint.report.figures.pictures import closest, kept, tiled
from sprint.report.format import drawn_text
from sprint.report.read import Run
from sprint.report.views import Report, RunView

CAPTION = (
    "One place in the grid is one noise and one label, in every grid of this seed. Nothing was selected. Beside the "
    "last samples stands for each the training picture from which it differs least, pixel by pixel (root of the mean "
    "square): a copy is 0 levels away. Click to enlarge."
)


class RunSamples(RunView):
    title = "Samples of this run"
    order = 25

    def applies(self, run: Run, report: Report) -> bool:
        return bool(_pictures(run, report))

    def blocks(self, run: Run, report: Report) -> list[Block]:
        groups = {name: pictures for name, pictures in _pictures(run, report).items() if pictures}
        several = sum(map(len, groups.values())) > 1
        return [Grid(tuple((name, tuple(found)) for name, found in groups.items()), self.title, CAPTION, several)]


def _pictures(run: Run, report: Report) -> dict[str, list[Picture]]:
    """By step, one for each guidance; each evaluation once."""
    found: dict[str, list[Picture]] = {}
    for entry in {entry["key"]: entry for entry in run.evaluations}.values():
        images = kept(report.results, run.name, entry["key"])
        if images is not None:
            picture = tiled(images, f"{run.name} at step {entry['step']}", drawn_text(entry))
            found.setdefault(f"step {entry['step']}", []).append(picture)
            last = entry["step"] == run.evaluations[-1]["step"]
            if last and (real := closest(report.results, run.name, entry["key"])):
                found[f"step {entry['step']}"].append(real)
    return found
