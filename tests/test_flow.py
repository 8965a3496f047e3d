"""Flow matching, samplers and guidance, held against data whose velocity field is known in closed form.

For data drawn from N(m, s^2), x_t is normal with mean (1 - t) m and variance S = (1 - t)^2 s^2 + t^2, its velocity is
-m + (t - (1 - t) s^2) / S (x_t - (1 - t) m), and the ODE carries noise e to exactly m + s e.
"""

import math

import pytest
import tiny
import torch

from sprint.diffusion.guidance import KINDS, Guidance, Guided
from sprint.diffusion.path import draw_times, interpolate, score, velocity
from sprint.diffusion.sample import SDE_END, Sampler, balanced_labels, sample
from sprint.methods import METHODS
from sprint.runtime.errors import UserError
from sprint.runtime.rng import generator

MEAN, SPREAD, SHAPE, CLASSES = 0.7, 0.4, (2, 8, 8), 5
NO_GUIDANCE = Guidance()


def variance(t: float) -> float:
    return (1 - t) ** 2 * SPREAD**2 + t**2


def exact(x, t_B, y_B, skip=False):
    """The velocity field of N(MEAN, SPREAD^2)."""
    t = float(t_B[0])
    return -MEAN + (t - (1 - t) * SPREAD**2) / variance(t) * (x - (1 - t) * MEAN)


def draw(sampler: Sampler, last: int, network=exact, guidance=NO_GUIDANCE, first: int = 0, seed: int = 3):
    field = Guided(network, guidance, CLASSES)
    return sample(field, sampler, seed, first, last, SHAPE), field


def first_noise(last: int, seed: int = 3) -> torch.Tensor:
    """The noise that images 0..last-1 start from."""
    return torch.stack([torch.randn(SHAPE, generator=generator("sample", seed, index)) for index in range(last)])


def error(sampler: Sampler) -> float:
    """Largest distance from where the ODE carries the noise."""
    return (draw(sampler, 4)[0] - (MEAN + SPREAD * first_noise(4))).abs().max().item()


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


def test_euler_converges_at_order_one_and_heun_at_order_two():
    for kind, order in (("euler", 1), ("heun", 2)):
        coarse, fine = error(Sampler(kind, 40)), error(Sampler(kind, 80))
        assert math.log2(coarse / fine) == pytest.approx(order, abs=0.2)
    assert error(Sampler("heun", 40)) < 0.1 * error(Sampler("euler", 79))  # with as many network calls


@pytest.mark.parametrize(("kind", "steps"), [("euler", 200), ("heun", 20), ("sde", 250)])
def test_samplers_reach_the_mean_and_variance_of_the_data(kind, steps):
    images, _ = draw(Sampler(kind, steps), 64)
    tolerance = 5 * SPREAD / math.sqrt(images.numel())
    assert images.mean().item() == pytest.approx(MEAN, abs=tolerance)
    assert images.std().item() == pytest.approx(SPREAD, rel=0.03)


def test_the_sde_adds_noise_of_its_own_until_its_last_step():
    ode, sde = (draw(Sampler(kind, 250), 32)[0] for kind in ("euler", "sde"))
    pairs = torch.stack((ode.flatten(), sde.flatten()))
    assert torch.corrcoef(pairs)[0, 1].abs() < 0.5
    before_last = draw(Sampler("sde", 2), 1, network=lambda x, t, y: x)[0]
    noise = generator("sample", 3, 0)
    x = torch.randn(SHAPE, generator=noise)
    following = x - (1 - SDE_END) * (x + x) + math.sqrt(2 * (1 - SDE_END)) * torch.randn(SHAPE, generator=noise)
    drift = following + (following + (1 - SDE_END) * following)  # v = x: v - t score = v + x + (1 - t) v
    assert torch.allclose(before_last[0], following - SDE_END * drift, atol=1e-5)


@pytest.mark.parametrize(("kind", "calls"), [("euler", 6), ("heun", 11), ("sde", 6)])
def test_network_calls_are_counted(kind, calls):
    seen = []

    def network(x, t_B, y_B, skip=False):
        seen.append(float(t_B[0]))
        return exact(x, t_B, y_B)

    _, field = draw(Sampler(kind, 6), 2, network)
    assert (field.strong_calls, field.weak_calls, len(seen)) == (calls, 0, calls)
    assert seen[0] == 1 and min(seen) > 0


def stand_in(x, t_B, y_B, skip=False):
    """A field in which label, time and skipping can be told apart."""
    return (x + 10 * y_B.view(-1, 1, 1, 1) + t_B.view(-1, 1, 1, 1)) * (0.5 if skip else 1)


@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize("scale", [0.0, 1.0, 1.5, 4.0])
def test_guidance_leads_away_from_the_weak_call(kind, scale):
    x, labels = torch.randn(3, *SHAPE), torch.tensor([0, 1, 4])
    weak_labels = labels if kind == "pdg-label" else torch.full((3,), CLASSES)
    t = torch.full((3,), 0.25)
    weak = stand_in(x, t, weak_labels, skip=kind.startswith("pdg"))
    expected = weak + scale * (stand_in(x, t, labels) - weak)
    guided = Guided(stand_in, Guidance(kind, scale), CLASSES)(x, 0.25, labels)
    assert torch.allclose(guided, expected, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_scale_one_is_no_guidance(kind):
    plain, _ = draw(Sampler("heun", 4), 3, stand_in)
    guided, field = draw(Sampler("heun", 4), 3, stand_in, Guidance(kind, 1.0))
    assert torch.allclose(guided, plain, atol=1e-5 * plain.abs().max().item())
    assert field.weak_calls == field.strong_calls


@pytest.mark.parametrize("kind", KINDS[1:])
def test_outside_the_interval_one_conditional_call_is_made(kind):
    seen = []

    def network(x, t_B, y_B, skip=False):
        seen.append((len(x), y_B.tolist(), skip))
        return stand_in(x, t_B, y_B, skip)

    x, labels = torch.randn(2, *SHAPE), torch.tensor([1, 3])
    field = Guided(network, Guidance(kind, 3.0, (0.3, 0.6)), CLASSES)
    for t in (0.299, 0.601, 1.0):
        assert torch.equal(field(x, t, labels), stand_in(x, torch.full((2,), t), labels))
    assert seen == [(2, [1, 3], False)] * 3 and (field.strong_calls, field.weak_calls) == (3, 0)
    for t in (0.3, 0.45, 0.6):
        field(x, t, labels)
    assert (field.strong_calls, field.weak_calls) == (6, 3)


@pytest.mark.parametrize("method", [name for name in METHODS if METHODS[name].can_skip])
@pytest.mark.parametrize("kind", ["pdg", "pdg-label"])
def test_the_weak_call_of_path_drop_guidance_runs_no_middle_block(method, kind):
    model, ran = tiny.stirred(tiny.run(method)), []
    for part, blocks in model.method.parts().items():
        for block in blocks:
            block.register_forward_hook(lambda *_, part=part: ran.append(part))
    field = Guided(model.image, Guidance(kind, 2.0), 10)
    field(torch.randn(2, 1, 8, 8), 0.5, torch.tensor([0, 1]))
    sizes = {part: len(blocks) for part, blocks in model.method.parts().items()}
    assert {part: ran.count(part) for part in sizes} == {
        part: size if part == "middle" else 2 * size for part, size in sizes.items()
    }


@pytest.mark.parametrize("sampler", [Sampler("heun", 2), Sampler("euler", 2), Sampler("sde", 3)])
@pytest.mark.parametrize("guidance", [Guidance(), Guidance("cfg", 2.0)])
def test_batch_size_changes_nothing(sampler, guidance):
    model = tiny.stirred(tiny.run(), scale=0.05)
    field = Guided(model.image, guidance, 10)

    def images(batch: int) -> torch.Tensor:
        parts = [(first, min(first + batch, 64)) for first in range(0, 64, batch)]
        return torch.cat([sample(field, sampler, 5, first, last, (1, 8, 8)) for first, last in parts])

    whole = images(64)
    assert whole.std() > 0.1
    for batch in (1, 7) if guidance.kind == "none" else (7,):
        assert torch.allclose(images(batch), whole, atol=1e-4)


def test_labels_follow_from_the_index_and_every_class_has_its_turn():
    assert balanced_labels(8, 13, 5).tolist() == [3, 4, 0, 1, 2]
    assert balanced_labels(0, 50, 10).bincount().tolist() == [5] * 10


def test_seeds_and_indices_give_different_noise():
    noise = first_noise(3)
    assert not torch.equal(noise[0], noise[1]) and not torch.equal(noise, first_noise(3, seed=4))


@pytest.mark.parametrize(
    ("guidance", "named"),
    [
        (Guidance("clip"), "guidance kind is 'clip'; allowed: none, cfg"),
        (Guidance("cfg", -1.0), "guidance scale is -1.0"),
        (Guidance("cfg", float("inf")), "guidance scale is inf"),
        (Guidance("cfg", float("nan")), "guidance scale is nan"),
        (Guidance("cfg", 2.0, (0.6, 0.3)), r"guidance interval is \[0.6, 0.3\]"),
        (Guidance("cfg", 2.0, (0.0, 1.5)), "guidance interval"),
        (Guidance("pdg", 2.0), "method 'dense' has no path to drop; allowed: none, cfg"),
    ],
)
def test_impossible_guidance_is_refused(guidance, named):
    with pytest.raises(UserError, match=named):
        guidance.check("dense")


@pytest.mark.parametrize("sampler", [Sampler("ddim"), Sampler("heun", 0), Sampler("sde", 1)])
def test_impossible_samplers_are_refused(sampler):
    with pytest.raises(UserError, match=r"sampler (kind|steps) is .*; allowed"):
        sampler.check()
