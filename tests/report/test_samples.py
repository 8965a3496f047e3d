"""Sample grids: each guidance shows its own pictures."""

import base64
import io
from types import SimpleNamespace

import numpy as np
from fake_results import STEPS, evaluation, make_run, study
from PIL import Image
from safetensors.numpy import save_file

from sprint.report.read import read_study
from sprint.report.views.run_classes import RunClasses
from sprint.report.views.run_samples import RunSamples
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
    return set(picture[..., 0][picture[..., -1] > 0].tolist())


def one_run(results, entries: list[dict]):
    """A run with these evaluations, as the report reads it, and what its views are given."""
    run = make_run(results, "dense", 0.0, 0, 40.0)
    write_json(results / "runs" / run / "metrics.json", {"run": run, "state": "done", "evaluations": entries})
    ((read,),) = read_study("digits", results, study("methods", [run], ["method"])).settings.values()
    return read, SimpleNamespace(results=results)


def test_the_closest_training_pictures_stand_beside_the_last_samples_alone(tmp_path):
    entries = [evaluation(STEPS // 2, "none", 1.0, 50.0), evaluation(STEPS, "none", 1.0, 40.0)]
    run, report = one_run(tmp_path, entries)
    for grey, entry in enumerate(entries, start=1):
        images = {"pixels": np.full((4, 1, 8, 8), grey, np.uint8), "closest": np.full((4, 1, 8, 8), 99, np.uint8)}
        told = {"levels": np.array([3, 40, 7, 5], np.float32), "of": np.array(1437)}
        save_file(images | told, tmp_path / "runs" / run.name / "samples" / f"{entry['key']}.safetensors")
    (grid,) = RunSamples().blocks(run, report)
    groups = dict(grid.groups)
    assert [len(pictures) for pictures in groups.values()] == [1, 2] and grid.compared
    real = groups[f"step {STEPS}"][1]
    assert greys(real.uri) == {99}
    assert real.caption == "closest of 1,437 training pictures, 3 to 40 of 255 levels away, half of them at most 6"


def test_labels_stand_with_their_images_and_of_many_the_worst_and_best(tmp_path):
    few = {"by_label": {"images": [10, 0, 5], "right": [9, 0, 1]}}
    run, report = one_run(tmp_path, [evaluation(STEPS, "none", 1.0, 40.0) | few])
    (table,) = RunClasses().blocks(run, report)
    assert [[cell.main for cell in row] for (row,) in table.groups] == [["0", "10", "90.0%"], ["2", "5", "20.0%"]]
    many = {"by_label": {"images": [100] * 50, "right": [*range(50)]}}
    run, report = one_run(tmp_path, [evaluation(STEPS, "none", 1.0, 40.0) | many])
    (table,) = RunClasses().blocks(run, report)
    assert [row[0].main for (row,) in table.groups] == [str(label) for label in (*range(10), *range(40, 50))]
    assert "20 of 50 labels" in table.caption


def test_runs_measured_before_labels_were_told_and_odd_lists_have_no_such_table(tmp_path):
    run, report = one_run(tmp_path, [evaluation(STEPS, "none", 1.0, 40.0)])
    assert not RunClasses().applies(run, report)
    odd = {"by_label": {"images": [10, 5], "right": [9]}}
    run, report = one_run(tmp_path, [evaluation(STEPS, "none", 1.0, 40.0) | odd])
    assert not RunClasses().applies(run, report)
