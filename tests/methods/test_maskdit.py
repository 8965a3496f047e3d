"""MaskDiT's two losses agree on what is right: the exact velocity satisfies both, where the target can be met at all.

Patches of mean 0 and unbiased variance 1 with noise that is a multiple a > 0 of them are seen as x_t = (1 - t + t a) x:
normalised per patch this is x again, which is the denoised image at the exact velocity v = (a - 1) x.
"""

import pytest
import tiny
import torch

from sprint.diffusion.path import interpolate, velocity
from sprint.nn.layers import patchify

FACTORS = torch.tensor([0.25, 0.5, 3.0])
T = torch.tensor([0.2, 0.5, 0.9])


def exact() -> tuple:
    """The method, and of a batch its exact velocity, its noisy tokens and the tokens kept."""
    run = tiny.run("maskdit", 0.5)
    method, patch = tiny.network(run).method, run.model.patch
    x = (
        torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        .unfold(2, patch, patch)
        .unfold(3, patch, patch)
    )
    x = (x - x.mean((-1, -2), keepdim=True)) / x.flatten(-2).std(-1)[..., None, None]
    x = x.permute(0, 1, 2, 4, 3, 5).reshape(3, 1, 8, 8)
    noise = FACTORS.view(-1, 1, 1, 1) * x
    v, noisy = patchify(velocity(x, noise), patch), patchify(interpolate(x, noise, T), patch)
    return method, v, noisy, torch.arange(0, 16, 2).expand(3, -1)


def test_the_exact_velocity_has_no_loss_and_no_gradient():
    method, v, noisy, keep = exact()
    prediction = v.clone().requires_grad_()
    loss = method.loss(prediction, v, noisy, T, keep)
    assert loss.shape == (3,) and loss.max() < 1e-9
    loss.sum().backward()
    assert prediction.grad.abs().max() < 1e-6


@pytest.mark.parametrize("scale", [0.9, 1.1])
def test_away_from_the_exact_velocity_both_losses_rise(scale):
    method, v, noisy, keep = exact()
    dropped = torch.ones(3, 16, 1).scatter(1, keep.unsqueeze(-1), 0.0)
    for where in (dropped, 1 - dropped):
        changed = v * (1 + (scale - 1) * where)
        assert (method.loss(changed, v, noisy, T, keep) > 1e-6).all()


def test_an_error_of_the_velocity_counts_by_the_square_of_its_time_where_tokens_were_dropped():
    """D is off by t times what the velocity is off by: at t = 0 the input itself is the image."""
    method, v, noisy, keep = exact()
    dropped = torch.ones(3, 16, 1).scatter(1, keep.unsqueeze(-1), 0.0)
    loss = method.loss(v + dropped, v, noisy, T, keep)
    assert torch.allclose(loss, method.reconstruction * T**2, rtol=1e-4)
