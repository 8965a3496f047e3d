"""Other views of images, for extractors that learn here: moved a little, or disturbed so that the content stays."""

import torch
import torch.nn.functional as F


def moved(signal: torch.Tensor, generator: torch.Generator, turn: float = 0.15, shift: float = 0.1) -> torch.Tensor:
    """Images turned by up to `turn` radians, scaled by up to 10% and shifted by up to `shift` of their size."""
    count = len(signal)
    angle, scale, x, y = torch.empty(4, count).uniform_(-1, 1, generator=generator)
    angle, scale = angle * turn, 1 + scale * 0.1
    rotation = torch.stack(
        [scale * angle.cos(), -angle.sin(), x * shift, angle.sin(), scale * angle.cos(), y * shift], 1
    )
    grid = F.affine_grid(rotation.reshape(count, 2, 3), signal.shape, align_corners=False)
    return F.grid_sample(signal, grid, padding_mode="border", align_corners=False)


def disturbed(signal: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A view for self-supervision: moved, with a little noise, and a rectangle of a third of each side erased."""
    view = moved(signal, generator, turn=0.3, shift=0.15)
    view = view + 0.05 * torch.randn(view.shape, generator=generator)
    height, width = signal.shape[2:]
    top, left = torch.rand(2, len(signal), 1, generator=generator)
    rows = torch.arange(height) / height - top * 2 / 3
    columns = torch.arange(width) / width - left * 2 / 3
    hole = ((rows >= 0) & (rows < 1 / 3)).unsqueeze(2) & ((columns >= 0) & (columns < 1 / 3)).unsqueeze(1)
    return view.masked_fill(hole.unsqueeze(1), -1.0)
