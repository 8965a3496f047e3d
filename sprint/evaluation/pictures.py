"""Samples as PNG files, named by index and label, with a manifest of what made them."""

from dataclasses import replace
from pathlib import Path

import torch

from sprint.diffusion.guidance import GUIDANCES, Guidance, unguided
from sprint.diffusion.sample import labels_of
from sprint.evaluation.sampling import Trained, draw, field_of, load_earlier, load_network, precision_of
from sprint.methods import METHODS
from sprint.plan.schema import Drawing, Evaluating
from sprint.runtime.errors import UserError
from sprint.runtime.files import read_json, refuse_unwritable, remove_unfinished, write_bytes, write_json
from sprint.runtime.results import TRAIN

MANIFEST = "manifest.json"


def asked_guidance(kind: str, scale: float | None, evaluating: Evaluating) -> Guidance:
    """The guidance of a kind ("": none) at a scale, or at the preset's. Raises UserError where one lacks the other."""
    chosen = GUIDANCES[kind or Guidance.usual]
    if unguided(chosen().document()):
        if scale is not None:
            guided = ", ".join(name for name in GUIDANCES if not unguided(GUIDANCES[name]().document()))
            raise UserError(
                f"--scale is {scale:g}, but there is no guidance that it scales; allowed: with --kind {guided}"
            )
        return chosen()
    if scale is not None:
        return chosen(scale=scale)
    for guidance in evaluating.guidance:
        if guidance.kind() == kind:
            return guidance
    raise UserError(f"--kind is {kind!r} without a scale, and the preset has none for it; add --scale, such as 1.5")


def draw_pictures(trained: Trained, evaluating: Evaluating, drawing: Drawing, count: int, out: Path) -> None:
    """Draw the first `count` images of the last milestone into `out`, in place of those drawn there before."""
    drawing.guidance.check(METHODS[trained.run.method], trained.run.train.milestones, trained.config.backbone.grid)
    config = trained.config
    channels = trained.codec.pictures(torch.empty(0, config.channels, config.size, config.size)).shape[1]
    if channels not in (1, 3):
        raise UserError(f"{trained.folder}: makes {channels} channels; pictures have 1 or 3, latents need a decoder")
    milestones = TRAIN.read(trained.folder / "train.json")["milestones"]
    if not milestones:
        raise UserError(f"{trained.folder}: ended before its first milestone; there are no weights to sample from")
    before = _drawn_before(out)
    model, weights = load_network(trained, milestones[-1]["step"])
    earlier, earlier_weights = load_earlier(trained, drawing.guidance)
    precision = precision_of(evaluating, trained.run)
    field = field_of(model, trained.parameterization, drawing, earlier)
    labels = labels_of(evaluating.labels, evaluating.sample_seed, 0, count, model.config.classes).tolist()
    names = [f"{index:06d}-{label}.png" for index, label in enumerate(labels)]
    for name in before:
        (out / name).unlink(missing_ok=True)
    manifest = {
        "run": trained.run.name,
        "weights": weights,
        **({"earlier_weights": earlier_weights} if earlier_weights else {}),
        "milestone": milestones[-1]["step"],
        "guidance": drawing.guidance.document(),
        **({} if drawing.attention.is_usual else {"attention": drawing.attention.document()}),
        "sampler": evaluating.sampler.document(),
        "seed": evaluating.sample_seed,
        **({"decoder": trained.codec.autoencoder} if trained.codec.autoencoder else {}),
        "labels": dict(zip(names, labels, strict=True)),
    }
    write_json(out / MANIFEST, manifest)  # first: what it names, the next drawing may replace
    for first in range(0, count, evaluating.batch):
        last = min(first + evaluating.batch, count)
        pixels = draw(field, config, trained.codec, replace(evaluating, images=count), first, last, precision)
        for name, picture in zip(names[first:last], pixels, strict=True):
            write_bytes(out / name, encode(picture))


def _drawn_before(out: Path) -> list[str]:
    """The pictures in a folder that an earlier drawing made. Raises UserError where anything else lies there."""
    refuse_unwritable(out)
    if not out.is_dir():
        return []
    remove_unfinished(out)
    manifest = read_json(out / MANIFEST) if (out / MANIFEST).exists() else {}
    labels = manifest.get("labels") if isinstance(manifest, dict) else None
    known = [name for name in labels if Path(name).name == name] if isinstance(labels, dict) else []
    others = sorted(path.name for path in out.iterdir() if path.name not in (MANIFEST, *known))
    if others:
        raise UserError(
            f"{out}: holds {len(others)} files that `sprint sample` did not draw, such as {others[0]}; name another "
            "folder with --out, or remove them"
        )
    return known


def encode(picture_CHW) -> bytes:
    """A uint8 picture with one or three channels as PNG."""
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture_CHW.permute(1, 2, 0).squeeze(-1).numpy()).save(stream, "PNG")
    return stream.getvalue()
