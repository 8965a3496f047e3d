"""One method, one colour and one mark: told apart by readers who see fewer colours, on light paper and on dark."""

from itertools import combinations

import numpy as np
import pytest

from sprint.methods import METHODS
from sprint.report.figures.styles import DARK, LIGHT, fills_of, in_order, method_style, methods, series_styles

# Machado, Oliveira and Fernandes 2009, table 1, severity 1: what each kind of eye sees of linear RGB.
EYES = {
    "usual": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
APART = 12  # distance in CIE Lab; 2.3 is just noticeable
PAPER = {"light": ("#fdfdfc", LIGHT), "dark": ("#16181c", DARK)}


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    x, y, z = TO_XYZ @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    a, b, c = (np.cbrt(one) if one > 0.008856 else 7.787 * one + 16 / 116 for one in (x, y, z))
    return np.array([116 * b - 16, 500 * (a - b), 200 * (b - c)])


@pytest.mark.parametrize("paper", PAPER)
@pytest.mark.parametrize("eye", EYES)
def test_colours_are_told_apart(eye, paper):
    seen = [lab(np.array(EYES[eye]) @ linear(colour)) for colour in PAPER[paper][1]]
    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > APART


@pytest.mark.parametrize("paper", PAPER)
def test_colours_stand_out_of_the_paper(paper):
    """WCAG 1.4.11: graphics have a contrast of 3 to 1."""
    ground, colours = PAPER[paper]
    for colour in colours:
        low, high = sorted(float(TO_XYZ[1] @ linear(one)) for one in (ground, colour))
        assert (high + 0.05) / (low + 0.05) >= 3


def test_every_method_has_its_own_and_keeps_it():
    assert list(methods()) == sorted(METHODS)
    assert len({(method_style(name).slot, method_style(name).mark) for name in methods()}) == len(methods())
    assert len({(in_order(place).slot, in_order(place).mark) for place in range(64)}) == 64


def test_lines_of_one_method_share_its_colour_and_differ_in_dashes():
    first, second = methods()[:2]
    found = series_styles([("a", first), ("b", second), ("c", first)])
    assert found["a"].slot == found["c"].slot == method_style(first).slot and found["a"].mark == found["c"].mark
    assert found["a"].dash != found["c"].dash and found["b"].slot != found["a"].slot


def test_the_fuller_a_mark_the_stronger_the_guidance():
    assert fills_of(["unguided", "CFG 1.25", "CFG 1.5"], "unguided") == {"unguided": 0, "CFG 1.25": 0.5, "CFG 1.5": 1}
