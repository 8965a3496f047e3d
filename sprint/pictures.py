"""Samples as PNG files, named by index and label."""

from pathlib import Path

from sprint.config import Evaluating, Run
from sprint.errors import UserError
from sprint.evaluate import draw, load_network
from sprint.files import read_json, write_bytes
from sprint.guidance import Guidance
from sprint.sample import balanced_labels


def draw_pictures(run: Run, folder: Path, evaluating: Evaluating, guidance: Guidance, count: int, out: Path) -> None:
    """Draw the first `count` images of the run's last milestone into `out`."""
    if not (folder / "train.json").exists():
        raise UserError(f"run {run.name!r} is not trained yet; first: sprint train {run.name} --preset {run.preset}")
    milestones = read_json(folder / "train.json")["milestones"]
    if not milestones:
        raise UserError(f"run {run.name!r} ended before its first milestone; there are no weights to sample from")
    model, images, _ = load_network(run, folder, milestones[-1]["step"])
    pixels, _ = draw(model, images, guidance, evaluating, count)
    for index, (picture, label) in enumerate(zip(pixels, balanced_labels(0, count, images.classes), strict=True)):
        write_bytes(Path(out) / f"{index:06d}-{int(label)}.png", encode(picture))


def encode(picture_CHW) -> bytes:
    """A uint8 picture with one or three channels as PNG."""
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture_CHW.permute(1, 2, 0).squeeze(-1).numpy()).save(stream, "PNG")
    return stream.getvalue()
