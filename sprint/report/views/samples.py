"""Sample grids: the same image indices (so the same noise and labels) of every setting, as PNG data URIs."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors import SafetensorError
from safetensors.numpy import load_file

from sprint.report.blocks import Block, Grid, Picture
from sprint.report.read import Run, Study
from sprint.report.settings_table import protocol, sentence
from sprint.report.summary import Line, lines
from sprint.report.views import HEADLINE, Report, StudyView

COLUMNS, ROWS = 10, 3
LARGEST = 64  # larger images are reduced to this side and to one row, so that the page stays small


class Samples(StudyView):
    title = "Samples"
    order = 100

    def applies(self, study: Study, report: Report) -> bool:
        return study.name == HEADLINE and bool(sample_grids(study, report.results))

    def blocks(self, study: Study, report: Report) -> list[Block]:
        grids = tuple((name, tuple(pictures)) for name, pictures in sample_grids(study, report.results).items())
        caption = (
            "The same image indices everywhere: under one seed, one place in the grid is one noise and one label. "
            f"Nothing was selected. {sentence(protocol(study))}"
        )
        return [Grid(grids, self.title, caption)]


def sample_grids(study: Study, results: Path) -> dict[str, list[Picture]]:
    """By setting, one grid per shown guidance, of the first seed that finished everywhere, or else in the setting."""
    finished = {setting: [run for run in runs if run.state == "done"] for setting, runs in study.settings.items()}
    finished = {setting: runs for setting, runs in finished.items() if runs}
    shared = set.intersection(*({run.seed for run in runs} for runs in finished.values())) if finished else set()
    grids: dict[str, list[Picture]] = {}
    for setting, runs in finished.items():
        run = next((run for run in runs if run.seed in shared), runs[0])
        for line in lines(study, setting):
            images = _images(results, run, line)
            if images is not None:
                grids.setdefault(f"{setting}, seed {run.seed}", []).append(_grid(setting, run, line, images))
    return grids


def _images(results: Path, run: Run, line: Line) -> np.ndarray | None:
    """uint8 (n, C, H, W) samples of the run's last step under the line's guidance; None when none were kept."""
    path = results / "runs" / run.name / "samples" / f"{line.keys.get(run.name)}.safetensors"
    try:
        pixels = load_file(path)["pixels"] if path.exists() else None
    except (OSError, SafetensorError, KeyError):  # damaged: pictures are for the eye, their numbers stand elsewhere
        return None
    return pixels if pixels is not None and pixels.ndim == 4 and pixels.dtype == np.uint8 else None


def _grid(setting: str, run: Run, line: Line, images: np.ndarray) -> Picture:
    images = _small(images)
    uri, shape = _png(_tiled(images))
    alt = f"{len(images)} samples of {setting}, seed {run.seed}, {line.guidance}: image indices 0 to {len(images) - 1}"
    return Picture(uri, alt, line.guidance, shape)


def _small(images: np.ndarray) -> np.ndarray:
    side = max(images.shape[2:])
    if side <= LARGEST // 2:
        return images[: COLUMNS * ROWS]
    images = images[:COLUMNS]
    if side <= LARGEST:
        return images
    size = (LARGEST, LARGEST)
    reduced = [
        Image.fromarray(np.moveaxis(image, 0, -1).squeeze()).resize(size, Image.Resampling.LANCZOS) for image in images
    ]
    return np.stack([np.atleast_3d(np.asarray(image)).transpose(2, 0, 1) for image in reduced])


def _tiled(images: np.ndarray) -> np.ndarray:
    """(n, C, H, W) to one (H, W, C + 1) picture with transparent lines, one pixel wide, between the images."""
    count, channels, height, width = images.shape
    rows = -(-count // COLUMNS)
    picture = np.zeros((rows * (height + 1) - 1, COLUMNS * (width + 1) - 1, channels + 1), np.uint8)
    for index, image in enumerate(images):
        top, left = index // COLUMNS * (height + 1), index % COLUMNS * (width + 1)
        picture[top : top + height, left : left + width, :channels] = np.moveaxis(image, 0, -1)
        picture[top : top + height, left : left + width, channels] = 255
    return picture


def _png(picture: np.ndarray) -> tuple[str, tuple[int, int]]:
    stream = io.BytesIO()
    Image.fromarray(picture, {2: "LA", 4: "RGBA"}[picture.shape[2]]).save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode(), (picture.shape[1], picture.shape[0])
