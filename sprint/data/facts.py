"""What stored latents are: decided by their numbers, told by whoever stored them, or refused.

Arrays of one shape hold different things: mean and standard deviation of a posterior, mean and log-variance, or a
sample of it, scaled or not, of an autoencoder that was fed [-1, 1] or [0, 1]. What the numbers decide:

    kind       a standard deviation is never negative, a log-variance is almost everywhere
    scale      what was scaled has about unit variance, what was not has that of the autoencoder
    vae_input  of ImageNet in [-1, 1] Stable Diffusion's autoencoder has channel means near 0, in [0, 1] those of edm2
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sprint.data.layouts import KINDS, MEAN_LOGVAR, MEAN_STD, SAMPLE, Layout
from sprint.runtime.errors import UserError

LOGVAR = (-30.0, 20.0)  # a log-variance is clamped to it, as diffusers' and latent diffusion's is
UNIT = (0.4, 1.8)  # standard deviations of what has been scaled to about 1
SYMMETRIC, POSITIVE = (-1.0, 1.0), (0.0, 1.0)  # what an autoencoder was fed
INPUTS = (SYMMETRIC, POSITIVE)
# Stable Diffusion's latents of ImageNet in [0, 1], by channel: edm2, arXiv 2312.02696, training/encoders.py.
EDM2_MEAN, EDM2_STD = np.array([5.81, 3.25, 0.12, -2.15]), np.array([4.17, 4.62, 3.71, 3.28])
NEAR = 0.35  # distance of channel means, in standard deviations and root mean square, within which they agree


@dataclass(frozen=True)
class Facts:
    """What is known of stored latents; "" and () where it is not."""

    kind: str = ""
    vae_input: tuple[float, ...] = ()
    scale: float = 0.0  # a sample times this is what is stored, after `shift` was taken from it; 0: not known
    shift: float = 0.0
    mean: tuple[float, ...] = ()  # of each channel, of unscaled samples
    std: tuple[float, ...] = ()
    open: tuple[str, ...] = ()  # sentences, each of what is not decided and the key that settles it
    autoencoder: str = ""  # what encoded them, where that is known: its name and hash


def found_facts(layout: Layout, given: Facts) -> Facts:
    """The facts of a layout of latents; what is given is believed unless the store itself says otherwise.

    Raises UserError where not even the kind can be told.
    """
    if said := layout.said():
        return _agreeing(Facts(**said), given, layout)
    stored = layout.probe().astype(np.float64)
    kind = given.kind or _kind(stored, layout)
    _refuse_impossible(replace(given, kind=kind), stored, layout)
    scale, sentence = (given.scale, "") if given.scale else _scale(stored, kind, layout)
    mean, std = channel_moments(*unscaled(stored, replace(given, kind=kind, scale=scale or 1.0)))
    vae_input = given.vae_input or _vae_input(mean, std) or layout.vae_input
    sentences = [sentence] if sentence else []
    if not vae_input:
        sentences.append(
            f"{layout.path}: whether their autoencoder was fed [-1, 1] or [0, 1] is not to be told from channel means "
            f"{_numbers(mean)}; vae_input settles it"
        )
    return Facts(kind, vae_input, scale, given.shift, tuple(mean.tolist()), tuple(std.tolist()), tuple(sentences))


def unscaled(stored: np.ndarray, facts: Facts) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (B, C, h, w) of the posterior, of stored examples; of samples the latter is 0."""
    if facts.kind == SAMPLE:
        sample = stored if (facts.scale, facts.shift) == (1.0, 0.0) else stored / facts.scale + facts.shift
        return sample, np.zeros_like(sample)
    mean, second = np.split(stored, 2, axis=1)
    return mean, (second if facts.kind == MEAN_STD else np.exp(second.clip(*LOGVAR) / 2))


def channel_moments(mean: np.ndarray, std: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (C,) of samples that are drawn from such posteriors."""
    axes = (0, 2, 3)
    return mean.mean(axes), np.sqrt(mean.var(axes) + (std**2).mean(axes))


def overall_std(std: Sequence[float]) -> float:
    """Of all channels: the root mean square of their standard deviations."""
    return float(np.sqrt((np.asarray(std, np.float64) ** 2).mean()))


def _kind(stored: np.ndarray, layout: Layout) -> str:
    """What the layout's documentation says, unless the numbers contradict it."""
    channels = stored.shape[1]
    if layout.kind == SAMPLE:
        return SAMPLE
    if channels % 2:
        raise UserError(
            f"{layout.path}: has {channels} channels, which are no mean and deviation of as many; kind settles what it "
            f"holds, allowed: {', '.join(KINDS)}"
        )
    second = stored[:, channels // 2 :]
    if (second >= 0).all() and layout.kind == MEAN_LOGVAR:
        raise UserError(
            f"{layout.path}: the second half of its channels is nowhere negative, as standard deviations are and "
            f"{layout.title} are not; kind settles what it holds, allowed: {', '.join(KINDS)}"
        )
    if (second >= 0).all():
        return MEAN_STD
    if (second > 0).mean() > 0.3 or second.max() > LOGVAR[1]:
        raise UserError(
            f"{layout.path}: the second half of its channels goes from {second.min():.3g} to {second.max():.3g}: for "
            f"standard deviations it is too low, for log-variances too high; kind settles what it holds, allowed: "
            f"{', '.join(KINDS)}"
        )
    return MEAN_LOGVAR


def _refuse_impossible(given: Facts, stored: np.ndarray, layout: Layout) -> None:
    """Raise UserError for what was said of stored examples and cannot be."""
    if given.kind == SAMPLE:
        return
    if given.scale not in (0.0, 1.0) or given.shift:
        raise UserError(f"{layout.path}: scale and shift are of samples; leave them out for {given.kind}")
    if stored.shape[1] % 2:
        raise UserError(f"{layout.path}: kind is {given.kind}, and there are {stored.shape[1]} channels; allowed: even")
    if given.kind == MEAN_STD and (lowest := stored[:, stored.shape[1] // 2 :].min()) < 0:
        raise UserError(f"{layout.path}: kind is {given.kind}, and standard deviations go down to {lowest:.3g}")


def _scale(stored: np.ndarray, kind: str, layout: Layout) -> tuple[float, str]:
    """The factor that stored samples have had, or 0 and why that cannot be told. Posteriors have had none."""
    if kind != SAMPLE:
        return 1.0, ""
    std = overall_std(channel_moments(stored, np.zeros_like(stored))[1])
    if UNIT[0] <= std <= UNIT[1] and layout.scale != 1.0:
        return layout.scale, ""
    if std > UNIT[1]:
        return 1.0, ""
    return 0.0, (
        f"{layout.path}: its samples have a standard deviation of {std:.2g}, and whether they were scaled is not to be "
        "told from that; scale settles it, the factor that they have had (1 for none, 0.18215 for Stable Diffusion's)"
    )


def _vae_input(mean: np.ndarray, std: np.ndarray) -> tuple[float, ...]:
    """By the means of Stable Diffusion's four channels; () where they are near neither."""
    if len(mean) != len(EDM2_MEAN) or not std.all():
        return ()
    if np.sqrt((((mean - EDM2_MEAN) / EDM2_STD) ** 2).mean()) < NEAR:
        return POSITIVE
    return SYMMETRIC if np.sqrt(((mean / std) ** 2).mean()) < NEAR else ()


def _agreeing(said: Facts, given: Facts, layout: Layout) -> Facts:
    """What a store says of itself. Raises UserError where something else was given."""
    for key in ("kind", "vae_input"):
        asked, known = getattr(given, key), getattr(said, key)
        if asked and known and asked != known:
            raise UserError(f"{layout.path}: {key} is {asked!r}, and its index says {known!r}; leave it out")
    if given.scale not in (0.0, 1.0) or given.shift:
        raise UserError(
            f"{layout.path}: scale and shift are for samples of others; its own are unscaled: leave them out"
        )
    return said


def _numbers(values: np.ndarray) -> str:
    return ", ".join(f"{value:.3g}" for value in values)
