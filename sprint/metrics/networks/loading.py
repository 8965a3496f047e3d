"""Extractors with their weights: loaded from a file, from a preset's results or from the cache, and applied to images.

torch-fidelity and torchvision, a second to import, are imported when an extractor is loaded and not before.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sprint.data.vision import ensure_torchvision
from sprint.metrics.extractors import Extractor, extractor_named, weights_file
from sprint.runtime.errors import UserError
from sprint.runtime.files import file_sha256, read_json
from sprint.runtime.progress import track


@dataclass(frozen=True)
class Loaded:
    """An extractor with its weights, and what identifies its numbers."""

    name: str
    kind: type[Extractor]
    module: torch.nn.Module  # a torch_fidelity FeatureExtractorBase
    path: Path  # of the weights
    weights_sha256: str
    label: str  # whose weights they are, to be said beside every number
    remark: str = ""  # what its training found fault with

    @property
    def image_shape(self) -> tuple[int | None, int | None, int | None]:
        """(C, H, W) of the images that it takes, None for any."""
        return self.module.image_shape

    def features(self, pixels: torch.Tensor, batch_size: int = 256) -> torch.Tensor:
        """Features (n, d) float32, on the CPU, of uint8 images (n, C, H, W); grey images are repeated into three
        channels for extractors of coloured ones, which resize by themselves."""
        return self.outputs(pixels, batch_size)[self.name]

    def outputs(self, pixels: torch.Tensor, batch_size: int = 256) -> dict[str, torch.Tensor]:
        """The features under the extractor's name, and its layers as `<name>/<layer>`."""
        if pixels.dtype != torch.uint8 or pixels.ndim != 4:
            raise UserError(f"extractors take uint8 images (n, C, H, W), got {pixels.dtype} {tuple(pixels.shape)}")
        names = [self.name, *(f"{self.name}/{layer}" for layer in self.kind.layers)]
        if len(pixels) == 0:
            widths = [self.kind.dim_of(self.module), *self.kind.layers.values()]
            return {name: torch.empty(0, width) for name, width in zip(names, widths, strict=True)}
        pixels = self._channels_and_size(pixels)
        device = next(self.module.parameters()).device
        seen = self.module.outputs if self.kind.layers else lambda batch: self.module(batch)[:1]
        batches = track(pixels.split(batch_size), f"features {self.name}", total=-(-len(pixels) // batch_size))
        with torch.inference_mode():
            parts = [[one.float().cpu() for one in seen(batch.to(device))] for batch in batches]
        return {name: torch.cat(part) for name, part in zip(names, zip(*parts, strict=True), strict=True)}

    def classify(self, pixels: torch.Tensor, batch_size: int = 256) -> torch.Tensor:
        """Labels (n,) int64 that it gives to uint8 images (n, C, H, W)."""
        if not self.kind.classifies:
            raise UserError(f"extractor {self.name} does not classify")
        device = next(self.module.parameters()).device
        with torch.inference_mode():
            named = (self.module.labelled(batch.to(device)) for batch in pixels.split(batch_size))
            return torch.cat([self.module.network(images)[1].argmax(1).cpu() for images in named])

    def read_cells(self, pixels: torch.Tensor, batch_size: int = 256) -> torch.Tensor:
        """Labels (n, c) int64 that it gives to every cell of uint8 images (n, C, H, W), in reading order."""
        device = next(self.module.parameters()).device
        with torch.inference_mode():
            found = (self.module.cells_of(batch.to(device)) for batch in pixels.split(batch_size))
            return torch.cat([self.module.network(cells)[1].argmax(1).cpu() for cells in found]).view(len(pixels), -1)

    def _channels_and_size(self, pixels: torch.Tensor) -> torch.Tensor:
        if self.image_shape[0] == 3 and pixels.shape[1] == 1:
            pixels = pixels.expand(-1, 3, -1, -1)
        for want, got in zip(self.image_shape, pixels.shape[1:], strict=True):
            if want not in (None, got):
                raise UserError(
                    f"extractor {self.name} takes images of (C, H, W) = {self.image_shape}, "
                    f"got {tuple(pixels.shape[1:])}"
                )
        return pixels


def load(name: str, weights: Path | None = None, device: str = "cpu") -> Loaded:
    """The extractor called `name`, with weights from the file named, else published ones from torch.hub's cache.

    Raises UserError where the file is missing or holds something else.
    """
    kind = extractor_named(name)
    path = Path(weights) if weights is not None else _published(name, kind)
    if not path.is_file():
        raise UserError(f"{path}: no such file; it was named as the weights of extractor {name}")
    ensure_torchvision()
    from sprint.metrics.networks import fidelity

    try:
        module = kind.build(path)
    except fidelity.UNREADABLE as error:
        problem = " ".join(str(error).split())[:160] or type(error).__name__
        raise UserError(f"{path}: holds no weights of {name} ({problem})") from error
    fidelity.register(name, module)
    sha256 = file_sha256(path)
    return Loaded(name, kind, module.to(device), path, sha256, _label(kind, sha256), _remark(kind, path, sha256))


def load_of(results: Path, name: str, weights: Path | None = None, device: str = "cpu") -> Loaded:
    """The same, where an extractor that is trained here has the weights of results/<preset> unless a file is named."""
    if weights is None and extractor_named(name).weights is None:
        weights = weights_file(results, name)
        if not weights.is_file():
            raise UserError(
                f"{weights}: no such file; extractor {name} is trained by `sprint extractor {name} "
                f"--preset {Path(results).name}`, or name its file with --extractor-weights"
            )
        return replace(load(name, weights, device), label=f"trained for preset {Path(results).name}")
    return load(name, weights, device)


def _published(name: str, kind: type[Extractor]) -> Path:
    if kind.weights is None:
        raise UserError(f"extractor {name} needs the file of its weights, {name}.safetensors, which training it writes")
    path = kind.weights.cached()
    if not path.is_file():
        raise UserError(
            f"{path}: no such file; extractor {name} needs its published weights there: "
            f"fetch {kind.weights.url} on a machine with a network, or name another path of that file"
        )
    return path


def _label(kind: type[Extractor], sha256: str) -> str:
    if kind.weights is None:
        return "weights trained here"
    return "published weights" if sha256.startswith(kind.weights.sha256) else "weights not the published ones"


def _remark(kind: type[Extractor], path: Path, sha256: str) -> str:
    """What the record beside weights that were trained here says of them; nothing where it is of other weights."""
    record = path.with_suffix(".json")
    if kind.weights is not None or not record.is_file():
        return ""
    found = read_json(record)
    return found.get("remark", "") if isinstance(found, dict) and found.get("sha256") == sha256 else ""
