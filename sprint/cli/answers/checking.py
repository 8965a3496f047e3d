"""`sprint check METHOD`: the contract of a method in words, on a small network, and its costs at a preset's scale."""

from dataclasses import replace

from rich.table import Table

from sprint.methods import YARDSTICK
from sprint.plan.budget import cost_of
from sprint.plan.reading import Entry, make_run
from sprint.plan.schema import Preset, Run
from sprint.runtime.errors import UserError
from sprint.runtime.progress import console
from sprint.training.contract import CHEAPEST, PROPOSITIONS

SMALL = {"width": 32, "heads": 2}  # the preset's backbone otherwise, on a grid of at most
GRID = 8


def check_method(preset: Preset, method: str, drop: float) -> bool:
    """Print each proposition with "ok" or what is wrong, and the costs beside dense; whether all hold."""
    if not 0 <= drop < 1:
        raise UserError(f"drop is {drop:g}; allowed: a share of the tokens, from 0 to less than 1")
    grid = min(GRID, preset.image_size // preset.model.patch)
    small = replace(preset, image_size=grid * preset.model.patch, model=replace(preset.model, **SMALL))
    runs, right = _runs(small, method, drop), True
    ratios = " and ".join(f"{run.drop:g}" for run in runs)
    print(f"{method} at drop {ratios}, width {small.model.width}, {grid} x {grid} tokens:")
    for proposition in PROPOSITIONS:
        wrong = next((said for run in runs if (said := _said(proposition, run))), "")
        print(f"{'WRONG' if wrong else 'ok':6}{proposition.__doc__}{wrong and f': {wrong}'}")
        right = right and not wrong
    if any(_said(proposition, run) for proposition in CHEAPEST for run in runs):
        print("costs: not told, as they would be wrong")
    else:
        _print_costs(preset, method, drop)
    return right


def _runs(preset: Preset, method: str, drop: float) -> list[Run]:
    """Runs of the method on all tokens and at a drop ratio, where it can. Raises UserError where it can neither."""
    found, reasons = [], []
    for ratio in dict.fromkeys((0.0, drop)):
        try:
            found.append(make_run(preset, Entry(method, ratio), 0, method))
        except UserError as error:
            reasons.append(error)
    if not found:
        raise reasons[0]
    return found


def _said(proposition, run: Run) -> str:
    """What is wrong with a run; "" where the proposition holds."""
    try:
        proposition(run)
    except UserError as broken:
        return f"at drop {run.drop:g}, {broken}"
    except Exception as error:  # a method's own mistake, whatever it is
        return f"at drop {run.drop:g}, it raises {type(error).__name__} ({' '.join(str(error).split())[:200]})"
    return ""


def _print_costs(preset: Preset, method: str, drop: float) -> None:
    base, own = (cost_of(_runs(preset, name, drop)[-1]) for name in (YARDSTICK, method))
    table = Table(f"at preset {preset.name}", method, YARDSTICK, "ratio", box=None, padding=(0, 2, 0, 0))
    rows = {
        "parameters": "params",
        "MAC of a forward pass, all tokens": "forward_macs",
        "training FLOP of an image, sparse stage": "train_flops_per_image",
        "training FLOP of an image, full tokens": "finetune_flops_per_image",
        "training FLOP in all": "train_flops",
    }
    for title, key in rows.items():
        table.add_row(title, f"{own[key]:,}", f"{base[key]:,}", f"{own[key] / base[key]:.3f}")
    console().print(table)
