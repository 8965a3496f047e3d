"""Feature extractors by name: small ones that we train, and the pretrained ones of the literature.

    digits-cnn, digits-ssl    trained by networks/training.py, for any small images; 64 features
    inception                 torch-fidelity's FID-compatible Inception-v3, 2048 features
    dinov2, dinov2-vit-*-14   DINOv2 class token (arXiv 2304.07193); `dinov2` is ViT-L/14, 1024 features

All are torch-fidelity FeatureExtractorBase modules: uint8 images (n, C, H, W) in, features (n, d) out. torch-fidelity
and torchvision, a second to import, are imported when an extractor is loaded and not before.
"""

import difflib
import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch

from sprint.metrics.networks.vision import ensure_torchvision
from sprint.runtime.errors import UserError
from sprint.runtime.progress import track

SMALL = ("digits-cnn", "digits-ssl")


@dataclass(frozen=True)
class Pretrained:
    """Where published weights come from, the size of their features, and the beginning of the file's sha256."""

    url: str
    dim: int
    sha256: str

    @property
    def cached(self) -> Path:
        """Where torch.hub keeps the file."""
        return Path(torch.hub.get_dir()) / "checkpoints" / self.url.rsplit("/", 1)[1]


_FIDELITY = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0"
_DINOV2 = "https://dl.fbaipublicfiles.com/dinov2"
_LARGE = Pretrained(f"{_DINOV2}/dinov2_vitl14/dinov2_vitl14_pretrain.pth", 1024, "d5383ea8f4877b24")
PRETRAINED = {
    "inception": Pretrained(f"{_FIDELITY}/weights-inception-2015-12-05-6726825d.pth", 2048, "6726825d"),
    "dinov2": _LARGE,
    "dinov2-vit-s-14": Pretrained(f"{_DINOV2}/dinov2_vits14/dinov2_vits14_pretrain.pth", 384, "b938bf1bc15cd2ec"),
    "dinov2-vit-b-14": Pretrained(f"{_DINOV2}/dinov2_vitb14/dinov2_vitb14_pretrain.pth", 768, "0b8b82f85de91b42"),
    "dinov2-vit-l-14": _LARGE,
}
KNOWN = (*SMALL, *PRETRAINED)


@dataclass(frozen=True)
class Extractor:
    """A loaded extractor, with what identifies its numbers."""

    name: str
    module: torch.nn.Module  # a torch_fidelity FeatureExtractorBase
    dim: int
    weights_sha256: str
    published: bool  # False: weights other than those published, to be said beside every number

    def classify(self, pixels: torch.Tensor, batch_size: int = 256) -> torch.Tensor:
        """Labels (n,) int64 that digits-cnn gives to uint8 images (n, C, H, W)."""
        if self.name != "digits-cnn":
            raise UserError(f"extractor {self.name} does not classify; digits-cnn does")
        with torch.inference_mode():
            return torch.cat([self.module.network(batch)[1].argmax(1) for batch in pixels.split(batch_size)])


def check(name: str) -> None:
    """Raises UserError for an unknown name; reads no file."""
    if name not in KNOWN:
        near = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UserError(f"extractor {name!r} is unknown; known: {', '.join(KNOWN)}{hint}")


def load(name: str, weights: Path | None = None, device: str = "cpu", download: bool = False) -> Extractor:
    """The extractor called `name`, with weights from the file named, else (pretrained ones) from torch.hub's cache.

    Only with `download` is a network tried. Raises UserError where the file is missing or holds something else.
    """
    check(name)
    path = _weights_file(name, weights, download)
    ensure_torchvision()
    from sprint.metrics.networks import registered

    try:
        module = registered.build(name, path)
    except registered.UNREADABLE as error:
        problem = " ".join(str(error).split())[:160] or type(error).__name__
        raise UserError(f"{path}: holds no weights of {name} ({problem})") from error
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    published = name in SMALL or sha256.startswith(PRETRAINED[name].sha256)
    return Extractor(name, module.to(device), module.dim, sha256, published)


def _weights_file(name: str, weights: Path | None, download: bool) -> Path:
    if weights is not None:
        if not Path(weights).is_file():
            raise UserError(f"{weights}: no such file; it was named as the weights of extractor {name}")
        return Path(weights)
    if name in SMALL:
        raise UserError(f"extractor {name} needs the file of its weights, {name}.safetensors, which training it writes")
    source = PRETRAINED[name]
    if not source.cached.is_file() and download:
        _download(source)
    if not source.cached.is_file():
        raise UserError(
            f"{source.cached}: no such file; extractor {name} needs its published weights there: "
            f"fetch {source.url} on a machine with a network, or name another path of that file"
        )
    return source.cached


def _download(source: Pretrained) -> None:
    """Fetch published weights into torch.hub's cache."""
    source.cached.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(source.url, str(source.cached), hash_prefix=source.sha256)
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"{source.url}: could not be fetched ({error}); put the file at {source.cached}, or name its path"
        ) from error


def features(extractor: Extractor, pixels: torch.Tensor, batch_size: int = 256) -> torch.Tensor:
    """Features (n, d) float32, on the CPU, of uint8 images (n, C, H, W); grey images are repeated into three channels
    for extractors of coloured ones, which resize by themselves."""
    if pixels.dtype != torch.uint8 or pixels.ndim != 4:
        raise UserError(f"extractors take uint8 images (n, C, H, W), got {pixels.dtype} {tuple(pixels.shape)}")
    if len(pixels) == 0:
        return torch.empty(0, extractor.dim)
    pixels = _channels_and_size(extractor, pixels)
    device = next(extractor.module.parameters()).device
    batches = track(pixels.split(batch_size), f"features {extractor.name}", total=-(-len(pixels) // batch_size))
    with torch.inference_mode():
        return torch.cat([extractor.module(batch.to(device))[0].float().cpu() for batch in batches])


def _channels_and_size(extractor: Extractor, pixels: torch.Tensor) -> torch.Tensor:
    wanted = extractor.module.image_shape  # (C, H, W), None for any
    if wanted[0] == 3 and pixels.shape[1] == 1:
        pixels = pixels.expand(-1, 3, -1, -1)
    for want, got in zip(wanted, pixels.shape[1:], strict=True):
        if want not in (None, got):
            raise UserError(
                f"extractor {extractor.name} takes images of (C, H, W) = {wanted}, got {tuple(pixels.shape[1:])}"
            )
    return pixels
