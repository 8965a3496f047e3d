"""Parity: rebuild the model of a golden file, load its published weights, compare every output with the published one.

sprint parity FILE...
"""

from pathlib import Path

import torch

from sprint.diffusion.denoiser import Model, ModelConfig
from sprint.methods import METHODS
from sprint.nn.backbones import BACKBONES, USUAL, Backbone
from sprint.published.codebases import CODEBASES, Codebase
from sprint.published.golden import Golden
from sprint.published.translate import translate
from sprint.runtime.errors import UserError
from sprint.runtime.strict import checked

TOLERANCE = 1e-4


def check(path: Path) -> list[tuple[str, float]]:
    """(name, largest absolute difference) of each expected tensor. Raises UserError for a file that says too little."""
    golden = Golden(Path(path))
    expected = sorted(golden.group("expected."))
    if not expected:
        raise UserError(f"{path}: has no expected.* tensors to compare with")
    codebase = codebase_of(golden)
    model = Model(config_of(golden, codebase)).eval()
    model.load_state_dict(translate(codebase, golden.group("weights."), model, str(path)))
    for name in expected:
        if name not in codebase.outputs:
            allowed = ", ".join(codebase.outputs)
            raise UserError(f"{path}: expected.{name} is unknown for {codebase.title}; allowed: {allowed}")
    with torch.no_grad():
        return [(name, _difference(golden, name, codebase.output(name, model, golden))) for name in expected]


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


def codebase_of(golden: Golden) -> type[Codebase]:
    """The codebase that made the file: the one that calls its networks as the configuration's `method` does."""
    known = {CODEBASES[name].golden: name for name in CODEBASES if CODEBASES[name].golden}
    return CODEBASES[known[golden.get("method", str, tuple(known))]]


def config_of(golden: Golden, codebase: type[Codebase]) -> ModelConfig:
    """The network that the configuration describes. Raises UserError when there is none."""
    size, patch, channels = (golden.get(key, int) for key in ("input_size", "patch_size", "in_channels"))
    if min(size, patch, channels) < 1 or size % patch:
        raise UserError(
            f"{golden.path}: input_size {size} is cut into patches of {patch} with {channels} channels; allowed: at "
            "least one channel, and a whole number of patches"
        )
    settings, depth, drop = codebase.described(golden, size // patch)
    backbone, method = _backbone(golden, size // patch, depth, drop), METHODS[codebase.method]
    settings = checked(str(golden.path), lambda: method.settle(method.Settings(**settings), backbone))
    out_channels = channels * (2 if golden.get("learn_sigma", bool) else 1)
    return ModelConfig(
        channels, size, golden.get("num_classes", int), backbone, codebase.method, settings, out_channels
    )


def _backbone(golden: Golden, grid: int, depth: int, drop: float) -> Backbone:
    backbone = BACKBONES[USUAL](
        width=golden.get("hidden_size", int),
        depth=depth,
        heads=golden.get("num_heads", int),
        patch=golden.get("patch_size", int),
        grid=grid,
        positions=golden.get("pos", str, ("sincos", "rope2d")),
        qk_norm=golden.get("qk_norm", str, (None, "rms")) == "rms",
        drop=drop,
        mlp_ratio=golden.get("mlp_ratio", float),
    )
    unit = 4 * backbone.heads if backbone.positions == "rope2d" else 4
    if min(backbone.heads, backbone.width, depth) < 1 or backbone.width % unit or backbone.width % backbone.heads:
        raise UserError(
            f"{golden.path}: {depth} blocks of hidden_size {backbone.width}, num_heads {backbone.heads}, "
            f"{backbone.positions}; allowed: at least one of each, and a hidden_size divided by num_heads and by 4, "
            "with rope2d by 4 x num_heads"
        )
    return backbone
