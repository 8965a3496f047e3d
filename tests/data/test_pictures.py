"""The one reading of pictures: against a second one written from its description, and where the answer is known."""

import numpy as np
import pytest
from PIL import Image

from sprint.data.pictures import centre_crop, dimensions, open_picture, read_picture
from sprint.runtime.errors import UserError


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def written_from_the_description(path, size: int) -> np.ndarray:
    """Halve with BOX while the smaller side is at least twice the size; BICUBIC; cut out the middle, by rows."""
    picture = Image.open(path)
    while not min(picture.size) < size * 2:
        picture = picture.resize(tuple(side // 2 for side in picture.size), resample=Image.BOX)
    ratio = size / min(*picture.size)
    picture = picture.resize(tuple(round(side * ratio) for side in picture.size), Image.BICUBIC)
    rows = np.array(picture)
    top, left = (len(rows) - size) // 2, (rows.shape[1] - size) // 2
    return rows[top : top + size, left : left + size]


@pytest.mark.parametrize("height, width", [(64, 64), (64, 96), (130, 52), (40, 33), (7, 9), (16, 24), (31, 32)])
def test_the_crop_is_that_of_the_description(tmp_path, height, width):
    Image.fromarray(noise(height, width)).save(tmp_path / "picture.png")
    ours = read_picture(tmp_path / "picture.png", 3, 16).transpose(1, 2, 0)
    theirs = written_from_the_description(tmp_path / "picture.png", 16)
    assert ours.shape == (16, 16, 3)
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_of_the_size_is_untouched_byte_for_byte(tmp_path, channels):
    levels = noise(16, 16, channels)
    Image.fromarray(levels).save(tmp_path / "square.png")
    assert np.array_equal(read_picture(tmp_path / "square.png", channels, 16), np.atleast_3d(levels).transpose(2, 0, 1))
    wide = noise(16, 27, channels)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    assert np.array_equal(
        read_picture(tmp_path / "wide.png", channels, 16), np.atleast_3d(wide[:, 5:21]).transpose(2, 0, 1)
    )


@pytest.mark.parametrize("height, width", [(5, 5), (17, 40), (200, 90)])
def test_a_picture_of_one_colour_stays_of_it(tmp_path, height, width):
    Image.new("RGB", (width, height), (10, 100, 200)).save(tmp_path / "flat.png")
    pixels = read_picture(tmp_path / "flat.png", 3, 12)
    assert [plane.min() for plane in pixels] == [plane.max() for plane in pixels] == [10, 100, 200]


def test_halving_averages_squares_of_pixels():
    """Twice and four times the size: means of 2 x 2 and 4 x 4 pixels, rounded once for each side and halving."""
    levels = np.repeat(np.repeat(noise(8, 8, 1), 2, 0), 2, 1)
    assert np.array_equal(centre_crop(Image.fromarray(levels), 8), levels[::2, ::2])
    levels = noise(32, 32, 1)
    means = levels.reshape(8, 4, 8, 4).astype(float).mean((1, 3))
    assert np.abs(np.asarray(centre_crop(Image.fromarray(levels), 8)) - means).max() <= 2


@pytest.mark.parametrize("orientation, turned", [(3, 2), (6, 3), (8, 1)])  # EXIF: how often by 90 degrees to the left
def test_the_turn_of_the_camera_is_applied(tmp_path, orientation, turned):
    levels = noise(12, 12)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(levels).save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_picture(tmp_path / "turned.png", 3, 12).transpose(1, 2, 0), np.rot90(levels, turned))


def test_what_is_transparent_shows_white(tmp_path):
    levels = noise(8, 8, 4)
    levels[..., 3] = [0] * 4 + [255] * 4
    Image.fromarray(levels).save(tmp_path / "colour.png")
    pixels = read_picture(tmp_path / "colour.png", 3, 8).transpose(1, 2, 0)
    assert (pixels[:, :4] == 255).all() and np.array_equal(pixels[:, 4:], levels[:, 4:, :3])
    Image.new("LA", (4, 4), (0, 51)).save(tmp_path / "grey.png")  # a fifth black, four fifths white
    assert open_picture(tmp_path / "grey.png").mode == "L"
    assert np.unique(read_picture(tmp_path / "grey.png", 1, 4)) == [204]
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 9, 9, 9])
    palette.save(tmp_path / "palette.png", transparency=1)
    assert np.unique(read_picture(tmp_path / "palette.png", 3, 4)) == [255]


def test_grey_becomes_colour_and_colour_grey(tmp_path):
    levels = noise(6, 6, 1)
    Image.fromarray(levels).save(tmp_path / "grey.png")
    assert np.array_equal(read_picture(tmp_path / "grey.png", 3, 6), np.stack([levels] * 3))
    colours = noise(6, 6)
    Image.fromarray(colours).save(tmp_path / "colour.png")
    luma = colours @ [0.299, 0.587, 0.114]  # ITU-R 601
    assert np.abs(read_picture(tmp_path / "colour.png", 1, 6)[0] - luma).max() <= 0.51


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_sixteen_bits_are_scaled(tmp_path, ending):
    levels = np.arange(0, 65536, 1024, dtype=np.uint16).reshape(8, 8)
    Image.fromarray(levels).save(tmp_path / f"deep.{ending}")
    assert np.array_equal(read_picture(tmp_path / f"deep.{ending}", 1, 8)[0], (levels / 257).round())


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_deeper_pixels_are_refused(tmp_path, kind):
    Image.fromarray(np.ones((6, 6), dtype=kind)).save(tmp_path / "deep.tif")
    with pytest.raises(UserError, match=r"deep\.tif: its pixels have 32 bits; allowed: pictures of 8 or 16 bits"):
        read_picture(tmp_path / "deep.tif", 1, 6)


@pytest.mark.parametrize("content", [b"", b"no picture", "half", "head"])
def test_what_is_broken_is_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "broken.png"
    Image.fromarray(noise(40, 40)).save(path)
    cut = {"half": path.stat().st_size // 2, "head": 40}.get(content)
    path.write_bytes(path.read_bytes()[:cut] if cut else content)
    with pytest.raises(UserError, match=r"broken\.png: not a readable picture \(.*\); repair or remove it"):
        read_picture(path, 3, 8)


def test_the_head_alone_tells_size_and_colour(tmp_path):
    Image.fromarray(noise(7, 11, 1)).save(tmp_path / "grey.png")
    Image.fromarray(noise(7, 11)).save(tmp_path / "colour.png")
    assert dimensions(tmp_path / "grey.png") == (11, 7, True)
    assert dimensions(tmp_path / "colour.png") == (11, 7, False)
