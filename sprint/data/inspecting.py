"""What a path holds, in numbers: `sprint data inspect PATH`.

    layout, kind (pixels, sample, mean_std, mean_logvar), count, classes, shape, scale, vae_input, mean and std

`scale` is the factor that stored numbers have had, 1 for none; null where it cannot be told, as is `vae_input`. Mean
and standard deviation are of each channel, of unscaled samples; of pictures, of grey levels in [-1, 1].
"""

from pathlib import Path

import numpy as np

from sprint.data.autoencoder import Autoencoder
from sprint.data.facts import POSITIVE, SYMMETRIC, Facts, found_facts, unscaled
from sprint.data.layouts import LAYOUTS, PIXELS, Layout, open_layout
from sprint.data.layouts.shards import Shards
from sprint.data.pictures import centre_crop
from sprint.runtime.errors import UserError
from sprint.runtime.files import write_bytes

SHOWN = 16  # pictures of a contact sheet
DARK, MUCH, LITTLE = -0.1, 0.05, 0.005  # below black in [0, 1], and shares of decoded values that are so
TILE = 128  # pixels a side of a picture that has not one size


def inspect(path: Path, given: Facts) -> dict:
    """The document. Raises UserError for what is broken, and where not even the kind can be told."""
    layout = open_layout(path)
    layout.check()
    found = {
        "path": str(path),
        "layout": LAYOUTS.name_of(type(layout)),
        "kind": layout.kind,
        "count": len(layout),
        "classes": _classes(layout),
        "shape": list(layout.shape),
    }
    return found | (_of_pictures(layout) if layout.kind == PIXELS else _of_latents(layout, given))


def _classes(layout: Layout) -> int | None:
    """None where telling it would open a million files."""
    try:
        return layout.classes
    except UserError:
        if layout.labels_at_hand:
            raise
        return None


def _of_latents(layout: Layout, given: Facts) -> dict:
    facts = found_facts(layout, given)
    if isinstance(layout, Shards):
        layout.verify_hashes()
    return {
        "kind": facts.kind,
        "scale": facts.scale or None,
        "vae_input": list(facts.vae_input) or None,
        "mean": list(facts.mean),
        "std": list(facts.std),
        "mirrored": bool(layout.mirrored),
        "held_out": len(layout.held_out()),
        "autoencoder": facts.autoencoder or None,
        "open": list(facts.open),
    }


def _of_pictures(layout: Layout) -> dict:
    tiles = contact_pictures(layout).astype(np.float64) / 127.5 - 1
    return {
        "scale": None,
        "vae_input": None,
        "mean": tiles.mean((0, 2, 3)).tolist(),
        "std": tiles.std((0, 2, 3)).tolist(),
        "mirrored": False,
        "held_out": 0,
        "autoencoder": None,
        "open": [],
    }


def write_sheet(path: Path, given: Facts, autoencoder: str, revision: str, out: Path) -> dict:
    """Write a contact sheet of some examples, latents decoded. Returns what that adds to the document.

    Where the numbers of latents do not tell what their autoencoder was fed, the decoded pictures may.
    """
    layout, added = open_layout(path), {}
    if layout.kind == PIXELS:
        shown = contact_pictures(layout)
    else:
        if not autoencoder:
            raise UserError(f"{path}: holds latents, which only a decoder shows; add --autoencoder")
        network = Autoencoder(autoencoder, revision, fetch=True)
        shown, fed = decoded(layout, found_facts(layout, given), network)
        added = {"vae_input": list(fed), "decoder": network.name}
    write_bytes(out, contact_sheet(shown))
    return {**added, "sheet": str(out)}


def decoded(layout: Layout, facts: Facts, network: Autoencoder) -> tuple[np.ndarray, tuple[float, ...]]:
    """The pictures of some latents' posterior means, uint8 (n, C, H, W), and what the autoencoder was fed."""
    import torch

    from sprint.data import to_pixels

    if not facts.scale:
        raise UserError(facts.open[0])
    mean, _ = unscaled(layout.read(layout.spread(SHOWN)), facts)
    if mean.shape[1] != network.latent_channels:
        raise UserError(
            f"{network.asked} decodes {network.latent_channels} channels; {layout.path} has {mean.shape[1]}"
        )
    made = network.decode(torch.from_numpy(np.ascontiguousarray(mean, np.float32)))
    fed = facts.vae_input or _fed(float((made < DARK).float().mean()))
    if not fed:
        raise UserError(facts.open[-1])
    return to_pixels(made if fed == SYMMETRIC else 2 * made - 1).numpy(), fed


def _fed(dark: float) -> tuple[float, ...]:
    """By the share of decoded values that are below black in [0, 1]; () where it is neither much nor next to none."""
    return SYMMETRIC if dark > MUCH else POSITIVE if dark < LITTLE else ()


def contact_pictures(layout: Layout) -> np.ndarray:
    """Pictures spread over a folder, uint8 (n, 3, TILE, TILE)."""
    from PIL import Image

    arrays = [layout.array(int(index), False).transpose(1, 2, 0) for index in layout.spread(SHOWN)]
    return np.stack([np.asarray(centre_crop(Image.fromarray(array), TILE)).transpose(2, 0, 1) for array in arrays])


def contact_sheet(pictures: np.ndarray) -> bytes:
    """A PNG of uint8 pictures (n, 1 or 3, H, W) in as square a grid as can be."""
    import io

    from PIL import Image

    count, channels, height, width = pictures.shape
    across = int(np.ceil(np.sqrt(count)))
    down = -(-count // across)
    sheet = np.zeros((down * across, channels, height, width), np.uint8)
    sheet[:count] = pictures
    sheet = sheet.reshape(down, across, channels, height, width).transpose(0, 3, 1, 4, 2)
    sheet = sheet.reshape(down * height, across * width, channels)
    stream = io.BytesIO()
    Image.fromarray(sheet.squeeze(-1) if channels == 1 else sheet).save(stream, "PNG")
    return stream.getvalue()


def sentences(found: dict) -> list[str]:
    """The document as lines for people."""
    shape = " x ".join(str(side or "?") for side in found["shape"])
    classes = "unknown" if found["classes"] is None else found["classes"]
    lines = [
        f"{found['path']}: {LAYOUTS[found['layout']].title}",
        f"kind       {found['kind']}",
        f"count      {found['count']} of {classes} classes, each {shape}",
    ]
    if found["kind"] != PIXELS:
        scale, fed = found["scale"], found["vae_input"]
        lines += [
            f"scale      {'not to be told' if scale is None else 'none' if scale == 1 else f'{scale:g}'}",
            f"vae_input  {'not to be told' if fed is None else f'[{fed[0]:g}, {fed[1]:g}]'}",
            f"mirrored   {'yes' if found['mirrored'] else 'no'}",
            f"encoder    {found['autoencoder'] or 'not known'}",
        ]
    lines += [f"{name:10} {', '.join(f'{value:.4g}' for value in found[name])}" for name in ("mean", "std")]
    return lines + [f"open: {sentence}" for sentence in found["open"]]
