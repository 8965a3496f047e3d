"""What a published network predicts, turned into this bench's velocity: x_t = (1 - t) x + t noise, v = noise - x.

    velocity      ours, and SPRINT's: nothing to do
    sit           x_s = s x + (1 - s) noise, v = x - noise, s = 1 - t (SiT, arXiv 2401.08740)
    ddpm_epsilon  the noise, under 1000 steps of linear betas (DDPM, arXiv 2006.11239; DiT)
    edm           a denoiser with EDM's preconditioning (arXiv 2206.00364 table 1; MaskDiT)

All of them see the same images at the same ratio of noise to signal, sigma = t / (1 - t), so each is exact wherever its
process reaches. DDPM ends at t = 0.9937 and EDM is asked up to sigma = 80, t = 0.9877; later times are held there.
"""

from collections.abc import Callable

import torch

from sprint.runtime.errors import UserError

DDPM_BETAS = (1e-4, 0.02, 1000)  # first, last, steps
EDM_DATA = 0.5  # standard deviation of the data under which MaskDiT was trained
EDM_SIGMAS = (0.002, 80.0)


def as_velocity(parameterization: str, network: Callable) -> Callable:
    """`network(x_BCHW, t_B, y_B, ...)` as a velocity at our t. Raises UserError for an unknown one."""
    if parameterization not in PARAMETERIZATIONS:
        raise UserError(f"prediction is {parameterization!r}; allowed: {', '.join(PARAMETERIZATIONS)}")
    if parameterization == "velocity":
        return network

    def field(x_BCHW: torch.Tensor, t_B: torch.Tensor, y_B: torch.Tensor, *rest, **named) -> torch.Tensor:
        return PARAMETERIZATIONS[parameterization](lambda x, t: network(x, t, y_B, *rest, **named), x_BCHW, t_B)

    return field


def velocity(network: Callable, x_BCHW: torch.Tensor, t_B: torch.Tensor) -> torch.Tensor:
    """Our own convention."""
    return network(x_BCHW, t_B)


def sit(network: Callable, x_BCHW: torch.Tensor, t_B: torch.Tensor) -> torch.Tensor:
    """SiT's time and velocity run from noise to data."""
    return -network(x_BCHW, 1 - t_B)


def ddpm_epsilon(network: Callable, x_BCHW: torch.Tensor, t_B: torch.Tensor) -> torch.Tensor:
    """v = (noise - x_t) / (1 - t); the network is shown x_t at unit variance, and the step that has our sigma."""
    sigmas = _ddpm_sigmas(x_BCHW)
    t_last = sigmas[-1] / (1 + sigmas[-1])
    unit_BCHW = x_BCHW / _column(torch.hypot(t_B, 1 - t_B))
    t_B = t_B.clamp(max=t_last)
    noise_BCHW = network(unit_BCHW, _place(torch.log(t_B / (1 - t_B)), sigmas.log()))
    return (noise_BCHW - unit_BCHW * _column(torch.hypot(t_B, 1 - t_B))) / _column(1 - t_B)


def edm(network: Callable, x_BCHW: torch.Tensor, t_B: torch.Tensor) -> torch.Tensor:
    """v = (x_t - D) / t with the denoised image D = c_skip z + c_out F(c_in z, ln(sigma) / 4), z = x + sigma noise."""
    sigma_B = (t_B / (1 - t_B)).clamp(*EDM_SIGMAS)
    sigma = _column(sigma_B)
    noisy_BCHW = x_BCHW * torch.where(_column(t_B) < 0.5, 1 + sigma, sigma / _column(t_B).clamp(min=0.5))
    total = sigma**2 + EDM_DATA**2
    output_BCHW = network(noisy_BCHW / total.sqrt(), sigma_B.log() / 4)
    denoised_BCHW = EDM_DATA**2 / total * noisy_BCHW + sigma * EDM_DATA / total.sqrt() * output_BCHW
    return (x_BCHW - denoised_BCHW) / _column(t_B)


PARAMETERIZATIONS = {"velocity": velocity, "sit": sit, "ddpm_epsilon": ddpm_epsilon, "edm": edm}


def _ddpm_sigmas(like: torch.Tensor) -> torch.Tensor:
    """sqrt((1 - a) / a) of each step, a the running product of 1 - beta."""
    first, last, steps = DDPM_BETAS
    kept = (1 - torch.linspace(first, last, steps, dtype=torch.float64)).cumprod(0)
    return ((1 - kept) / kept).sqrt().to(like)


def _place(value_B: torch.Tensor, ascending: torch.Tensor) -> torch.Tensor:
    """Where each value stands among ascending ones, as a fractional index within them."""
    upper_B = torch.searchsorted(ascending, value_B).clamp(1, len(ascending) - 1)
    low_B, high_B = ascending[upper_B - 1], ascending[upper_B]
    return (upper_B - 1 + (value_B - low_B) / (high_B - low_B)).clamp(0, len(ascending) - 1)


def _column(value_B: torch.Tensor) -> torch.Tensor:
    return value_B.view(-1, 1, 1, 1)
