"""The training pictures that are shown beside samples, against a search written out."""

import torch

from sprint.data import opened
from sprint.evaluation import closest as module
from sprint.evaluation.closest import closest


def digits(held_out: int = 0):
    return opened({"name": "digits", "held_out": held_out}, {"name": "pixels"}, 8)


def test_a_copy_is_found_and_is_no_level_away():
    examples = digits()
    pixels, _ = examples.pictures(torch.tensor([5, 900, 1796]))
    found = closest(examples, pixels)
    assert torch.equal(found["closest"], pixels) and found["of"] == 1797
    assert found["levels"].max() < 1e-3


def test_of_noise_the_closest_is_that_of_a_plain_search():
    examples = digits()
    pixels = torch.randint(0, 256, (4, 1, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    every, _ = examples.pictures(examples.data_set.training)
    found = closest(examples, pixels)
    for sample, picture, levels in zip(pixels.double(), found["closest"], found["levels"], strict=True):
        differences = ((every.double() - sample) ** 2).mean(dim=(1, 2, 3)).sqrt()
        assert abs(float(levels) - float(differences.min())) < 1e-3
        assert torch.equal(every[differences.argmin()], picture)


def test_what_is_held_out_is_no_training_picture():
    examples = digits(held_out=5)
    held_out = examples.data_set.held_out()
    pixels, _ = examples.pictures(held_out[:20])
    found = closest(examples, pixels)
    assert found["of"] == 1797 - len(held_out) and float(found["levels"].min()) > 0


def test_of_many_a_fixed_part_is_looked_at(monkeypatch):
    monkeypatch.setattr(module, "MOST", 100)
    examples = digits()
    pixels, _ = examples.pictures(torch.arange(3))
    first, second = closest(examples, pixels), closest(examples, pixels)
    assert first["of"] == 100 and torch.equal(first["closest"], second["closest"])


def test_pictures_of_another_shape_have_none():
    assert closest(digits(), torch.zeros(2, 3, 8, 8, dtype=torch.uint8)) == {}
    assert closest(digits(), torch.zeros(0, 1, 8, 8, dtype=torch.uint8)) == {}
