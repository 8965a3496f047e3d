"""What holds of every sampler, found by listing the folder; each proposition is shown to catch a deliberate mistake.

For data drawn from N(m, s^2) the velocity is known in closed form, and the ODE carries noise e to exactly m + s e.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch

from sprint.diffusion.guidance import GUIDANCES
from sprint.diffusion.guided import Guided
from sprint.diffusion.sample import evenly, sample
from sprint.diffusion.samplers import SAMPLERS, Sampler
from sprint.diffusion.samplers.euler import Euler
from sprint.diffusion.samplers.heun import Heun
from sprint.runtime.errors import UserError
from sprint.runtime.rng import generator
from sprint.runtime.strict import convert

MEAN, SPREAD, SHAPE, CLASSES, SEED = 0.7, 0.4, (2, 8, 8), 5, 3
CLASSES_OF = [SAMPLERS[name] for name in SAMPLERS]


def exact(x, t_B, y_B, keep=None, skip=False):
    """The velocity field of N(MEAN, SPREAD^2)."""
    t = float(t_B[0])
    variance = (1 - t) ** 2 * SPREAD**2 + t**2
    return -MEAN + (t - (1 - t) * SPREAD**2) / variance * (x - (1 - t) * MEAN)


def drawn(sampler: Sampler, first: int, last: int, network=exact) -> torch.Tensor:
    return sample(Guided(network, GUIDANCES["none"](), CLASSES), sampler, SEED, first, last, SHAPE)


def destination(last: int) -> torch.Tensor:
    """Where the ODE carries the noise of images 0..last-1."""
    noise = [torch.randn(SHAPE, generator=generator("sample", SEED, index)) for index in range(last)]
    return MEAN + SPREAD * torch.stack(noise)


def steps_lead_from_noise_to_data(cls):
    for steps in (cls.least, cls.least + 1, 7):
        times = cls(steps).times(evenly)
        assert len(times) == steps and times[0][0] == 1 and times[-1][1] == 0
        assert all(t > following for t, following in times)
        assert all(abs(end - begin) < 1e-6 for (_, end), (begin, _) in pairwise(times))


def calls_are_those_declared(cls):
    seen, sampler = [], cls(6)

    def network(x, t_B, *told):
        seen.append(float(t_B[0]))
        return exact(x, t_B, *told)

    for t, following in sampler.times(evenly):
        before, past = len(seen), []
        field = Guided(network, GUIDANCES["none"](), CLASSES)
        x, labels = torch.ones(2, *SHAPE), torch.tensor([0, 1])
        sampler.step(
            lambda x, t, field=field, y=labels: field(x, t, y), x, t, following, lambda: torch.zeros(2, *SHAPE), past
        )
        assert len(seen) - before == sampler.calls(t, following) == field.strong_calls >= 1
    seen.clear()
    drawn(sampler, 0, 2, network)
    assert len(seen) == sum(sampler.calls(*step) for step in sampler.times(evenly))
    assert seen[0] == 1 and min(seen) > 0  # at t = 0 some parameterizations divide by t


def errors_fall_at_the_order_declared(cls):
    if not cls.order:  # an SDE ends elsewhere, but at the data's mean and spread
        images = drawn(cls(250), 0, 64)
        assert images.mean().item() == pytest.approx(MEAN, abs=5 * SPREAD / math.sqrt(images.numel()))
        assert images.std().item() == pytest.approx(SPREAD, rel=0.03)
        return
    coarse, fine = ((drawn(cls(steps), 0, 4) - destination(4)).abs().max().item() for steps in (40, 80))
    assert math.log2(coarse / fine) == pytest.approx(cls.order, abs=0.2)


def batch_size_and_chance_change_nothing(cls):
    whole = drawn(cls(5), 0, 6)
    torch.manual_seed(1)
    assert torch.equal(whole, drawn(cls(5), 0, 6))
    parts = torch.cat([drawn(cls(5), first, last) for first, last in ((0, 1), (1, 4), (4, 6))])
    assert torch.allclose(parts, whole, atol=1e-6) and not torch.allclose(whole[0], whole[1], atol=0.1)


def too_few_steps_are_refused(cls):
    cls(cls.least).check()
    for steps in (cls.least - 1, -1):
        with pytest.raises(UserError, match=rf"sampler steps is {steps}; allowed for {cls.kind()}: at least"):
            cls(steps).check()


def it_says_what_it_is(cls):
    assert cls.title and cls.cites and cls(9).text() == f"{cls.title}, 9 steps"
    assert convert(Sampler, cls(9).document(), "preset: sampler") == cls(9)


PROPOSITIONS = (
    steps_lead_from_noise_to_data,
    calls_are_those_declared,
    errors_fall_at_the_order_declared,
    batch_size_and_chance_change_nothing,
    too_few_steps_are_refused,
    it_says_what_it_is,
)


@pytest.mark.parametrize("proposition", PROPOSITIONS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("cls", CLASSES_OF, ids=lambda cls: cls.kind())
def test_of_every_sampler(cls, proposition):
    proposition(cls)


@dataclass(frozen=True)
class StopsShort(Euler):
    def times(self, evenly):
        return list(pairwise(evenly(1, 0.04, self.steps + 1)))


@dataclass(frozen=True)
class HidesACall(Heun):
    def calls(self, t, following):
        return 1


@dataclass(frozen=True)
class ForgetsItsFirstSlope(Heun):
    def step(self, velocity, x, t, following, noise, past):
        slope = velocity(x, t)
        return x + (following - t) * (velocity(x + (following - t) * slope, following) if following > 0 else slope)


@dataclass(frozen=True)
class RollsDiceOfItsOwn(Euler):
    def step(self, velocity, x, t, following, noise, past):
        return super().step(velocity, x, t, following, noise, past) + 0.1 * torch.randn_like(x)


@dataclass(frozen=True)
class TakesNoSteps(Euler):
    def check(self):
        pass


@dataclass(frozen=True)
class HasNoTitle(Euler):
    title = ""


@pytest.mark.parametrize(
    ("proposition", "mistake"),
    list(
        zip(
            PROPOSITIONS,
            (StopsShort, HidesACall, ForgetsItsFirstSlope, RollsDiceOfItsOwn, TakesNoSteps, HasNoTitle),
            strict=True,
        )
    ),
    ids=lambda one: one.__name__,
)
def test_a_sampler_with_a_mistake_is_caught(proposition, mistake):
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        proposition(mistake)


def test_heun_is_worth_its_second_call():
    """With as many network calls."""
    heun, euler = (
        (drawn(SAMPLERS[kind](steps), 0, 4) - destination(4)).abs().max()
        for kind, steps in (("heun", 40), ("euler", 79))
    )
    assert heun < 0.1 * euler
