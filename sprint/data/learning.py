"""A small autoencoder, learned on one core from a folder of pictures: for whoever has none, or pictures unlike others'.

    sprint data autoencoder PICTURES FOLDER --size 32

It is diffusers' AutoencoderKL, of a quarter of the pixels a side and four channels. Its loss is the absolute error and
a little of the posterior's divergence from a unit Gaussian (Rombach et al., arXiv 2112.10752, without their
discriminator); its scaling_factor makes latents of unit variance. The weights depend on pictures and steps alone.
"""

import json
import tempfile
from pathlib import Path

import torch

from sprint.data import Images, opened, to_signal
from sprint.data.autoencoder import CONFIG, WEIGHTS
from sprint.data.codecs import USUAL_CODEC
from sprint.data.vision import ensure_torchvision
from sprint.runtime.errors import UserError
from sprint.runtime.files import refuse_unwritable, write_bytes
from sprint.runtime.progress import track
from sprint.runtime.rng import generator

WIDTHS = (16, 32, 32)  # channels of its stages, each of half the side of the one before
FACTOR = 2 ** (len(WIDTHS) - 1)
BATCH, RATE, DIVERGENCE = 32, 2e-3, 1e-4  # weight of the divergence, of each latent number


def learn(pictures: Path, folder: Path, size: int, steps: int) -> dict:
    """Write the autoencoder's folder; returns its mean absolute error, in grey levels, and its scaling_factor."""
    refuse_unwritable(folder)
    if size % FACTOR:
        raise UserError(f"--size is {size}; allowed: a multiple of {FACTOR}")
    examples = opened({"name": "image_folder", "path": str(pictures), "channels": 3}, USUAL_CODEC, size)
    examples.check()
    images, threads = examples.to_learn_from(), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        network = _fit(_fresh(), images, steps)
        error, deviation = _measured(network, images)
    finally:
        torch.set_num_threads(threads)
    network.register_to_config(scaling_factor=round(1 / deviation, 5))
    _write(network, Path(folder))
    return {"error": error, "scaling_factor": network.config.scaling_factor, "pictures": len(images.labels)}


def _fresh():
    """Initial weights, always the same."""
    ensure_torchvision()
    from diffusers import AutoencoderKL

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return AutoencoderKL(
            block_out_channels=WIDTHS,
            down_block_types=("DownEncoderBlock2D",) * len(WIDTHS),
            up_block_types=("UpDecoderBlock2D",) * len(WIDTHS),
            norm_num_groups=8,
            mid_block_add_attention=False,
        )


def _fit(network, images: Images, steps: int):
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    network.train()
    for step in track(range(steps), "learning an autoencoder", steps):
        numbers = generator("autoencoder", step)
        signal = to_signal(images.pixels[torch.randint(len(images.labels), (BATCH,), generator=numbers)])
        posterior = network.encode(signal).latent_dist
        latents = posterior.mean + posterior.std * torch.randn(posterior.mean.shape, generator=numbers)
        divergence = posterior.kl().mean() / latents[0].numel()
        loss = (network.decode(latents).sample - signal).abs().mean() + DIVERGENCE * divergence
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        rates.step()
    return network.eval()


@torch.inference_mode()
def _measured(network, images: Images) -> tuple[float, float]:
    """Mean absolute error in grey levels, and the standard deviation of all numbers of latents."""
    errors, latents = [], []
    for pixels in images.pixels[:: max(1, len(images.labels) // 256)].split(BATCH):
        posterior = network.encode(to_signal(pixels)).latent_dist
        errors.append((network.decode(posterior.mean).sample - to_signal(pixels)).abs().mean((1, 2, 3)) * 127.5)
        latents.append(posterior.mean)
    return float(torch.cat(errors).mean()), float(torch.cat(latents).std())


def _write(network, folder: Path) -> None:
    """Weights first, config last, so that where it is, all is; without the name of the scratch folder."""
    with tempfile.TemporaryDirectory() as scratch:
        network.save_pretrained(scratch)
        write_bytes(folder / WEIGHTS, (Path(scratch) / WEIGHTS).read_bytes())
        config = json.loads((Path(scratch) / CONFIG).read_text(encoding="utf-8"))
    config.pop("_name_or_path", None)
    write_bytes(folder / CONFIG, (json.dumps(config, indent=1, sort_keys=True) + "\n").encode())
