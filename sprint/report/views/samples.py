"""Samples of every setting at the same image indices, so the same noise and labels; two may be laid over each other."""

from pathlib import Path

from sprint.report.blocks import Block, Grid, Picture
from sprint.report.figures.pictures import kept, tiled
from sprint.report.read import Study
from sprint.report.summary import lines
from sprint.report.views import Report, StudyView

CAPTION = (
    "The same image indices everywhere: under one seed, one place in the grid is one noise and one label. "
    "Nothing was selected."
)


class Samples(StudyView):
    title = "Samples"
    order = 100

    def applies(self, study: Study, report: Report) -> bool:
        return bool(sample_grids(study, report.results))

    def blocks(self, study: Study, report: Report) -> list[Block]:
        grids = tuple((name, tuple(pictures)) for name, pictures in sample_grids(study, report.results).items())
        return [Grid(grids, self.title, CAPTION, compared=sum(len(found) for _, found in grids) > 1)]


def sample_grids(study: Study, results: Path) -> dict[str, list[Picture]]:
    """By setting, one grid per shown guidance, of the first seed that finished everywhere, or else in the setting."""
    finished = {setting: [run for run in runs if run.state == "done"] for setting, runs in study.settings.items()}
    finished = {setting: runs for setting, runs in finished.items() if runs}
    shared = set.intersection(*({run.seed for run in runs} for runs in finished.values())) if finished else set()
    grids: dict[str, list[Picture]] = {}
    for setting, runs in finished.items():
        run = next((run for run in runs if run.seed in shared), runs[0])
        for line in lines(study, setting):
            images = kept(results, run.name, line.keys.get(run.name))
            if images is not None:
                picture = tiled(images, f"{setting}, seed {run.seed}", line.guidance)
                grids.setdefault(f"{setting}, seed {run.seed}", []).append(picture)
    return grids
