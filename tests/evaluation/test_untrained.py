"""What an untrained network draws is measured with the floor: noise, the same for every method."""

import pytest
import tiny
import torch

from sprint.diffusion.guidance import GUIDANCES
from sprint.diffusion.guided import Guided
from sprint.diffusion.sample import sample
from sprint.evaluation.reference import make_reference, still
from sprint.metrics.networks.training import train
from sprint.runtime.files import read_json


@pytest.mark.parametrize("run", tiny.every_run(), ids=lambda run: run.name)
def test_a_network_at_its_initial_values_draws_the_noise_that_sampling_starts_from(run):
    model, preset = tiny.network(run), tiny.smoke().evaluate
    shape = (model.config.channels, run.image_size, run.image_size)
    field = Guided(model.eval().image, GUIDANCES["none"](), model.config.classes)
    untrained = Guided(still, GUIDANCES["none"](), model.config.classes)
    drawn, noise = (sample(one, preset.sampler, 0, 0, 3, shape) for one in (field, untrained))
    assert torch.equal(drawn, noise)


def test_the_distance_of_an_untrained_network_stands_beside_the_floor(tmp_path):
    preset = tiny.smoke()
    for name in preset.evaluate.extractors:
        train(name, tiny.digits().to_learn_from(), tmp_path / "extractors", steps=5)
    make_reference(preset.examples(), preset.evaluate, tmp_path)
    found = read_json(tmp_path / "reference" / "floor.json")
    untrained = found["untrained"]
    assert untrained["images"] == preset.evaluate.images and set(untrained["metrics"]) == set(found["metrics"])
    for name in preset.evaluate.extractors:
        assert untrained["metrics"][f"fd/{name}"] > 5 * found["metrics"][f"fd/{name}"]
