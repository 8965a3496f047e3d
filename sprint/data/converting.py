"""Shards of latents that somebody stored otherwise.

sprint data convert SOURCE FOLDER
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from sprint.data.facts import Facts, found_facts, unscaled
from sprint.data.layouts import LAYOUTS, MEAN_STD, PIXELS, SAMPLE, Layout, open_layout
from sprint.data.store import Content, evenly, write_store
from sprint.runtime.errors import UserError


def convert(source: Path, folder: Path, given: Facts, classes: int | None, held_out: int, shard: int | None) -> None:
    """Write the latents of any layout as shards; what its numbers do not tell has to be given."""
    layout = open_layout(source)
    layout.check()
    if layout.kind == PIXELS:
        raise UserError(f"{source}: holds pictures; latents of them are made by sprint data encode {source} {folder}")
    facts = found_facts(layout, given)
    if facts.open:
        raise UserError(facts.open[0])
    if layout.path.resolve() == Path(folder).resolve():
        raise UserError(f"{folder}: is the source itself; name another folder")
    labels = layout.labels(np.arange(len(layout)))
    if classes and labels.max() >= classes:
        raise UserError(f"{source}: has label {labels.max()}; allowed with {classes} classes: at most {classes - 1}")
    content = _content(layout, facts, labels, classes or int(labels.max()) + 1, held_out)
    write_store(folder, content, shard, f"converting {source}")


def _content(layout: Layout, facts: Facts, labels: np.ndarray, classes: int, held_out: int) -> Content:
    def rows(indices: np.ndarray, mirrored: bool) -> np.ndarray:
        mean, std = unscaled(layout.read(indices, mirrored), facts)
        return mean if facts.kind == SAMPLE else np.concatenate([mean, std], axis=1)

    read_as = {"kind": facts.kind, "vae_input": list(facts.vae_input), "scale": facts.scale, "shift": facts.shift}
    return Content(
        rows=rows,
        labels=labels,
        classes=classes,
        shape=layout.shape,
        facts=replace(facts, kind=SAMPLE if facts.kind == SAMPLE else MEAN_STD),
        mirrored=layout.mirrored,
        held_out=layout.held_out() or evenly(len(layout), held_out),
        made_of={"layout": LAYOUTS.name_of(type(layout)), "sha256": layout.identity(), **read_as, "held_out": held_out},
    )
