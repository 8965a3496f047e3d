"""The commands that look at what there is and change nothing: list, plugins, show, forecast, doctor."""

from pathlib import Path
from typing import Annotated

import typer

from sprint.cli.flags import Preset, RunName, finite, whole

app = typer.Typer()


@app.command("list")
def list_command(preset: Preset = "digits"):
    """Studies and runs as target names: what is done, and what it cost."""
    from sprint.cli.listing import print_plan
    from sprint.plan.outline import read_outline

    print_plan(read_outline(preset), Path("results") / preset)


@app.command("plugins")
def plugins_command(as_json: Annotated[bool, typer.Option("--json", help="JSON instead of lines.")] = False):
    """Every kind of plug-in with all there are: name, title, paper or source; with --json the file too."""
    import json

    from sprint.runtime.contracts import CONTRACTS, every_plugin

    found = every_plugin()
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return
    width = max(len(name) for plugins in found.values() for name in plugins)
    for contract, plugins in found.items():
        print(f"{contract}  ({CONTRACTS[contract].replace('.', '/')})")
        for name, about in plugins.items():
            print(f"  {name:<{width}}  {about['title']}" + (f"; {about['cites']}" if about["cites"] else ""))


@app.command()
def show(run: RunName, preset: Preset = "digits"):
    """The resolved configuration of one run."""
    import yaml

    from sprint.plan.reading import load_plan

    print(yaml.safe_dump(load_plan(preset).run(run).document(), sort_keys=False, allow_unicode=True), end="")


@app.command()
def forecast(
    study: Annotated[str, typer.Argument(help="A study, or nothing for the preset's core studies.")] = "",
    preset: Preset = "digits",
    devices: Annotated[
        int | None, whole(1, 1 << 16, "Devices that share a run. [default: those of the preset]")
    ] = None,
    rate: Annotated[float | None, finite("TFLOP/s that a device reaches.")] = None,
    bench: Annotated[
        Path | None, typer.Option(help="Instead: a file of `sprint bench train` or `bench study`.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
):
    """GPU-hours, memory and disk of runs before any is trained, and what each number assumes."""
    from sprint.cli.answers.forecast import print_forecast

    print_forecast(study, preset, devices, rate, bench, as_json)


@app.command()
def doctor(preset: Preset = "digits"):
    """Say what this machine has and lacks; exit 0 if all that `make report` needs is there."""
    from sprint.cli.answers.doctor import report as report_findings

    if not report_findings(preset):
        raise typer.Exit(1)
