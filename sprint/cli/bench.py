"""The commands of `sprint bench`: measured speed and memory. Nothing else should run beside them."""

import os
from pathlib import Path
from typing import Annotated

import typer

from sprint.cli.flags import Preset, finite, whole
from sprint.runtime.errors import UserError

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, help="Measure speed and memory."
)

Threads = Annotated[int, whole(1, 1024, "CPU threads.")]
Repeats = Annotated[int, whole(1, 1024, "Timed turns, after one to warm up.")]
Size = Annotated[str, typer.Option(help="A published size and patch, such as S/2. [default: S/2, on a GPU XL/2]")]
Batch = Annotated[
    int | None, whole(1, 1 << 20, "Images a step, halved until they fit a GPU. [default: 8, on a GPU 256]")
]
Resolution = Annotated[int, whole(1, 4096, "Pixels; latents have an eighth of them a side.")]
Methods = Annotated[list[str], typer.Option("--method", help="May be given several times. [default: all]")]
Drop = Annotated[float, finite("Share of the tokens that sparse training drops.")]
Compiled = Annotated[bool | None, typer.Option("--compile/--no-compile", help="torch.compile. [default: on a GPU]")]
CORES = os.cpu_count() or 1


@app.command()
def train(
    model: Size = "",
    resolution: Resolution = 256,
    methods: Methods = [],  # noqa: B006 - typer reads it, nobody writes it
    drop: Drop = 0.75,
    batch: Batch = None,
    repeats: Repeats = 5,
    threads: Threads = CORES,
    compiled: Compiled = None,
    out: Annotated[Path, typer.Option(help="JSON file.")] = Path("results/bench/train.json"),
):
    """Training steps of each method, in turns with the dense network, and the dense one with a plain DiT."""
    from sprint.bench.show import print_training
    from sprint.bench.training import bench_train

    preset = _sized(model, resolution, batch, compiled)
    print_training(bench_train(preset, _known(methods), _share(drop), repeats, threads, _writable(out)))


@app.command()
def sample(
    model: Size = "",
    resolution: Resolution = 256,
    methods: Methods = [],  # noqa: B006
    drop: Drop = 0.75,
    batch: Batch = None,
    repeats: Repeats = 5,
    threads: Threads = CORES,
    compiled: Compiled = None,
    out: Annotated[Path, typer.Option(help="JSON file.")] = Path("results/bench/sample.json"),
):
    """Sampling steps of each method under each guidance."""
    from sprint.bench.sampling import bench_sample
    from sprint.bench.show import print_sampling

    preset = _sized(model, resolution, batch, compiled)
    print_sampling(bench_sample(preset, _known(methods), _share(drop), repeats, threads, _writable(out)))


@app.command()
def evaluate(
    preset: Preset = "digits",
    repeats: Repeats = 3,
    threads: Threads = CORES,
    rows: Annotated[
        int | None, whole(2, 1 << 20, "Instead of a preset's images so many made features on either side.")
    ] = None,
    dim: Annotated[int, whole(1, 1 << 14, "Dimensions of made features.")] = 2048,
    out: Annotated[Path, typer.Option(help="JSON file.")] = Path("results/bench/evaluate.json"),
):
    """What an evaluation costs apart from sampling: features, metrics, bootstrap."""
    if rows is not None:
        from sprint.bench.rows import bench_rows
        from sprint.bench.show import print_rows

        return print_rows(bench_rows(rows, dim, threads, _writable(out)))
    from sprint.bench.evaluation import bench_evaluate
    from sprint.bench.show import print_evaluation
    from sprint.plan.reading import load_preset

    scale = load_preset(preset)
    print_evaluation(bench_evaluate(scale, Path("results") / preset, repeats, threads, _writable(out)))


@app.command()
def data(
    examples: Annotated[int, whole(256, 1 << 24, "Latents of 8 x 32 x 32 numbers that are made for it.")] = 200_000,
    out: Annotated[Path, typer.Option(help="JSON file; the latents lie beside it for as long.")] = Path(
        "results/bench/data.json"
    ),
):
    """Latents that a training draws a second on one core, its memory, and the time until its first batch."""
    from sprint.bench.data import bench_data
    from sprint.bench.show import print_data

    print_data(bench_data(examples, _writable(out)))


@app.command()
def scaling(
    preset: Preset = "digits",
    threads: Threads = CORES,
    out: Annotated[Path | None, typer.Option(help="JSON file. [default: results/<preset>/scaling.json]")] = None,
):
    """Training steps of each method of a preset's core studies with few tokens to many, at its width and depth."""
    from sprint.bench.scaling import bench_scaling
    from sprint.bench.show import print_training
    from sprint.plan.reading import load_plan

    plan = load_plan(preset)
    print_training(
        bench_scaling(
            plan.preset, plan.core_methods(), threads, _writable(out or Path("results") / preset / "scaling.json")
        )
    )


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="A study: a file of ablations/, without its ending.")],
    preset: Preset = "digits",
    threads: Threads = CORES,
):
    """Images per second of a study's runs, in training and sampling: results/<preset>/throughput/<study>.json."""
    from sprint.bench.study import measure_study
    from sprint.plan.reading import load_plan

    plan = load_plan(preset)
    out = Path("results") / preset / "throughput" / f"{name}.json"
    measure_study(plan.study(name), plan.preset, threads, out)


@app.command()
def attention(
    run: Annotated[str, typer.Argument(help="A trained run's name, or its beginning.")],
    preset: Preset = "digits",
    tokens: Annotated[list[int], typer.Option(help="May be given several times. [default: 256, 1024, 4096]")] = [],  # noqa: B006
    repeats: Repeats = 5,
    threads: Threads = CORES,
    out: Annotated[Path | None, typer.Option(help="JSON file. [default: results/<preset>/attention.json]")] = None,
):
    """A trained run asked with every attention, beside dense: its speed, and how far its velocity is off."""
    from sprint.bench.attention import bench_attention, print_attention
    from sprint.evaluation.sampling import trained_here
    from sprint.plan.ranges import check_tokens
    from sprint.plan.reading import load_plan

    plan, results = load_plan(preset), Path("results") / preset
    asked = sorted(tokens) or [256, 1024, 4096]
    check_tokens(asked, "--tokens")
    trained = trained_here(plan.run(run), results)
    print_attention(bench_attention(trained, asked, repeats, threads, _writable(out or results / "attention.json")))


def _sized(model: str, resolution: int, batch: int | None, compiled: bool | None):
    """The schedule of preset digits on a network of published size, as fits this machine."""
    import torch

    from sprint.bench.training import at_size, on_this_machine
    from sprint.plan.reading import load_preset

    graphics = torch.cuda.is_available()
    sized = at_size(
        load_preset("digits"), model or ("XL/2" if graphics else "S/2"), resolution, batch or (256 if graphics else 8)
    )
    return on_this_machine(sized, compiled)


def _known(methods: list[str]) -> list[str]:
    from sprint.methods import METHODS

    for method in methods:
        METHODS[method]
    return methods


def _share(drop: float) -> float:
    if not 0 <= drop < 1:
        raise UserError(f"--drop is {drop:g}; allowed: a share of the tokens, at least 0 and less than 1")
    return drop


def _writable(out: Path) -> Path:
    from sprint.runtime.files import refuse_unwritable

    if out.is_dir():
        raise UserError(f"--out is {str(out)!r}, which is a folder; allowed: a JSON file to write")
    refuse_unwritable(out.parent)
    return out
