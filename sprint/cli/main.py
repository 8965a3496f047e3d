"""The command line: parses, calls one room, prints. Snakemake's rules call the same commands as a user does."""

import contextlib
import ctypes
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from sprint import __version__
from sprint.cli import bench as cli_bench
from sprint.cli import data as cli_data
from sprint.cli import looking, published
from sprint.cli.flags import Preset, RunName, finite, whole
from sprint.cli.init import init
from sprint.cli.train import train
from sprint.cli.tune import tune
from sprint.runtime import distributed
from sprint.runtime.errors import UserError, sentence

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
for commands in (looking.app, published.app):
    app.add_typer(commands)
app.add_typer(cli_bench.app, name="bench")
app.add_typer(cli_data.app, name="data")
app.command()(init)
app.command()(train)
app.command()(tune)

STOPPED = 130  # exit status that typer gives to Ctrl-C
KEEP = {-1: 2**30, -3: 2**25}  # glibc's M_TRIM_THRESHOLD, and M_MMAP_THRESHOLD at the most that it allows, in bytes


def _say_version(asked: bool) -> None:
    if asked:
        print(f"sprint {__version__}")
        raise typer.Exit


@app.callback()
def whole_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version and exit.")
    ] = False,
):
    """A fair, repeatable comparison of efficient diffusion transformers. Targets of the workflow: `sprint list`."""


def _results(preset: str) -> Path:
    return Path("results") / preset


def _plan(preset: str, data_too: bool = True):
    from sprint.plan.reading import load_plan

    return load_plan(preset, data_too=data_too)


@app.command()
def extractor(
    name: Annotated[str, typer.Argument(help="One that is trained here, as a preset calls it, such as digits-cnn.")],
    preset: Preset = "digits",
):
    """Train a feature extractor of small images on a preset's data."""
    from sprint.metrics.networks import training
    from sprint.plan.reading import load_preset
    from sprint.runtime.files import refuse_unwritable

    scale = load_preset(preset)
    refuse_unwritable(_results(preset) / "extractors")
    images = scale.examples().to_learn_from()
    record = training.train(name, images, _results(preset) / "extractors", steps=scale.extractor_steps or None)
    print(f"{name}: held-out accuracy {record['held_out_accuracy']:.4f}, {record['seconds']:.0f} s")
    if record["remark"]:
        print(f"warning: {record['remark']}")


@app.command()
def reference(preset: Preset = "digits"):
    """Features of a preset's real images, and the floor: one half of them measured against the other."""
    from sprint.cli.launch import over_devices
    from sprint.plan.reading import load_preset

    scale = load_preset(preset)
    over_devices(scale)
    from sprint.evaluation.reference import make_reference

    make_reference(scale.examples(), scale.evaluate, _results(preset))


RunOrFolder = Annotated[str, typer.Argument(help="A run's name, or a folder that `sprint import` wrote.")]


@app.command()
def sample(
    run: RunOrFolder,
    preset: Preset = "digits",
    count: Annotated[int, whole(1, 1 << 24, "Images.")] = 40,
    kind: Annotated[str, typer.Option(help="Guidance: a file of sprint/diffusion/guidance.")] = "",
    scale: Annotated[float | None, finite("Guidance scale; where none is given, the preset's for that kind.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for PNG files and their manifest.json.")] = Path("samples"),
):
    """Draw images from trained or imported weights into PNG files."""
    from sprint.evaluation.pictures import asked_guidance, draw_pictures
    from sprint.plan.schema import Drawing

    plan = _plan(preset)
    drawing = Drawing(asked_guidance(kind, scale, plan.preset.evaluate), plan.preset.evaluate.attention)
    draw_pictures(_trained(plan, run), plan.preset.evaluate, drawing, count, out)
    print(f"{count} images in {out}, {drawing.text()}")


@app.command()
def evaluate(
    run: Annotated[str, typer.Argument(help="A run's name, or a folder that `sprint import` wrote.")] = "",
    preset: Preset = "digits",
    sweep: Annotated[str, typer.Option(help="A study whose sweep to evaluate, not the preset's.")] = "",
    images: Annotated[Path | None, typer.Option(help="Instead of a run: a folder of images, or .npy, .npz.")] = None,
    reference: Annotated[str, typer.Option(help="With --images: the same, an .npz of mu and sigma, a preset.")] = "",
    extractor: Annotated[str, typer.Option(help="With --images: inception, dinov2, digits-cnn, ...")] = "inception",
    extractor_weights: Annotated[Path | None, typer.Option(help="A file of them, not the usual cache's.")] = None,
    resize: Annotated[str, typer.Option(help="adm (as data are read), bicubic, bilinear, lanczos, box, none.")] = "adm",
    out: Annotated[Path | None, typer.Option(help="With --images: a JSON file for the metrics.")] = None,
):
    """Measure a run: metrics.json, or sweeps/<study>/<run>.json. Or measure images that did not come from us.

    Of a run of a tuning seed only the held-out loss and a few images to be looked at are asked for."""
    if bool(run) == bool(images) or bool(images) != bool(reference):
        raise UserError("evaluate takes either a run, or --images and --reference")
    if images:
        from sprint.evaluation.images import evaluate_images, print_result

        return print_result(evaluate_images(images, reference, extractor, extractor_weights, resize, preset, out))
    from sprint.cli.launch import over_devices
    from sprint.cli.remaining import say_remaining
    from sprint.diffusion.guidance import GUIDANCES, Guidance
    from sprint.evaluation.runs import evaluate as evaluate_run
    from sprint.plan.schema import Drawing

    plan = _plan(preset)
    over_devices(plan.preset)
    trained, results = _trained(plan, run), _results(preset)
    run = trained.folder.name
    drawings = plan.study(sweep).sweeps.get(run, []) if sweep else []
    if sweep and not drawings:
        raise UserError(f"study {sweep!r} asks for no evaluation of run {run!r}")
    out = results / "sweeps" / sweep / f"{run}.json" if sweep else trained.folder / "metrics.json"
    evaluating, tuning = plan.preset.evaluate, trained.run.seed in plan.preset.tuning_seeds
    if tuning:
        evaluating = replace(evaluating, images=evaluating.grid)
        drawings = [Drawing(GUIDANCES[Guidance.usual](), evaluating.attention)]
    result = evaluate_run(trained, results, evaluating, drawings, out)
    if distributed.is_main():
        print(f"{run}: {result['state']}, {len(result['evaluations'])} evaluations in {out}")
        say_remaining(preset, results)


def _trained(plan, run: str):
    from sprint.evaluation.sampling import imported, trained_here

    if (Path(run) / "config.json").exists():
        return imported(Path(run), plan.preset.examples())
    return trained_here(plan.run(run), _results(plan.preset.name))


@app.command()
def compare(first: RunName, second: RunName, preset: Preset = "digits"):
    """Two settings side by side, over all their seeds: paired differences with intervals."""
    from sprint.cli.answers.compare import print_comparison

    print_comparison(_plan(preset), _results(preset), first, second)


@app.command()
def check(
    method: Annotated[str, typer.Argument(help="A file of sprint/methods.")],
    preset: Preset = "digits",
    drop: Annotated[float, finite("Share of the tokens that sparse training drops.")] = 0.75,
):
    """Hold a method to its contract, in words, and tell its costs beside dense; exit 0 if all holds."""
    from sprint.cli.answers.checking import check_method

    raise typer.Exit(not check_method(_plan(preset, data_too=False).preset, method, drop))


@app.command()
def cost(
    study: Annotated[str, typer.Argument(help="A study, whose runs' costs go to cost/<study>.json.")] = "",
    preset: Preset = "digits",
    model: Annotated[str, typer.Option(help="Instead of a study: a published size and patch, such as XL/2.")] = "",
    resolution: Annotated[int, whole(1, 4096, "Pixels; latents have an eighth of them a side.")] = 256,
    method: Annotated[str, typer.Option(help="A file of sprint/methods; usually that of every block and token.")] = "",
    frames: Annotated[
        int | None, whole(1, 1024, "Of a clip, for Latte's network in place of DiT's. [default: an image]")
    ] = None,
    drop: Annotated[float, finite("Share of the tokens that sparse training drops.")] = 0.0,
    split: Annotated[str, typer.Option(help="SPRINT's encoder/middle/decoder blocks, such as 2/24/2.")] = "",
    guidance: Annotated[str, typer.Option(help="A file of sprint/diffusion/guidance.")] = "none",
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
):
    """Count parameters, MACs and FLOPs: of a study's runs, or of a network of published size."""
    if bool(study) == bool(model):
        raise UserError("cost takes either a study or --model, such as --model XL/2")
    if frames:
        from sprint.cost.papers import print_clip_cost
        from sprint.diffusion.guidance import Guidance

        if not model or method or drop or split or guidance != Guidance.usual:
            raise UserError("cost takes --frames with --model, --resolution and --json alone: of the dense network")
        return print_clip_cost(model, resolution, frames, as_json)
    if model:
        from sprint.cost.papers import print_cost

        return print_cost(model, resolution, method, drop, {"split": split} if split else {}, guidance, as_json)
    from sprint.plan.budget import cost_of
    from sprint.plan.code import of_attentions
    from sprint.plan.targets import code_of
    from sprint.runtime.results import COST

    plan = _plan(preset)
    found = plan.study(study)
    attentions = plan.attentions(found)
    costs = {run.name: cost_of(run, attentions) for run in found.runs}
    COST.write(
        _results(preset) / "cost" / f"{study}.json",
        {"study": study, "runs": costs, "code": code_of(found.runs) | of_attentions(attentions)},
    )


@app.command()
def report(
    study: Annotated[str, typer.Argument(help="A study, or nothing for the whole report.")] = "",
    preset: Preset = "digits",
    against: Annotated[
        Path | None, typer.Option(help="Other results, such as old/results, to hold these against.")
    ] = None,
):
    """Render what is there, at any moment, into reports/<preset>/: index.html and its pages, report.html to mail.

    Of one study: reports/<preset>/<study>.html, its runs and its CSV.
    """
    from sprint.cli.listing import for_report
    from sprint.cli.remaining import progress
    from sprint.plan.outline import outline_of
    from sprint.report import render_index, render_study

    if study and against:
        raise UserError(
            f"--against is {against} and the study {study!r}; allowed: one of them, for it compares all studies"
        )

    plan = _plan(preset, data_too=False)
    out = Path("reports") / preset / f"{study or 'index'}.html"
    if study:
        render_study(preset, _results(preset), for_report(plan, plan.study(study)), out)
    else:
        plans = [for_report(plan, plan.study(name)) for name in plan.preset.studies]
        render_index(preset, _results(preset), plans, out, progress(outline_of(plan), _results(preset)), against)
    print(out)


def keep_memory() -> None:
    """Have the C library keep what freed tensors leave: given back, each page costs a fault when the next step asks."""
    with contextlib.suppress(AttributeError, OSError):  # not glibc
        for parameter, threshold in KEEP.items():
            ctypes.CDLL(None).mallopt(parameter, threshold)


def main() -> None:
    """Run the command; what is the user's to mend is one sentence and exit status 2."""
    keep_memory()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # where the locale has no letter for it
    try:
        app()
    except SystemExit as ended:
        if ended.code == STOPPED:
            print("sprint: stopped by the keyboard; the same command goes on from what is on disk", file=sys.stderr)
        raise
    except Exception as error:
        if not (said := sentence(error)):
            raise
        print(f"sprint: {said}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
