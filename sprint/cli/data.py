"""The commands of `sprint data`: from what people have on their disks to shards of latents."""

import json
from pathlib import Path
from typing import Annotated

import typer

from sprint.cli.flags import finite, whole
from sprint.runtime.errors import UserError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Pictures and latents: look at them, and make shards of them.",
)

Kind = Annotated[str, typer.Option(help="sample, mean_std or mean_logvar, where the numbers do not tell.")]
Fed = Annotated[
    str, typer.Option("--vae-input", help="-1,1 or 0,1: what the autoencoder was fed, where it is not told.")
]
Scale = Annotated[
    float | None, finite("Factor that stored samples have had, where the numbers do not tell; 1 for none.")
]
Shift = Annotated[float, finite("What was taken from stored samples before they were scaled.")]
HeldOut = Annotated[int, whole(0, 1 << 24, "Examples, spread over all, that no training sees.")]
Autoencoder = Annotated[str, typer.Option(help="A folder of diffusers' AutoencoderKL, or owner/model of the Hub.")]
Revision = Annotated[str, typer.Option(help="Of the Hub: a commit.")]
Shard = Annotated[int | None, whole(1, 1 << 24, "Examples a file. [default: as many as make 128 MiB]")]


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(help="A folder, or a ZIP, of latents or pictures.")],
    kind: Kind = "",
    fed: Fed = "",
    scale: Scale = None,
    shift: Shift = 0.0,
    autoencoder: Annotated[str, typer.Option(help="One that decodes some of them into a contact sheet.")] = "",
    revision: Revision = "",
    sheet: Annotated[Path | None, typer.Option(help="PNG file of it. [default: contact-sheet.png]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of lines.")] = False,
):
    """Say what a path holds: layout, kind, counts, scale, mean and deviation of each channel; and show some of it."""
    from sprint.data.inspecting import inspect as look
    from sprint.data.inspecting import sentences, write_sheet

    given = _given(kind, fed, scale, shift)
    found = look(path, given)
    if autoencoder or sheet:
        found |= write_sheet(path, given, autoencoder, revision, sheet or Path("contact-sheet.png"))
    print(json.dumps(found, indent=1, ensure_ascii=False) if as_json else "\n".join(sentences(found)))


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="Latents in any layout that `inspect` knows.")],
    folder: Annotated[Path, typer.Argument(help="Where the shards go.")],
    kind: Kind = "",
    fed: Fed = "",
    scale: Scale = None,
    shift: Shift = 0.0,
    classes: Annotated[int | None, whole(1, 1 << 20, "How many there are. [default: as the labels tell]")] = None,
    held_out: HeldOut = 0,
    shard: Shard = None,
):
    """Make shards of latents that somebody stored otherwise; the same command goes on after a kill."""
    from sprint.data.converting import convert as convert_store

    convert_store(source, folder, _given(kind, fed, scale, shift), classes, held_out, shard)
    _say(folder)


@app.command()
def encode(
    pictures: Annotated[Path, typer.Argument(help="A folder with one folder of pictures per class.")],
    folder: Annotated[Path, typer.Argument(help="Where the shards go.")],
    autoencoder: Autoencoder,
    size: Annotated[int, whole(1, 1 << 14, "Pixels a side, to which pictures are cropped as ADM does.")] = 256,
    revision: Revision = "",
    fed: Fed = "-1,1",
    mirrored: Annotated[bool, typer.Option("--mirrored", help="Encode each picture's mirror image too.")] = False,
    held_out: HeldOut = 0,
    shard: Shard = None,
    devices: Annotated[int | None, whole(1, 1 << 10, "Processes. [default: one for each GPU]")] = None,
):
    """Make shards of latents of a folder of pictures; the same command goes on after a kill."""
    import torch

    from sprint.cli.launch import over_these

    over_these(devices or torch.cuda.device_count() or 1)
    from sprint.data.encoding import encode as encode_pictures

    encode_pictures(pictures, folder, autoencoder, revision, size, _fed(fed), mirrored, held_out, shard)
    _say(folder)


@app.command()
def draw(
    folder: Annotated[Path, typer.Argument(help="Where the pictures go, one folder per class.")],
    size: Annotated[int, whole(1, 4096, "Pixels a side.")] = 32,
    count: Annotated[int, whole(1, 1 << 20, "Pictures.")] = 1797,
):
    """Draw digits larger, in colour: a folder of pictures for whoever has none."""
    from sprint.data.drawing import draw as draw_digits

    draw_digits(folder, size, count)
    print(f"{count} pictures in {folder}")


@app.command()
def autoencoder(
    pictures: Annotated[Path, typer.Argument(help="A folder with one folder of pictures per class.")],
    folder: Annotated[Path, typer.Argument(help="Where the autoencoder goes.")],
    size: Annotated[int, whole(1, 4096, "Pixels a side.")] = 32,
    steps: Annotated[int, whole(1, 1 << 24, "Of its optimiser.")] = 600,
):
    """Learn a small autoencoder of a folder of pictures, on one core."""
    from sprint.data.learning import learn

    found = learn(pictures, folder, size, steps)
    print(f"{folder}: off by {found['error']:.1f} of 255 grey levels, scaling_factor {found['scaling_factor']:g}")


def _given(kind: str = "", fed: str = "", scale: float | None = None, shift: float = 0.0):
    """What the user says of stored latents."""
    from sprint.data.facts import Facts
    from sprint.data.layouts import KINDS

    if kind and kind not in KINDS:
        raise UserError(f"--kind is {kind!r}; allowed: {', '.join(KINDS)}")
    if scale is not None and scale <= 0:
        raise UserError(f"--scale is {scale:g}; allowed: a number above 0")
    return Facts(kind, _fed(fed), scale or 0.0, shift)


def _fed(text: str) -> tuple[float, ...]:
    from sprint.data.facts import INPUTS

    if not text:
        return ()
    for fed in INPUTS:
        if text.replace(" ", "").strip("[]()") == f"{fed[0]:g},{fed[1]:g}":
            return fed
    raise UserError(f"--vae-input is {text!r}; allowed: -1,1 or 0,1")


def _say(folder: Path) -> None:
    from sprint.data.inspecting import inspect as look
    from sprint.data.inspecting import sentences
    from sprint.runtime import distributed

    if distributed.is_main():
        print("\n".join(sentences(look(folder, _given()))))
