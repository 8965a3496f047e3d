"""What samples are held against: images that no training sees, wherever a preset of ours makes claims."""

import pytest
import tiny
import torch

from sprint.evaluation.reference import make_reference
from sprint.metrics.networks.training import train
from sprint.plan.reading import load_preset
from sprint.runtime.files import read_json
from sprint.training import checkpoint


@pytest.mark.parametrize("name", ["smoke", "digits", "evening"])
def test_no_image_that_is_trained_on_is_held_against_samples(name):
    data_set = load_preset(name, tiny.ROOT).examples().data_set
    assert len(data_set.measured) and not torch.isin(data_set.measured, data_set.training).any()


def test_the_reference_is_of_the_held_out_images_and_says_so(tmp_path):
    preset, examples = tiny.smoke(), tiny.smoke().examples()
    for name in preset.evaluate.extractors:
        train(name, examples.to_learn_from(), tmp_path / "extractors", steps=2)
    make_reference(examples, preset.evaluate, tmp_path)
    kept = checkpoint.read_tensors(tmp_path / "reference" / "features.safetensors")
    held_out = examples.data_set.held_out()
    assert torch.equal(kept["labels"], examples.pictures(held_out)[1]) and len(held_out) == 454
    found = read_json(tmp_path / "reference" / "floor.json")
    assert found["held_out"] is True and found["splits"] == 5 and found["images"] == 227
