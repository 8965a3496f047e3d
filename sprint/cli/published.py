"""The commands that hold us against published work: import, parity, paper-costs."""

from pathlib import Path
from typing import Annotated

import typer

from sprint.cli.flags import whole
from sprint.runtime.errors import UserError

app = typer.Typer()


@app.command("import")
def import_command(
    checkpoint: Annotated[Path, typer.Argument(help="A published checkpoint: .safetensors, or .pt.")],
    source: Annotated[str, typer.Option("--from", help="Whose: a file of sprint/published/codebases.")],
    model: Annotated[str, typer.Option(help="Size and patch, such as XL/2.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    image_size: Annotated[int, whole(1, 4096, "Latent side, where no positions in the file tell it.")] = 32,
    settings: Annotated[
        list[str], typer.Option("--set", help="A setting that no tensor tells, such as decoder_heads=16.")
    ] = [],  # noqa: B006
):
    """Turn a published checkpoint into a folder that `sprint sample` and `sprint evaluate` take."""
    from sprint.training.imported import import_checkpoint

    given = read_settings(settings)
    for said in import_checkpoint(checkpoint, source, model, out, image_size, given):
        print(said)


def read_settings(texts: list[str]) -> dict[str, int | str]:
    """Settings by name from texts such as "decoder_heads=16". Raises UserError for another form."""
    pairs = [text.partition("=") for text in texts]
    if wrong := [text for text, (name, _, value) in zip(texts, pairs, strict=True) if not (name and value)]:
        raise UserError(f"--set is {wrong[0]!r}; allowed: NAME=VALUE, such as decoder_heads=16")
    return {name: int(value) if value.isdecimal() else value for name, _, value in pairs}


@app.command()
def parity(files: Annotated[list[Path], typer.Argument(help="Golden files.")]):
    """Hold our networks against tensors that published implementations computed; exit 0 if all agree within 1e-4."""
    from sprint.published.parity import run as run_parity

    if not run_parity(files):
        raise typer.Exit(1)


@app.command("paper-costs")
def paper_costs_command(out: Annotated[Path, typer.Option(help="CSV file.")] = Path("results/paper_costs.csv")):
    """Our costs beside those that papers publish, with the relative difference."""
    from sprint.cost.papers import write_paper_costs

    write_paper_costs(Path("ablations/published.yaml"), out)
    print(out)
