"""Adams–Bashforth steps of order three of the ODE dx/dt = v: one call a step, from the slopes of the two steps before.

x' = x + h (23 v0 - 16 v1 + 5 v2) / 12, v0 the slope here, v1 and v2 those before (Hairer, Nørsett, Wanner, Solving
Ordinary Differential Equations I, section III.1). A midpoint step, of two calls, and one of order two begin: their
errors, made once, are of the order of what all steps add up to. Diffusion's fast solvers (DPM-Solver++, arXiv
2211.01095) are of this family: of several steps, with one call each.
"""

from dataclasses import dataclass

from sprint.diffusion.samplers import Sampler

WEIGHTS = {2: (3 / 2, -1 / 2), 3: (23 / 12, -16 / 12, 5 / 12)}  # of the slopes, newest first


@dataclass(frozen=True)
class Adams(Sampler):
    title = "Adams–Bashforth ODE, order 3"
    cites = "Hairer, Nørsett, Wanner (1993) III.1; arXiv 2211.01095"
    order = 3

    def calls(self, t, following):
        return 2 if t == 1 and following > 0 else 1

    def step(self, velocity, x, t, following, noise, past):
        step, slope = following - t, velocity(x, t)
        past.insert(0, slope)
        del past[3:]
        if self.calls(t, following) == 2:
            return x + step * velocity(x + step / 2 * slope, t + step / 2)
        weights = WEIGHTS.get(len(past), (1,))
        return x + step * sum(weight * before for weight, before in zip(weights, past, strict=True))
