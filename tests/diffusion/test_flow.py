"""Flow matching, samplers and guidance, held against data whose velocity field is known in closed form.

For data drawn from N(m, s^2), x_t is normal with mean (1 - t) m and variance S = (1 - t)^2 s^2 + t^2, its velocity is
-m + (t - (1 - t) s^2) / S (x_t - (1 - t) m), and the ODE carries noise e to exactly m + s e.
"""

import math

import pytest
import tiny
import torch

from sprint.diffusion.guidance import GUIDANCES
from sprint.diffusion.guided import Guided
from sprint.diffusion.path import draw_times, interpolate, velocity
from sprint.diffusion.sample import balanced_labels, sample
from sprint.diffusion.samplers import SAMPLERS, Sampler
from sprint.diffusion.samplers.sde import SDE_END, score
from sprint.methods import METHODS
from sprint.runtime.rng import generator

MEAN, SPREAD, SHAPE, CLASSES = 0.7, 0.4, (2, 8, 8), 5
NO_GUIDANCE = GUIDANCES["none"]()


def variance(t: float) -> float:
    return (1 - t) ** 2 * SPREAD**2 + t**2


def exact(x, t_B, y_B, keep=None, skip=False):
    """The velocity field of N(MEAN, SPREAD^2)."""
    t = float(t_B[0])
    return -MEAN + (t - (1 - t) * SPREAD**2) / variance(t) * (x - (1 - t) * MEAN)


def draw(sampler: Sampler, last: int, network=exact, guidance=NO_GUIDANCE, first: int = 0, seed: int = 3):
    field = Guided(network, guidance, CLASSES)
    return sample(field, sampler, seed, first, last, SHAPE), field


def first_noise(last: int, seed: int = 3) -> torch.Tensor:
    """The noise that images 0..last-1 start from."""
    return torch.stack([torch.randn(SHAPE, generator=generator("sample", seed, index)) for index in range(last)])


def test_the_path_runs_from_image_to_noise_along_its_velocity():
    x, noise, t = torch.randn(3, 1, 2, 2), torch.randn(3, 1, 2, 2), torch.tensor([0.0, 0.3, 1.0])
    path = interpolate(x, noise, t)
    assert torch.equal(path[0], x[0]) and torch.equal(path[2], noise[2])
    later = interpolate(x.double(), noise.double(), t + 0.125)
    assert torch.allclose((later - path) / 0.125, velocity(x, noise).double(), atol=1e-5)


def test_times_are_logit_normal():
    times = draw_times(20000, torch.Generator().manual_seed(0))
    normal = (times / (1 - times)).log()
    assert times.min() > 0 and times.max() < 1
    assert normal.mean().abs() < 0.03 and (normal.std() - 1).abs() < 0.03
    for threshold, share in ((0.5, 0.5), (1 / (1 + math.e), 0.158655)):  # one standard deviation below the middle
        assert (times < threshold).double().mean().item() == pytest.approx(share, abs=0.015)


@pytest.mark.parametrize("t", [0.05, 0.5, 1.0])
def test_score_follows_from_velocity(t):
    x = torch.linspace(-2, 2, 9).double()
    assert torch.allclose(score(exact(x, [t], None), x, t), -(x - (1 - t) * MEAN) / variance(t), atol=1e-9)


def test_the_sde_adds_noise_of_its_own_until_its_last_step():
    ode, sde = (draw(SAMPLERS[kind](250), 32)[0] for kind in ("euler", "sde"))
    pairs = torch.stack((ode.flatten(), sde.flatten()))
    assert torch.corrcoef(pairs)[0, 1].abs() < 0.5
    before_last = draw(SAMPLERS["sde"](2), 1, network=lambda x, *told: x)[0]
    noise = generator("sample", 3, 0)
    x = torch.randn(SHAPE, generator=noise)
    following = x - (1 - SDE_END) * (x + x) + math.sqrt(2 * (1 - SDE_END)) * torch.randn(SHAPE, generator=noise)
    drift = following + (following + (1 - SDE_END) * following)  # v = x: v - t score = v + x + (1 - t) v
    assert torch.allclose(before_last[0], following - SDE_END * drift, atol=1e-5)


@pytest.mark.parametrize("method", [name for name in METHODS if METHODS[name].can_skip])
@pytest.mark.parametrize("kind", ["pdg", "pdg-label"])
def test_the_weak_call_of_path_drop_guidance_runs_no_middle_block(method, kind):
    model, ran = tiny.stirred(tiny.run(method)), []
    for part, blocks in model.method.parts().items():
        for block in blocks:
            block.register_forward_hook(lambda *_, part=part: ran.append(part))
    field = Guided(model.image, GUIDANCES[kind](2.0), 10)
    field(torch.randn(2, 1, 8, 8), 0.5, torch.tensor([0, 1]))
    sizes = {part: len(blocks) for part, blocks in model.method.parts().items()}
    assert {part: ran.count(part) for part in sizes} == {
        part: size if part == "middle" else 2 * size for part, size in sizes.items()
    }


def test_labels_follow_from_the_index_and_every_class_has_its_turn():
    assert balanced_labels(8, 13, 5).tolist() == [3, 4, 0, 1, 2]
    assert balanced_labels(0, 50, 10).bincount().tolist() == [5] * 10


def test_seeds_and_indices_give_different_noise():
    noise = first_noise(3)
    assert not torch.equal(noise[0], noise[1]) and not torch.equal(noise, first_noise(3, seed=4))
