"""`sprint evaluate --images` sees pictures as data sets see them, and says what its numbers are worth."""

import numpy as np
import pytest
import torch
from PIL import Image

from sprint.data import Images, opened
from sprint.evaluation.folders import read_images
from sprint.evaluation.images import evaluate_images, print_result
from sprint.metrics.networks.training import train
from sprint.runtime.errors import UserError

SIZE = 12
TURNED = 6  # EXIF: by 90 degrees


@pytest.fixture
def photographs(tmp_path):
    """A folder of class folders of pictures of all kinds: oblong, turned, transparent, grey, 16 bits, of the size."""
    levels = np.random.default_rng(0)
    exif = Image.Exif()
    exif[0x0112] = TURNED
    for number in range(4):
        folder = tmp_path / "photographs" / f"class{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)

        def noise(*shape, most=256, kind=np.uint8):
            return Image.fromarray(levels.integers(0, most, shape, dtype=kind))

        noise(40, 23, 3).save(folder / f"{number}-oblong.png")
        noise(19, 31, 3).save(folder / f"{number}-turned.jpg", exif=exif)
        noise(20, 20, 4).save(folder / f"{number}-transparent.png")
        noise(25, 15).save(folder / f"{number}-grey.png")
        noise(16, 30, most=65536, kind=np.uint16).save(folder / f"{number}-deep.png")
        noise(SIZE, SIZE, 3).save(folder / f"{number}-right.png")
    return tmp_path / "photographs"


def test_pictures_are_the_same_pixels_to_the_evaluation_and_to_the_data_reader(photographs):
    """Both by their own order of files: as sets of pictures they are equal."""
    settings = {"name": "image_folder", "path": str(photographs), "channels": 3}
    examples = opened(settings, {"name": "pixels"}, SIZE)
    read, _ = examples.pictures(torch.arange(len(examples)))
    seen, _ = read_images(photographs, (SIZE, SIZE), 3, "adm")
    assert sorted(one.numpy().tobytes() for one in read) == sorted(one.numpy().tobytes() for one in seen)


def test_pictures_that_have_the_size_are_left_as_they_are(tmp_path):
    levels = np.random.default_rng(1).integers(0, 256, (3, 10, 14, 3), dtype=np.uint8)
    np.save(tmp_path / "pictures.npy", levels)
    for resize in ("adm", "bicubic", "none"):
        found, _ = read_images(tmp_path / "pictures.npy", None, None, resize)
        assert torch.equal(found, torch.from_numpy(levels).permute(0, 3, 1, 2))


def test_what_is_not_square_is_cut_and_not_stretched(tmp_path):
    """A picture whose middle square is white and whose ends are black is white, whatever the filter."""
    picture = np.zeros((2, 20, 60, 3), dtype=np.uint8)
    picture[:, :, 20:40] = 255
    np.save(tmp_path / "flags.npy", picture)
    for resize in ("adm", "bicubic", "box"):
        found, _ = read_images(tmp_path / "flags.npy", (10, 10), 3, resize)
        assert (found == 255).all(), resize
    with pytest.raises(UserError, match="allowed with --resize adm: a square"):
        read_images(tmp_path / "flags.npy", (10, 20), 3, "adm")


@pytest.fixture
def project(photographs, tmp_path, monkeypatch, workspace):
    """A project folder whose preset `smoke` has a small extractor, as its own extractors are called."""
    monkeypatch.chdir(workspace)
    images = Images(read_images(photographs, (8, 8), 1, "adm")[0], torch.arange(24) % 2, 2, "photographs")
    train("digits-cnn", images, workspace / "results" / "smoke" / "extractors", steps=1)
    return workspace


def test_the_same_pictures_are_at_no_distance_from_themselves_and_few_of_them_are_warned_of(
    project, photographs, capsys
):
    result = evaluate_images(photographs, str(photographs), "digits-cnn", None, "adm", "smoke", None)
    assert abs(result["metrics"]["fd/digits-cnn"]) < 1e-5 and result["metrics"]["nearest/digits-cnn"] < 1e-6
    assert result["label"] == "trained for preset smoke" and result["weights_file"].endswith("digits-cnn.safetensors")
    assert any("24 generated images are no more than the 64 dimensions" in one for one in result["warnings"])
    print_result(result)
    said = capsys.readouterr().out
    assert "trained for preset smoke" in said and "warning: 24 generated images" in said


def test_a_mistyped_preset_is_answered_as_a_reference_with_the_nearest(project, photographs):
    with pytest.raises(UserError, match=r"--reference is 'smoek', no folder and no file; .*nearest: 'smoke'"):
        evaluate_images(photographs, "smoek", "digits-cnn", None, "adm", "digits", None)
