"""A trained network asked with another attention: how fast it is, and how far its velocity is from that of dense.

    sprint bench attention RUN --preset digits

The weights are asked on grids of more tokens than they were trained on as well, of the same pictures made larger, for
that is where attention costs: a stand-in for quality where no network of so many tokens can be trained here.
"""

import math
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F

from sprint.bench import clock
from sprint.data import Examples
from sprint.diffusion.attending import InItsPlace
from sprint.diffusion.attention import ATTENTIONS, Attention, text
from sprint.diffusion.denoiser import Model
from sprint.diffusion.path import interpolate
from sprint.evaluation.sampling import Trained, load_network
from sprint.runtime import provenance
from sprint.runtime.errors import UserError
from sprint.runtime.files import write_json
from sprint.runtime.results import TRAIN
from sprint.runtime.rng import generator

TIMES = (0.25, 0.5, 0.75)  # of the noisy pictures at which velocities are compared
DENSITIES = (0.125, 0.25, 0.5)


def bench_attention(trained: Trained, tokens: list[int], repeats: int, threads: int, out: Path) -> dict:
    """Measure the last weights of a run under every attention on every grid; write and return what was found."""
    torch.set_num_threads(threads)
    milestones = TRAIN.read(trained.folder / "train.json")["milestones"]
    if not milestones:
        raise UserError(f"{trained.folder}: ended before its first milestone; there are no weights to ask")
    model, _ = load_network(trained, milestones[-1]["step"])
    examples = trained.run.examples()
    rows = [row for count in tokens for row in compared(on_grid(model, count), examples, repeats)]
    result = {**provenance.measurement("attention", threads), "run": trained.run.name, "times": TIMES, "rows": rows}
    write_json(out, result)
    return result


def asked() -> list[Attention]:
    """Every attention as it usually is, the usual one first, and at several densities where it has one."""
    usual = ATTENTIONS[Attention.usual]()
    found = [usual]
    for one in [ATTENTIONS[name]() for name in ATTENTIONS if name != Attention.usual]:
        found += [replace(one, density=density) for density in DENSITIES] if "density" in one.document() else [one]
    return found


def on_grid(model: Model, tokens: int) -> Model:
    """The same weights on a square grid of so many tokens. Raises UserError where its positions were learned."""
    config, backbone = model.config, model.config.backbone
    size = math.isqrt(tokens) * backbone.patch
    wider = Model(replace(config, size=size, backbone=backbone.on(size, backbone.drop)))
    try:
        wider.load_state_dict(model.state_dict())
    except RuntimeError as error:
        raise UserError(f"its weights are of {backbone.tokens} tokens and fit no other number of them") from error
    return wider.to(next(model.parameters()).device).eval()


@torch.inference_mode()
def compared(model: Model, examples: Examples, repeats: int) -> list[dict]:
    """Seconds of one picture's velocity under each attention, in turns, and its distance from that of the first."""
    place, size = next(model.parameters()).device, model.config.size
    clean, labels = (part.to(place) for part in examples.signal(examples.data_set.training[:1], 0, 0))
    clean = F.interpolate(clean, (size, size), mode="bilinear", align_corners=False).expand(len(TIMES), -1, -1, -1)
    noise = torch.randn(clean.shape, generator=generator("attention", size)).to(place)
    t_B, labels = torch.tensor(TIMES, device=place), labels.expand(len(TIMES))
    noisy = interpolate(clean, noise, t_B)

    def velocity(attention: Attention) -> torch.Tensor:
        with InItsPlace(attention):
            return model.image(noisy, t_B, labels)

    attentions = asked()
    tasks = {number: (lambda one=one: velocity(one)) for number, one in enumerate(attentions)}
    seconds = clock.in_turns(tasks, repeats, "measuring attention")
    exact = velocity(attentions[0])
    return [
        {
            "tokens": model.config.backbone.tokens,
            "attention": one.document(),
            "seconds": clock.summary(seconds[number]),
            "of_dense": clock.summary([of / own for of, own in zip(seconds[0], seconds[number], strict=True)]),
            "relative_error": ((velocity(one) - exact).norm() / exact.norm()).item(),
        }
        for number, one in enumerate(attentions)
    ]


def print_attention(result: dict) -> None:
    """A line for each attention and grid."""
    print(f"{result['run']}: velocity of {len(result['times'])} noisy pictures")
    print(f"{'tokens':>7} {'attention':28} {'ms':>9} {'× dense':>8} {'relative error':>15}")
    for row in result["rows"]:
        times = f"{1e3 * row['seconds']['median']:9.2f} {row['of_dense']['median']:8.2f}"
        print(f"{row['tokens']:7} {text(row['attention']):28} {times} {row['relative_error']:15.2g}")
