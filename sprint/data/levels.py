"""Grey levels of 8 bits to floats in [-1, 1], and back: the one place of quantisation."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a plan is read without torch
    import torch

LEVELS = ("nearest", "half_up", "down")  # ways of to_pixels, the usual first


def to_signal(pixels: "torch.Tensor") -> "torch.Tensor":
    """uint8 grey levels to float32 in [-1, 1]; shape kept."""
    return pixels.float() / 127.5 - 1


def to_pixels(signal: "torch.Tensor", levels: str = "nearest") -> "torch.Tensor":
    """Floats x in [-1, 1] to uint8 grey levels, clipped.

    levels: `nearest` rounds 127.5 (x + 1), halves to even; `half_up` truncates 127.5 x + 128, as SiT and DiT do: it
    rounds halves up; `down` truncates 127.5 (x + 1), as SPRINT and REPA do: half a level darker on average.
    """
    scaled = signal.float() * 127.5 + 128 if levels == "half_up" else (signal.float() + 1) * 127.5
    return (scaled.round() if levels == "nearest" else scaled).clamp(0, 255).byte()
