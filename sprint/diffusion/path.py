"""Flow matching on a linear path (SiT, arXiv 2401.08740): x_t = (1 - t) x + t noise, velocity = noise - x."""

import torch


def draw_times(batch: int, generator: torch.Generator) -> torch.Tensor:
    """Logit-normal times (B,): t = s / (1 + s) with s = exp(N(0, 1)) (arXiv 2403.03206 equation 19)."""
    return torch.randn(batch, generator=generator).sigmoid()


def interpolate(x_BCHW: torch.Tensor, noise_BCHW: torch.Tensor, t_B: torch.Tensor) -> torch.Tensor:
    """The noisy image at time t."""
    t = t_B.view(-1, 1, 1, 1)
    return (1 - t) * x_BCHW + t * noise_BCHW


def velocity(x_BCHW: torch.Tensor, noise_BCHW: torch.Tensor) -> torch.Tensor:
    """What the network learns: d x_t / d t."""
    return noise_BCHW - x_BCHW
