"""The mosaic's rule, its two kinds of handwriting, and that nothing of it repeats."""

import pytest
import torch

from sprint.data.sets.digits import Digits
from sprint.data.sets.mosaic import Mosaic, Settings
from sprint.runtime.errors import UserError


def mosaic(cells: int = 2, rule: str = "repeat", arrangements: int = 3000, held_out: int = 1000) -> Mosaic:
    return Mosaic(Settings(cells, rule, arrangements, held_out), 8 * cells)


def cells_of(pictures: torch.Tensor, side: int) -> torch.Tensor:
    """(n, side^2, 64): what stands in each cell, cut out by hand."""
    rows = [
        pictures[:, 0, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
        for row in range(side)
        for column in range(side)
    ]
    return torch.stack(rows, 1).flatten(2)


def sources(cells: torch.Tensor) -> torch.Tensor:
    """The number of the scikit-learn picture that each cell is, by exact equality; (n, c)."""
    pictures = Digits(None, 8).read()[0].flatten(1).float()
    distances = torch.cdist(cells.float().flatten(0, 1), pictures)
    least, places = distances.min(1)
    assert least.max() == 0
    return places.view(cells.shape[:2])


@pytest.mark.parametrize(("cells", "rule"), [(2, "repeat"), (2, "sum"), (3, "repeat"), (3, "sum")])
def test_cells_are_real_digits_arranged_by_the_rule(cells, rule):
    made = mosaic(cells, rule)
    pictures, labels = made.examples(torch.arange(0, 4000, 10))
    digits = Digits(None, 8).read()[1][sources(cells_of(pictures, cells))]
    assert torch.equal(digits[:, 0], labels)
    pairs = {2: [(1, 2)], 3: [(1, 5), (2, 6), (3, 7), (4, 8)]}[cells]
    for free, tied in pairs:
        told = digits[:, free] if rule == "repeat" else (labels + digits[:, free]) % 10
        assert torch.equal(digits[:, tied], told)
    assert torch.equal(made.obeyed(digits), torch.ones(400, dtype=torch.float64))
    wrong = digits.clone()
    wrong[:, pairs[0][1]] = (wrong[:, pairs[0][1]] + 1) % 10
    assert torch.allclose(made.obeyed(wrong), torch.tensor(1 - 1 / len(pairs), dtype=torch.float64))


def test_digits_drawn_at_random_obey_the_rule_one_time_in_ten():
    read = torch.randint(10, (20000, 4), generator=torch.Generator().manual_seed(0))
    for rule in ("repeat", "sum"):
        assert mosaic(rule=rule).obeyed(read).mean() == pytest.approx(0.1, abs=0.01)


def test_held_out_arrangements_show_no_handwriting_that_is_trained_on():
    made = mosaic()
    seen = sources(cells_of(made.examples(made.training)[0], 2)).unique()
    held_out = sources(cells_of(made.examples(made.held_out())[0], 2)).unique()
    assert not set(seen.tolist()) & set(held_out.tolist())
    assert len(seen) + len(held_out) == 1797 and 0.24 < len(held_out) / 1797 < 0.26


def test_free_cells_are_independent_and_arrangements_do_not_repeat():
    made = mosaic(arrangements=20000)
    digits, pictures = made._arranged(torch.arange(20000).numpy())
    assert len({tuple(row) for row in pictures.tolist()}) > 19990  # of about 3e12
    table = torch.zeros(10, 10)
    table.index_put_((torch.tensor(digits[:, 0]), torch.tensor(digits[:, 1])), torch.ones(20000), accumulate=True)
    expected = 20000 / 100
    assert ((table - expected).square() / expected).sum() < 149  # chi-squared, 99 degrees of freedom, p = 0.001


def test_a_size_that_does_not_fit_is_refused():
    with pytest.raises(UserError, match="image_size is 8; allowed for 2 cells: 16"):
        Mosaic(Settings(2, "repeat", 10, 4), 8).check()
