"""How training speed scales with the number of tokens, method by method, beside what the model of cost says.

    snakemake --cores all scaling

The preset's backbone on images of random pixels, from few tokens to many. An image costs more the more tokens it has;
so the batch shrinks as they grow, down to one image.
"""

import math
from dataclasses import replace
from pathlib import Path

import torch

from sprint.bench.training import conditions, on_this_machine, row, runs_of, with_batch
from sprint.data import USUAL_CODEC
from sprint.methods import YARDSTICK
from sprint.plan.reading import Entry, make_run
from sprint.plan.schema import Preset
from sprint.runtime.results import SCALING

DROP = 0.75
IMAGES = 64


def with_tokens(preset: Preset, tokens: int) -> Preset:
    """The preset with images that make so many tokens, and a batch with as many tokens as it usually has."""
    examples = preset.examples()
    usual = preset.model.on(examples.size).tokens * preset.measure.batch
    return replace(
        with_batch(preset, max(1, usual // tokens)),
        data={"name": "noise", "channels": examples.channels, "classes": examples.classes, "images": IMAGES},
        codec=USUAL_CODEC,
        image_size=math.isqrt(tokens) * preset.model.patch,
    )


def bench_scaling(preset: Preset, methods: set[str], threads: int, out: Path) -> dict:
    """Measure these methods and the yardstick at all numbers of tokens of `measure`; write and return it all."""
    torch.set_num_threads(threads)
    rows, impossible = [], []
    for tokens in preset.measure.tokens:
        scaled = on_this_machine(with_tokens(preset, tokens), None)
        base = make_run(scaled, Entry(YARDSTICK), 0, YARDSTICK)
        runs, refused = runs_of(scaled, [], DROP)
        asked = [run for run in runs if run.method in methods]
        rows += [row(base, run, preset.measure.repeats) for run in (base, *asked)]
        impossible += [{"tokens": tokens, **one} for one in refused if one["method"] in methods]
    result = {**conditions(base, threads, "scaling"), "rows": rows, "impossible": impossible}
    SCALING.write(out, result)
    return result
