"""What runs will take on devices that are not here yet: time, memory and disk, each number with what it assumes.

    sprint forecast paper --preset imagenet256_b2 --devices 8 --rate 400
    sprint forecast methods --bench results/digits/throughput/methods.json

Time is work, counted in images and FLOPs, over speed: a rate that is given, or what `sprint bench train` or `sprint
bench study` measured. Plain arithmetic, without torch; bench/workload.py counts the work.
"""

from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from sprint.runtime.errors import UserError
from sprint.runtime.files import read_json

STATE = 20  # bytes of a parameter on a device in training: itself, its average, two moments and its gradient, float32
KEPT = 16  # of them in a checkpoint; two are kept, and a third is being written
AVERAGE = 4  # of a milestone
SAMPLING = "sample_"  # how the names of what is sampled begin


@dataclass(frozen=True)
class Part:
    """Work of one kind."""

    what: str  # train, finetune, or sample_<guidance>, as `sprint bench study` calls what it measures
    images: float  # that go through: of sampling, once for each evaluation of the guided velocity
    flops: float  # of one of them: of training, forward and backward
    again: float = 1.0  # so many times the work, where activations are computed again


@dataclass(frozen=True)
class Work:
    """All that is known of a run before it is trained."""

    run: str
    label: str
    method: str
    parts: list[Part]
    parameters: int
    activations: int  # bytes that the largest pass of one device keeps for its backward pass
    milestones: int
    evaluations: int  # bytes that its evaluations leave


@dataclass(frozen=True)
class Speed:
    """How fast one device is: what was measured of the very run, else of its method, else of anything."""

    source: str
    rate: float  # FLOP/s of what nothing nearer was measured of
    by_method: dict[str, float] = field(default_factory=dict)  # FLOP/s of training steps
    by_run: dict[str, dict[str, float]] = field(default_factory=dict)  # images/s by run and Part.what

    def seconds(self, work: Work, part: Part) -> float:
        """Of a part of a run's work on one device."""
        measured = self.by_run.get(work.run, {})
        if part.what in measured:
            return part.again * part.images / measured[part.what]
        return part.again * part.images * part.flops / self.by_method.get(work.method, self.rate)

    def measured(self, work: Work) -> bool:
        """Whether every part of a run was measured itself."""
        return all(part.what in self.by_run.get(work.run, {}) for part in work.parts)


@dataclass(frozen=True)
class Forecast:
    """Of one run."""

    run: str
    label: str
    training_hours: float  # of one device: GPU-hours
    evaluation_hours: float
    memory: int  # bytes on each device while it trains
    checkpoints: int  # bytes while it trains
    kept: int  # bytes that stay: milestones, and what evaluations leave
    measured: bool

    @property
    def hours(self) -> float:
        return self.training_hours + self.evaluation_hours


def forecast(work: Work, speed: Speed) -> Forecast:
    """Time, memory and disk of a run."""
    training = [part for part in work.parts if not part.what.startswith(SAMPLING)]
    spent = sum(speed.seconds(work, part) for part in training)
    sampling = sum(speed.seconds(work, part) for part in work.parts if part not in training)
    return Forecast(
        work.run,
        work.label,
        spent / 3600,
        sampling / 3600,
        STATE * work.parameters + work.activations,
        3 * KEPT * work.parameters if training else 0,
        AVERAGE * work.parameters * work.milestones + work.evaluations,
        speed.measured(work),
    )


def at_rate(teraflops: float) -> Speed:
    """A rate that is assumed."""
    return Speed(f"{teraflops:g} TFLOP/s of each device, given by --rate", teraflops * 1e12)


def from_file(path: Path, works: list[Work]) -> Speed:
    """What a file of `sprint bench train` or `sprint bench study` measured. Raises UserError for any other."""
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("runs", content.get("rows")), dict | list):
        raise UserError(f"--bench is {str(path)!r}; allowed: a file of `sprint bench train` or `sprint bench study`")
    try:
        return _of_study(path, content, works) if "runs" in content else _of_methods(path, content)
    except (KeyError, TypeError, AttributeError, IndexError, ZeroDivisionError) as error:
        raise UserError(
            f"{path}: lacks what `sprint bench train` or `sprint bench study` writes ({type(error).__name__}: {error})"
        ) from error


def _of_methods(path: Path, content: dict) -> Speed:
    rates = {row["method"]: float(row["flops_per_second"]) for row in content["rows"]}
    base = content["rows"][0]  # the yardstick comes first
    source = (
        f"{path}: FLOP/s of training steps by method, others at those of {base['method']}; measured at batch "
        f"{base['batch']} and {base['tokens']} tokens of width {content['model']['width']} on {_machine(content)}"
    )
    return Speed(source, rates[base["method"]], rates)


def _of_study(path: Path, content: dict, works: list[Work]) -> Speed:
    speeds = {
        run: {what: float(taken["median"]) for what, taken in found.items()} for run, found in content["runs"].items()
    }
    rates = [
        part.flops * speeds[work.run][part.what]
        for work in works
        for part in work.parts
        if part.what in speeds.get(work.run, {})
    ]
    if not rates:
        raise UserError(f"{path}: measured none of these runs; allowed: the file of a study that holds one of them")
    source = f"{path}: images a second of each run, at batch {content['batch']} on {_machine(content)}"
    return Speed(source, median(rates), {}, speeds)


def _machine(content: dict) -> str:
    machine = content["machine"]
    device = machine["processor"] if machine["gpu"] == "none" else machine["gpu"]
    return f"{device}, {content['threads']} thread{'s' * (content['threads'] > 1)}"
