"""Each process reads and draws its own part of a step: together the same step, however many they are."""

from dataclasses import replace

import pytest
import tiny
import torch

from sprint.runtime.rng import generator
from sprint.training import batches
from sprint.training.batches import draw_batch

SIZE = 3 * batches.ROWS  # images a step, drawn by several generators


def run_of(method: str = "sprint", drop: float = 0.75, **changes):
    return tiny.run(method, drop, batch=SIZE, finetune_batch=SIZE, **changes)


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 8])
@pytest.mark.parametrize(
    ("method", "drop", "subsampling"), [("sprint", 0.75, ""), ("sprint", 0.75, "random"), ("dense", 0.0, "")]
)
def test_the_parts_of_a_step_make_the_whole(method, drop, subsampling, parts):
    run, skip = run_of(method, drop, subsampling=subsampling), 0.5 if method == "sprint" else 0.0
    whole = draw_batch(run, tiny.digits(), 3, skip)
    drawn = [draw_batch(run, tiny.digits(), 3, skip, number, parts) for number in range(parts)]
    for key, expected in vars(whole).items():
        found = [getattr(part, key) for part in drawn]
        assert torch.equal(torch.cat(found), expected) if torch.is_tensor(expected) else found == [expected] * parts


def test_a_part_reads_and_draws_no_more_than_itself(monkeypatch):
    read, used = [], []

    class Watched(tiny.Made):
        def examples(self, indices):
            read.extend(indices.tolist())
            return super().examples(indices)

    def watched(*name):
        used.append(name)
        return generator(*name)

    made = Watched(torch.arange(200).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 8, 8), torch.arange(200) % 10, 10)
    examples, run = replace_data(made), run_of()
    monkeypatch.setattr(batches, "generator", watched)
    draw_batch(run, examples, 0, 0.0, 5, 6)
    assert len(read) == len(set(read)) == SIZE // 6
    assert [name for name in used if name[0] in ("noise", "keep")] == [("noise", 0, 0, 2), ("keep", 0, 0, 2)]


def replace_data(made):
    examples = tiny.examples(*made.read(), made.classes)
    examples.data_set = made
    return examples


def test_no_generator_draws_the_same_as_another():
    batch = draw_batch(run_of(), tiny.digits(), 0, 0.0)
    assert len({tuple(row) for row in batch.noise_BCHW.flatten(1).tolist()}) == SIZE
    assert len({tuple(row) for row in batch.keep_BK.tolist()}) > SIZE / 3


def test_a_step_of_few_images_is_what_one_generator_draws():
    """As it was before there were several: runs of presets whose steps are no larger keep their bits."""
    for size in (1, 16, batches.ROWS):
        batch = draw_batch(tiny.run(batch=size), tiny.digits(), 7, 0.0)
        assert torch.equal(batch.noise_BCHW, torch.randn(size, 1, 8, 8, generator=generator("noise", 0, 7)))


@pytest.mark.parametrize("size", [0, 1, 7, SIZE, SIZE + 1])
def test_passes_split_a_part_and_lose_nothing(size):
    batch = draw_batch(run_of(), tiny.digits(), 0, 0.5)
    split = batch.split(size)
    assert all(len(part) <= (size or SIZE) for part in split) and sum(map(len, split)) == SIZE
    known = {key: whole for key, whole in vars(batch).items() if whole is not None}  # no teacher sees this batch
    assert len(known) >= 6
    for key, whole in known.items():
        assert torch.equal(torch.cat([getattr(part, key) for part in split]), whole)
    assert draw_batch(replace(run_of(), drop=0.0), tiny.digits(), 0, 0.0).split(size)[0].keep_BK is None
