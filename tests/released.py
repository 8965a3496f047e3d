"""Small networks under published names, as their authors would have saved them, for tests of released checkpoints."""

from pathlib import Path

import torch
from published import make_golden
from safetensors.torch import save_file

from sprint.published.golden import Golden

SIZE = "3x32x2/2"  # of all of them
DIGITS = {"in_channels": 1, "num_classes": 10, "pos": "sincos"}
OF_SPRINT = {
    **{"method": "sprint", "pos": "rope2d", "qk_norm": "rms"},
    **{"encoder_depth": 1, "middle_depth": 1, "decoder_depth": 1},
}


def released(path: Path, **config) -> Path:
    """Weights of a small network for digits: of SiT, or with OF_SPRINT of SPRINT; a .pt keeps them as its `ema`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = Golden(make_golden(path.with_suffix(".golden"), **{**DIGITS, **config})).group("weights.")
    path.with_suffix(".golden").unlink()
    torch.save({"ema": weights}, path) if path.suffix == ".pt" else save_file(weights, path)
    return path
