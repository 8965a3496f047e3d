"""`sprint init`: a preset for a folder of pictures, with what it will cost in time."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # other commands load none of it
    from sprint.bench.first_run import Forecast
    from sprint.plan.proposal import Scale, Survey

AFFORDED = 10 * 60  # seconds of the first run, where fewer steps can keep it so short


def init(
    images: Annotated[Path, typer.Option(help="A folder with one folder of pictures for each class.")],
    name: Annotated[str, typer.Option(help="Of the preset; left out, the folder's.")] = "",
):
    """Write a preset for your own pictures: sizes, steps, and how long the runs will take on this machine."""
    import torch

    from sprint.plan import proposal
    from sprint.plan.reading import PRESETS
    from sprint.runtime.files import refuse_unwritable, write_bytes

    name = proposal.preset_name(name, images)
    path = PRESETS / f"{name}.yaml"
    refuse_unwritable(PRESETS)
    found = proposal.survey(images)
    scale = proposal.propose(found, torch.cuda.is_available())
    content, expected = _timed(name, path, found, scale)
    if expected.first > AFFORDED:
        fewer = max(proposal.FEWEST, int(scale.steps * AFFORDED / expected.first))
        content, expected = _timed(name, path, found, replace(scale, steps=fewer))
    text = proposal.preset_text(name, found, content, expected.every / 3600, scale.graphics)
    write_bytes(path, text.encode())
    _say(found, content, expected)
    print(f"wrote {path}; next: snakemake --cores all --config preset={name}")


def _timed(name: str, path: Path, found: "Survey", scale: "Scale") -> tuple[dict, "Forecast"]:
    from sprint.bench.first_run import forecast
    from sprint.plan import proposal
    from sprint.plan.ranges import check_preset
    from sprint.plan.reading import STUDIES, load_study
    from sprint.plan.schema import Preset
    from sprint.runtime.strict import build

    content = proposal.document(name, found, scale)
    preset = build(Preset, {"name": name, **content}, str(path))
    check_preset(preset, str(path))
    studies = [load_study(STUDIES / f"{study}.yaml", preset) for study in preset.studies]
    return content, forecast(preset, studies)


def _say(found: "Survey", content: dict, expected: "Forecast") -> None:
    from sprint.bench.first_run import duration

    counts = sorted(found.classes.values())
    sides, model, train = found.smaller_sides, content["model"], content["train"]
    print(
        f"found     {found.count:,} pictures, {'grey' if found.grey else 'colour'}, smaller side {sides[0]} to "
        f"{sides[-1]} pixels; {len(counts)} classes of {counts[0]} to {counts[-1]} pictures"
    )
    print(
        f"proposed  image_size {content['image_size']}, patch {model['patch']}: {expected.tokens} tokens; width "
        f"{model['width']}, depth {model['depth']}; {train['steps']} steps of {train['batch']} images"
    )
    print(
        f"time      {duration(expected.first)} for the first run, {duration(expected.every)} for all {expected.runs} "
        f"runs of its studies: {expected.assumption}"
    )
