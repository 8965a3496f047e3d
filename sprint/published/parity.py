"""Parity: rebuild the model of a golden file, load its published weights, compare every output with the published one.

sprint parity FILE...
"""

from pathlib import Path

import torch

from sprint.diffusion.denoiser import Model
from sprint.methods.maskdit import reconstruction_loss
from sprint.nn.layers import patchify
from sprint.published.golden import Golden
from sprint.published.names import translate
from sprint.runtime.errors import UserError

TOLERANCE = 1e-4
OUTPUTS = {
    "full": "",
    "full_null": "",
    "sparse": "",
    "pathdrop_null": "sprint",
    "mae_loss": "maskdit",
}  # of which method


def check(path: Path) -> list[tuple[str, float]]:
    """(name, largest absolute difference) of each expected tensor. Raises UserError for a file that says too little."""
    golden = Golden(Path(path))
    expected = golden.group("expected.")
    if not expected:
        raise UserError(f"{path}: has no expected.* tensors to compare with")
    model = Model(golden.shape()).eval()
    model.load_state_dict(translate(golden.group("weights."), model, str(path)))
    with torch.no_grad():
        return [(name, _difference(golden, name, _output(golden, name, model))) for name in sorted(expected)]


def run(paths: list[Path], tolerance: float = TOLERANCE) -> bool:
    """Print the largest difference of every expected tensor of every file; whether all are within the tolerance."""
    results = [(Path(path).name, name, difference) for path in paths for name, difference in check(path)]
    width = max((len(file) for file, _, _ in results), default=0)
    for file, name, difference in results:
        verdict = "within" if difference <= tolerance else "BEYOND"
        print(f"{file:{width}}  expected.{name:13}  {difference:.2e}  {verdict} {tolerance:g}")
    return all(difference <= tolerance for _, _, difference in results)


def _difference(golden: Golden, name: str, output: torch.Tensor) -> float:
    """Largest absolute difference, over the channels that are published; not a number where either side is not."""
    config = list(output.shape)
    if output.ndim == 4 and golden.tensors[f"expected.{name}"].ndim == 4:
        config[1] = min(golden.tensors[f"expected.{name}"].shape[1], config[1])
    expected = golden.tensor(f"expected.{name}", tuple(config))
    if not expected.numel():
        raise UserError(f"{golden.path}: expected.{name} is empty")
    return (output[:, : config[1]] - expected if output.ndim == 4 else output - expected).abs().max().item()


def _output(golden: Golden, name: str, model: Model) -> torch.Tensor:
    """What our model computes for the expected tensor of that name."""
    config = model.config
    if OUTPUTS.get(name, "nothing") not in ("", config.method):
        allowed = [known for known, method in OUTPUTS.items() if method in ("", config.method)]
        raise UserError(f"{golden.path}: expected.{name} is unknown for {config.method}; allowed: {', '.join(allowed)}")
    x, t, y = _inputs(golden, model)
    null = torch.full_like(y, config.classes)
    if name == "mae_loss":
        keep = _kept(golden, model)
        kept_BN = torch.zeros(len(x), config.backbone.tokens).scatter(1, keep, 1.0)
        return reconstruction_loss(model(x, t, y, keep), patchify(x, config.backbone.patch), kept_BN)
    if name == "sparse":
        return model.image(x, t, y, _kept(golden, model))
    return model.image(x, t, y if name == "full" else null, skip=name == "pathdrop_null")


def _inputs(golden: Golden, model: Model) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    config = model.config
    x = golden.tensor("x", (-1, config.channels, config.size, config.size)).float()
    t, y = golden.tensor("t", (len(x),)).float(), golden.tensor("y", (len(x),))
    if y.dtype != torch.int64 or not ((y >= 0) & (y <= config.classes)).all():
        raise UserError(
            f"{golden.path}: y holds {y.tolist()}; allowed: int64 from 0 to {config.classes}, the null label"
        )
    return x, t, y


def _kept(golden: Golden, model: Model) -> torch.Tensor:
    keep, tokens = golden.tensor("ids_keep", (len(golden.tensors["x"]), -1)), model.config.backbone.tokens
    repeated = keep.shape[1] != max((len(row.unique()) for row in keep), default=0)
    if keep.dtype != torch.int64 or not keep.numel() or repeated or not ((keep >= 0) & (keep < tokens)).all():
        raise UserError(f"{golden.path}: ids_keep must hold different int64 numbers from 0 to {tokens - 1} in each row")
    return keep
