"""Data sets: the digits as they are published, and pictures of one's own, cropped and resized as said."""

import csv
import gzip
from importlib import util
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sprint import data
from sprint.data import to_pixels, to_signal
from sprint.runtime.errors import UserError


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three classes whose names and files are not written in order."""
    for label, name in enumerate(("zebra", "ant", "bee")):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for index in (2, 10, 1):
            grey = 20 * label + index
            Image.new("L", (5 + index, 9), grey).save(tmp_path / "pictures" / name / f"{index}.png")
    (tmp_path / "pictures" / "ant" / "notes.txt").write_text("no picture, and so passed over")
    (tmp_path / "pictures" / "readme.md").write_text("no class")
    return tmp_path / "pictures"


def opened(folder: Path, channels: int, size: int) -> data.Examples:
    return data.opened({"name": "image_folder", "path": str(folder), "channels": channels}, data.USUAL_CODEC, size)


def load(folder: Path, channels: int, size: int) -> data.Images:
    return opened(folder, channels, size).to_learn_from()


def test_digits_are_those_of_the_published_table():
    images = data.opened({"name": "digits"}, data.USUAL_CODEC, 8).to_learn_from()
    (home,) = util.find_spec("sklearn").submodule_search_locations
    with gzip.open(Path(home) / "datasets/data/digits.csv.gz", "rt") as stream:
        rows = np.array([[float(cell) for cell in row] for row in csv.reader(stream)])
    assert images.pixels.shape == (1797, 1, 8, 8) and images.pixels.dtype == torch.uint8
    assert images.labels.tolist() == rows[:, -1].astype(int).tolist() and images.classes == 10
    assert np.abs(images.pixels.reshape(1797, 64).numpy() - rows[:, :-1] * 255 / 16).max() <= 0.5
    assert images.labels.bincount().tolist() == [
        178,
        182,
        177,
        183,
        181,
        182,
        181,
        179,
        174,
        180,
    ]  # scikit-learn's page


def test_pixels_survive_the_way_to_signals_and_back():
    pixels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_pixels(to_signal(pixels)), pixels)
    assert to_signal(pixels).min() == -1 and to_signal(pixels).max() == 1
    assert to_pixels(torch.tensor([-9.0, 9.0])).tolist() == [0, 255]


def test_classes_are_numbered_by_name_and_files_ordered_by_name(folder):
    images = load(folder, 1, 4)
    assert images.classes == 3 and images.labels.tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert images.pixels[:, 0, 0, 0].tolist() == [21, 30, 22, 41, 50, 42, 1, 10, 2]  # 1, 10, 2 of ant, bee, zebra
    assert (opened(folder, 1, 4).channels, opened(folder, 1, 4).classes, len(opened(folder, 1, 4))) == (1, 3, 9)


@pytest.mark.parametrize("width, height", [(30, 12), (12, 30), (13, 12)])
def test_the_centre_square_is_kept(folder, width, height):
    """White but for a black centre square: after the crop all is black but an edge of half a pixel."""
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    picture = Image.new("L", (width, height), 255)
    picture.paste(0, (left, top, left + side, top + side))
    picture.save(folder / "ant" / "0.png")
    assert load(folder, 1, 6).pixels[0, :, 1:-1, 1:-1].max() == 0


def test_a_picture_of_the_right_size_is_taken_as_it_is(folder):
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "ant" / "0.png")
    assert np.array_equal(load(folder, 3, 8).pixels[0].permute(1, 2, 0).numpy(), noise)


def test_shrinking_averages_what_it_removes(folder):
    """A fine checkerboard turns grey; taking every n-th pixel would leave it black or white."""
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    Image.fromarray(board).save(folder / "ant" / "0.png")
    inner = load(folder, 1, 8).pixels[0, 0].float()
    assert (inner - 127.5).abs().max() < 20


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_every_kind_of_picture_becomes_the_channels_asked_for(folder, mode):
    picture = Image.new("RGB", (6, 6), (255, 255, 255)).convert(mode)
    picture.save(folder / "ant" / "0.tif")
    for channels in (1, 3):
        pixels = load(folder, channels, 4).pixels[0]
        assert pixels.shape == (channels, 4, 4) and pixels.min() == 255


def test_sixteen_bits_are_scaled_and_deeper_pixels_refused(folder):
    Image.fromarray(np.full((6, 6), 32768, dtype=np.uint16)).save(folder / "ant" / "0.png")
    assert load(folder, 3, 4).pixels[0].unique().tolist() == [128]
    Image.fromarray(np.ones((6, 6), dtype=np.float32)).save(folder / "ant" / "0.tif")
    with pytest.raises(UserError, match=r"0\.tif: its pixels have 32 bits; allowed"):
        load(folder, 1, 4)


def test_a_picture_that_breaks_after_its_head_is_named_when_it_is_read(folder):
    path = folder / "bee" / "0.jpg"
    Image.effect_noise((90, 90), 60).save(path)
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(UserError, match=r"bee/0\.jpg: not a readable picture .*; repair or remove it"):
        load(folder, 1, 8)


def test_no_other_data_set_codec_or_size_is_taken(folder):
    with pytest.raises(UserError, match=r"data: .*'digit' is unknown .*known: digits, image_folder"):
        data.opened({"name": "digit"}, data.USUAL_CODEC, 8)
    with pytest.raises(UserError, match=r"data: name is missing; allowed: digits, image_folder"):
        data.opened({}, data.USUAL_CODEC, 8)
    with pytest.raises(UserError, match=r"codec: .*'pixel' is unknown .*nearest: 'pixels'"):
        data.opened({"name": "digits"}, {"name": "pixel"}, 8)
    with pytest.raises(UserError, match="image_size is 16; allowed for digits: 8"):
        data.opened({"name": "digits"}, data.USUAL_CODEC, 16).check()
    with pytest.raises(UserError, match="channels is 2; allowed: 1"):
        opened(folder, 2, 8).check()
    with pytest.raises(UserError, match=r"data: images is 0; allowed: 1 to"):
        data.opened({"name": "noise", "channels": 1, "classes": 2, "images": 0}, data.USUAL_CODEC, 8)
