"""An autoencoder of pictures: diffusers' AutoencoderKL from a folder, or from a named revision of the Hub.

Such a folder holds `config.json` and `diffusion_pytorch_model.safetensors`. Its code is diffusers'; nothing in it is
ever unpickled. An autoencoder is known by its name and the SHA-256 of its weights.
"""

import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sprint.runtime.document import Maybe, Number, Text, Unfit, Whole, check
from sprint.runtime.errors import UserError
from sprint.runtime.files import file_sha256, read_json

if TYPE_CHECKING:  # a plan is read without torch
    import torch

CONFIG, WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"
HOLDS = {
    **{"_class_name": Text(("AutoencoderKL",)), "latent_channels": Whole(1), "out_channels": Whole(1)},
    **{
        "block_out_channels": [Whole(1)],
        "scaling_factor?": Maybe(Number(positive=True)),
        "shift_factor?": Maybe(Number()),
    },
}
TOGETHER = 16  # pictures that a GPU encodes or decodes at a time; a processor takes them one by one


class Autoencoder:
    """Opened without reading its weights."""

    def __init__(self, name: str, revision: str = "", fetch: bool = False):
        """`name`: a folder, or owner/model on the Hub with the commit `revision`, downloaded where `fetch` says so."""
        self.asked, self.revision, self.fetch = name, revision, fetch

    @property
    def missing(self) -> bool:
        """Whether it is not there, or not whole yet, its config being written last; and it is no name of the Hub's."""
        return not self.revision and not (Path(self.asked) / CONFIG).exists()

    @cached_property
    def folder(self) -> Path:
        """Raises UserError where there is none."""
        path = Path(self.asked)
        if path.is_dir() and self.revision:
            raise UserError(f"revision is {self.revision!r}, and {self.asked} is a folder; leave it out")
        if not path.is_dir():
            path = _of_the_hub(self.asked, self.revision, self.fetch)
        for name in (CONFIG, WEIGHTS):
            if not (path / name).is_file():
                raise UserError(
                    f"{path}: has no {name}; allowed: a folder that diffusers' AutoencoderKL was saved into"
                )
        return path

    @cached_property
    def config(self) -> dict:
        path = self.folder / CONFIG
        found = read_json(path)
        try:
            check(HOLDS, found)
        except Unfit as error:
            raise UserError(f"{path}: {error}") from error
        return found

    @property
    def latent_channels(self) -> int:
        return self.config["latent_channels"]

    @property
    def factor(self) -> int:
        """Pixels along a side for each of a latent's."""
        return 2 ** (len(self.config["block_out_channels"]) - 1)

    @property
    def scale(self) -> float | None:
        return self.config.get("scaling_factor")

    @property
    def shift(self) -> float:
        return self.config.get("shift_factor") or 0.0

    @cached_property
    def name(self) -> str:
        """Name and hash, as results hold them."""
        named = f"{self.asked}@{self.revision[:12]}" if self.revision else self.folder.resolve().name
        return f"{named} sha256:{file_sha256(self.folder / WEIGHTS)[:16]}"

    @cached_property
    def network(self):
        """diffusers' network on the GPU where there is one, to evaluate with."""
        import torch

        from sprint.data.vision import ensure_torchvision

        ensure_torchvision()  # which diffusers imports
        from diffusers import AutoencoderKL

        try:
            network = AutoencoderKL.from_pretrained(
                str(self.folder), local_files_only=True, low_cpu_mem_usage=False, use_safetensors=True
            )
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            said = " ".join(str(error).split())[:160]
            raise UserError(f"{self.folder}: cannot be read as an AutoencoderKL ({said}); copy it anew") from error
        return network.eval().requires_grad_(False).to("cuda" if torch.cuda.is_available() else "cpu")

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "network"}

    def encode(self, pictures: "torch.Tensor", fed: tuple[float, ...]) -> tuple["torch.Tensor", "torch.Tensor"]:
        """Mean and standard deviation (B, C, h, w) of the posterior of uint8 pictures, fed as [-1, 1] or [0, 1]."""
        import torch

        from sprint.data import to_signal

        signal = to_signal(pictures) if fed[0] < 0 else pictures.float() / 255
        found = self._each(signal, lambda part: torch.stack(_moments(self.network.encode(part).latent_dist)))
        mean, std = torch.cat(found, 1)
        return mean, std

    def decode(self, latents: "torch.Tensor") -> "torch.Tensor":
        """Unscaled latents (B, C, h, w) to pictures (B, 3, H, W), floats in the range that it was fed with."""
        import torch

        side = latents.shape[-1] * self.factor
        empty = torch.empty(0, self.config["out_channels"], side, side)
        return torch.cat([empty, *self._each(latents, lambda part: self.network.decode(part).sample)])

    def _each(self, inputs: "torch.Tensor", call) -> list["torch.Tensor"]:
        """Outputs of a few pictures at a time, of one on a processor: how many came together then changes nothing."""
        import torch

        place = self.network.device
        with torch.inference_mode():
            parts = inputs.split(TOGETHER if place.type == "cuda" else 1) if len(inputs) else ()
            return [call(part.to(place)).float().cpu() for part in parts]


def _moments(posterior) -> tuple["torch.Tensor", "torch.Tensor"]:
    return posterior.mean, posterior.std


def _of_the_hub(name: str, revision: str, fetch: bool) -> Path:
    """Where the Hub's files lie in its cache on this machine."""
    if not revision or not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise UserError(
            f"path is {name!r}, which is no folder; allowed: a folder with {CONFIG} and {WEIGHTS}, or owner/model of "
            "the Hub and its revision"
        )
    if not re.fullmatch(r"[0-9a-f]{40}", revision):
        raise UserError(
            f"revision is {revision[:60]!r}; allowed: the 40 digits of a commit, which always mean the same"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(name, revision=revision, allow_patterns=[CONFIG, WEIGHTS], local_files_only=not fetch)
        )
    except (OSError, ValueError, HfHubHTTPError, LocalEntryNotFoundError) as error:
        if fetch:
            raise UserError(
                f"{name} at {revision}: cannot be fetched ({' '.join(str(error).split())[:160]})"
            ) from error
        raise UserError(
            f"{name} at {revision} is not on this machine; first: hf download {name} {CONFIG} {WEIGHTS} --revision "
            f"{revision}"
        ) from error
