"""Sample grids: each guidance shows its own pictures."""

import base64
import io

import numpy as np
from fake_results import STEPS, evaluation, make_run, study
from PIL import Image
from safetensors.numpy import save_file

from sprint.report.read import read_study
from sprint.report.views.samples import sample_grids
from sprint.runtime.files import write_json


def test_a_guidance_whose_name_begins_as_another_shows_its_own_pictures(tmp_path):
    """`CFG 1` stands before `CFG 1.5` and `CFG 1.75`, in tables and as text."""
    run = make_run(tmp_path, "dense", 0.0, 0, 40.0)
    scales = (1.0, 1.5, 1.75)
    entries = [evaluation(STEPS, "cfg", scale, 40.0) for scale in scales]
    write_json(tmp_path / "runs" / run / "metrics.json", {"run": run, "state": "done", "evaluations": entries})
    for scale, entry in zip(scales, entries, strict=True):
        grey = np.full((40, 1, 8, 8), round(100 * scale), np.uint8)
        save_file({"pixels": grey}, tmp_path / "runs" / run / "samples" / f"{entry['key']}.safetensors")
    (pictures,) = sample_grids(read_study("digits", tmp_path, study("methods", [run], ["method"])), tmp_path).values()
    assert {picture.caption: greys(picture.uri) for picture in pictures} == {
        "CFG 1": {100},
        "CFG 1.5": {150},
        "CFG 1.75": {175},
    }


def greys(uri: str) -> set[int]:
    """The greys of a picture, but for the transparent lines between its images."""
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))
    return set(picture[..., 0][picture[..., 1] > 0].tolist())
