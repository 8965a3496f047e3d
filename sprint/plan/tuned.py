"""The learning rates that study `tuning` chose: workflow/tuned/<preset>.yaml, which a preset names by `tuned`.

    snakemake --cores all tuning --config preset=evening
    sprint tune --preset evening

Every method had the same number of trials, on seeds that are used for nothing else, judged by the held-out loss.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import yaml

from sprint.methods import METHODS
from sprint.plan.training import Training
from sprint.runtime.errors import UserError
from sprint.runtime.files import write_bytes
from sprint.runtime.strict import build, checked, inside, ranged, read_yaml
from sprint.statistics.trials import lowest, means

TUNED = Path("workflow/tuned")


@dataclass(frozen=True)
class Chosen:
    """What was tried for one method."""

    rate: float = ranged(1e-6, 1e6)  # of both learning rates, in multiples of the preset's
    edge: bool  # whether it is the lowest or the highest that was tried
    losses: dict  # held-out loss by rate, the mean over the tuning seeds


@dataclass(frozen=True)
class Tuned:
    """The file: what was chosen, and where that came from."""

    preset: str
    study: str
    metric: str
    seeds: list[int]
    date: str
    chosen: dict  # by method: Chosen


def at_rate(train: Training, rate: float) -> Training:
    """The schedule with both learning rates multiplied."""
    return replace(
        train, learning_rate=train.learning_rate * rate, finetune_learning_rate=train.finetune_learning_rate * rate
    )


def read_tuned(path: Path, location: str) -> Tuned:
    """The file. Raises UserError, naming `location`, where it is missing, and file and key for what is not right."""
    if not path.is_file():
        raise UserError(
            f"{location} is {str(path)!r}, which is no file; allowed: one that `sprint tune` wrote, or leave it out"
        )
    found = build(Tuned, read_yaml(path), str(path))
    chosen = {}
    for method, content in found.chosen.items():
        place = inside(f"{path}: chosen", str(method))
        checked(place, lambda method=method: METHODS[str(method)])
        chosen[method] = build(Chosen, content, place)
    return replace(found, chosen=chosen)


def read_rates(path: Path, location: str) -> dict[str, float]:
    """The chosen rate of every method in the file."""
    return {method: one.rate for method, one in read_tuned(path, location).chosen.items()}


def choose(losses: dict[str, dict[float, list[float]]]) -> dict[str, Chosen]:
    """The rate with the lowest mean loss of each method, from its losses by rate; infinite where it diverged.

    Raises UserError where a method diverged at every rate.
    """
    chosen = {}
    for method, tried in losses.items():
        found = means(tried)
        if (best := lowest(found)) is None:
            raise UserError(f"method {method!r} diverged at every rate: {', '.join(f'{rate:g}' for rate in found)}")
        chosen[method] = Chosen(*best, found)
    return chosen


def write_tuned(path: Path, tuned: Tuned) -> None:
    """The file as `read_tuned` reads it, whole or not at all."""
    content = asdict(tuned)
    text = yaml.safe_dump(content, sort_keys=False)
    write_bytes(path, f"# Written by `sprint tune --preset {tuned.preset}`.\n{text}".encode())
