"""Samples as PNG files, named by index and label."""

from pathlib import Path

from sprint.diffusion.guidance import Guidance
from sprint.diffusion.sample import balanced_labels
from sprint.evaluation.runs import Trained, draw, load_network
from sprint.plan.schema import Evaluating
from sprint.runtime.errors import UserError
from sprint.runtime.files import read_json, write_bytes


def draw_pictures(trained: Trained, evaluating: Evaluating, guidance: Guidance, count: int, out: Path) -> None:
    """Draw the first `count` images of the last milestone into `out`."""
    guidance.check(trained.run.method)
    if trained.config.channels not in (1, 3):
        raise UserError(
            f"{trained.folder}: makes {trained.config.channels} channels; pictures have 1 or 3, latents need a decoder"
        )
    milestones = read_json(trained.folder / "train.json")["milestones"]
    if not milestones:
        raise UserError(f"{trained.folder}: ended before its first milestone; there are no weights to sample from")
    model, _ = load_network(trained, milestones[-1]["step"])
    pixels, _ = draw(model, trained.prediction, guidance, evaluating, count)
    for index, (picture, label) in enumerate(zip(pixels, balanced_labels(0, count, model.config.classes), strict=True)):
        write_bytes(Path(out) / f"{index:06d}-{int(label)}.png", encode(picture))


def encode(picture_CHW) -> bytes:
    """A uint8 picture with one or three channels as PNG."""
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture_CHW.permute(1, 2, 0).squeeze(-1).numpy()).save(stream, "PNG")
    return stream.getvalue()
