"""The network sees latents: samples of an autoencoder's posterior, shifted and scaled to about unit size.

A stored example is mean over standard deviation (2C channels), or a sample (C). The noise of the posterior is drawn
from (seed, step, index), so that how a batch is split changes nothing.
"""

from dataclasses import dataclass, field
from functools import cached_property

from sprint.data.autoencoder import Autoencoder
from sprint.data.codecs import Codec
from sprint.data.facts import INPUTS, SYMMETRIC, overall_std
from sprint.runtime.errors import UserError
from sprint.runtime.strict import ranged

UNIT = (1 / 3, 3.0)  # standard deviations of what is about unit size


@dataclass(frozen=True)
class Settings:
    """Of the autoencoder that makes pictures of latents. What encoded them, the data set knows."""

    path: str  # its folder, or owner/model of the Hub
    revision: str = ""  # of the Hub: a commit
    channels: int = ranged(0, 1 << 10, default=0)  # of latents; needed only while the autoencoder is still to be made
    vae_input: list[float] = field(default_factory=list)  # what it was fed: [-1, 1], which is usual, or [0, 1]
    scale: list[float] = field(default_factory=list)  # for all channels or each; left out: its config's scaling_factor
    shift: list[float] = field(default_factory=list)  # taken off before; left out: its config's shift_factor, or 0


class AutoencoderCodec(Codec):
    Settings = Settings
    title = "latents of an autoencoder"
    cites = "Rombach et al., arXiv 2112.10752; diffusers' AutoencoderKL"

    def __init__(self, settings, channels, size):
        super().__init__(settings, channels, size)
        self.network = Autoencoder(settings.path, settings.revision)

    @classmethod
    def smallest(cls, folder):
        import torch

        from sprint.data.vision import ensure_torchvision

        ensure_torchvision()
        from diffusers import AutoencoderKL

        torch.manual_seed(0)
        blocks = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
        AutoencoderKL(block_out_channels=(4, 4), norm_num_groups=2, **blocks).save_pretrained(folder)
        drawn = torch.randn(5, 8, 4, 4, generator=torch.Generator().manual_seed(0))
        return {"path": str(folder)}, torch.cat([5 * drawn[:, :4], drawn[:, 4:].abs()], 1)

    @property
    def announced(self) -> bool:
        """Whether the autoencoder is still to be made, and the preset says how many channels its latents will have."""
        return bool(self.settings.channels) and self.network.missing

    @property
    def channels(self):
        return self.settings.channels if self.announced else self.network.latent_channels

    @property
    def autoencoder(self):
        return self.network.name

    @property
    def fed(self) -> tuple[float, ...]:
        return tuple(self.settings.vae_input) or SYMMETRIC

    @cached_property
    def factors(self) -> tuple[list[float], list[float]]:
        """Scale and shift, of all channels or of each."""
        scale, shift = self.settings.scale, self.settings.shift
        return scale or [self.network.scale], shift or [self.network.shift]

    def check(self):
        settings, channels = self.settings, self.channels
        if self.fed not in INPUTS:
            raise UserError(f"vae_input is {settings.vae_input}; allowed: [-1, 1] or [0, 1]")
        for key in ("scale", "shift"):
            if len(getattr(settings, key)) not in (0, 1, channels):
                raise UserError(f"{key} holds {len(getattr(settings, key))} numbers; allowed: one, or {channels}")
        if any(number <= 0 for number in settings.scale):
            raise UserError(f"scale is {settings.scale}; allowed: numbers above 0")
        if self.stored_channels not in (channels, 2 * channels):
            raise UserError(
                f"stored examples have {self.stored_channels} channels; allowed with an autoencoder of {channels}: "
                f"{channels} (samples) or {2 * channels} (mean and deviation), as sprint data encode makes of pictures"
            )
        if self.announced:
            return
        if settings.channels not in (0, channels):
            raise UserError(f"channels is {settings.channels}; allowed: {channels}, as {settings.path} has")
        if self.network.config["out_channels"] not in (1, 3):
            raise UserError(f"{settings.path} makes {self.network.config['out_channels']} channels; allowed: 1 or 3")
        if None in self.factors[0]:
            raise UserError(f"scale is missing, and the config of {settings.path} has no scaling_factor; write it")

    def check_latents(self, facts):
        if facts is None or self.announced:
            return
        if not facts.vae_input and not self.settings.vae_input:
            raise UserError(next(sentence for sentence in facts.open if "vae_input settles" in sentence))
        if facts.vae_input and facts.vae_input != self.fed:
            written, found = [f"[{low:g}, {high:g}]" for low, high in (self.fed, facts.vae_input)]
            raise UserError(
                f"vae_input is {written}, and the latents are of an autoencoder that was fed {found}; write that, or "
                "convert them and say otherwise there"
            )
        self._check_size_of(facts.std)

    def _check_size_of(self, std: tuple[float, ...]) -> None:
        """Raise UserError where latents with these standard deviations are not of about unit size once scaled."""
        scale = self.factors[0] if len(self.factors[0]) > 1 else self.factors[0] * len(std)
        overall = overall_std([deviation * factor for deviation, factor in zip(std, scale, strict=True)])
        if not UNIT[0] <= overall <= UNIT[1]:
            written = ", ".join(f"{factor:g}" for factor in self.factors[0])
            raise UserError(
                f"scale is {written}, with which the latents have a standard deviation of {overall:.2g}; allowed: "
                f"{UNIT[0]:.2g} to {UNIT[1]:g}, as with scale: [{1 / overall_std(std):.4g}]"
            )

    def signal(self, stored, indices, seed, step):
        import torch

        from sprint.runtime.rng import generator

        scale, shift = self._tensors()
        mean, std = stored[:, : self.channels], stored[:, self.channels :]
        if not std.shape[1]:
            return ((mean - shift) * scale).float()
        noise = torch.empty(mean.shape)
        for row, index in enumerate(indices.tolist()):
            torch.randn(noise.shape[1:], generator=generator("posterior", seed, step, index), out=noise[row])
        return (noise.mul_(std).add_(mean) - shift) * scale

    def decoded(self, signal):
        scale, shift = self._tensors()
        decoded = self.network.decode(signal.float().cpu() / scale + shift)
        return decoded if self.fed == SYMMETRIC else 2 * decoded - 1

    def _tensors(self):
        import torch

        return tuple(torch.tensor(numbers).view(1, -1, 1, 1) for numbers in self.factors)
