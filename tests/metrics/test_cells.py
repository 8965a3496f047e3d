"""Metrics of cells: what an extractor of cells reads, and distances that are blind to how cells go together."""

import pytest
import torch

from sprint import data
from sprint.metrics import Evidence
from sprint.metrics.fd_cells import FrechetOfCells
from sprint.metrics.maths.frechet import frechet_distance, statistics
from sprint.metrics.networks import training
from sprint.metrics.networks.loading import load
from sprint.metrics.rule_obeyed import RuleObeyed
from sprint.runtime.errors import UserError


@pytest.fixture(scope="module")
def mosaic():
    settings = {"name": "mosaic", "cells": 2, "rule": "repeat", "arrangements": 3000, "held_out": 300}
    return data.opened(settings, data.USUAL_CODEC, 16)


@pytest.fixture(scope="module")
def reader(mosaic, tmp_path_factory):
    folder = tmp_path_factory.mktemp("extractors")
    record = training.train("mosaic-cells", mosaic.to_learn_from(), folder, steps=300)
    assert record["held_out_accuracy"] > 0.9
    return load("mosaic-cells", folder / "mosaic-cells.safetensors")


def test_cells_of_unseen_handwriting_are_read_and_obey_the_rule(mosaic, reader):
    pixels, labels = mosaic.pictures(mosaic.data_set.held_out())
    read = reader.read_cells(pixels)
    assert read.shape == (300, 4)
    assert torch.equal(read[:, 0], reader.classify(pixels))
    assert (read[:, 0] == labels).double().mean() > 0.9
    obeyed = RuleObeyed.compute(Evidence(obeyed=mosaic.data_set.obeyed(read)))
    shuffled = torch.cat([read[:, :2], read[torch.randperm(300, generator=torch.Generator().manual_seed(1)), 2:]], 1)
    assert obeyed > 0.8 and RuleObeyed.compute(Evidence(obeyed=mosaic.data_set.obeyed(shuffled))) < 0.2


def test_features_are_those_of_every_cell_in_reading_order(mosaic, reader):
    pixels, _ = mosaic.pictures(torch.arange(5))
    features = reader.features(pixels)
    assert features.shape == (5, 64) and reader.image_shape == (1, 16, 16)
    one = pixels.clone()
    one[:, :, 8:, :8] = 0  # the third cell
    changed = (reader.features(one) != features).any(0).view(4, 16).any(1)
    assert changed.tolist() == [False, False, True, False]


def test_the_distance_of_cells_sees_cells_and_not_how_they_go_together():
    draw = torch.Generator().manual_seed(0)
    cells = torch.randn(400, 1, 8, generator=draw)
    tied = cells.expand(-1, 4, -1).reshape(400, 32).double()
    loose = torch.cat([tied[torch.randperm(400, generator=draw), 8 * n : 8 * n + 8] for n in range(4)], 1)
    read = torch.zeros(400, 4, dtype=torch.int64)
    assert FrechetOfCells.compute(Evidence(loose, tied, cells=read)) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(*statistics(tied), *statistics(loose)) > 1
    moved = FrechetOfCells.compute(Evidence(tied + 0.5, tied, cells=read))
    assert moved == pytest.approx(8 * 0.25, rel=1e-6)


def test_an_extractor_of_cells_refuses_pictures_without_them(tmp_path):
    digits = data.opened({"name": "digits"}, data.USUAL_CODEC, 8).to_learn_from()
    with pytest.raises(UserError, match="data set digits shows one picture in an image"):
        training.train("digits-cells", digits, tmp_path, steps=2)
