"""`sprint train`: one run, alone or shared by processes; what will take very long on this machine is said before."""

import sys
from pathlib import Path

import typer

from sprint.cli.flags import Preset, RunName
from sprint.runtime import distributed
from sprint.runtime.code import remark
from sprint.runtime.results import TRAIN


def train(run: RunName, preset: Preset = "digits"):
    """Train one run, or go on with it from its last checkpoint; import one that is a published checkpoint."""
    from sprint.cli.launch import over_devices
    from sprint.cli.remaining import say_remaining
    from sprint.plan.reading import load_plan
    from sprint.runtime.status import Interrupted, refused

    results = Path("results") / preset
    with refused(results / "runs" / run):
        plan = load_plan(preset)
        planned = plan.run(run)
    folder = results / "runs" / planned.name
    if planned.checkpoint:
        from sprint.training.imported import import_run

        said = import_run(planned, folder).get("published", {}).get("said", [])
        print("\n".join([f"{planned.name}: imported from {planned.checkpoint['path']}", *said]))
        return say_remaining(preset, results)
    over_devices(plan.preset)
    from sprint.bench.first_run import warning
    from sprint.training.loop import train as train_run

    begun = any((folder / name).exists() for name in ("train.json", "checkpoints"))
    if distributed.is_main() and not begun and (long := warning(planned, plan.preset)):
        print(f"sprint: {planned.name}: {long}", file=sys.stderr)
    try:
        result = train_run(planned, folder, plan.preset.passes)
    except Interrupted as stopped:
        if distributed.is_main():
            print(f"sprint: {stopped}", file=sys.stderr)
        raise typer.Exit(distributed.RESUMABLE) from None
    if not distributed.is_main():
        return
    if other := remark(result):
        anew = TRAIN.command(folder / "train.json")
        print(f"sprint: {run}: {other}; `{anew}` trains it anew", file=sys.stderr)
    what = result["reason"] or f"last loss {result['losses'][-1][1]:.4f}"
    steps = f"{result['step']} of {result['steps']} steps"
    print(f"{planned.name}: {result['state']} after {steps}, {result['seconds']:.0f} s, {what}")
    say_remaining(preset, results)
