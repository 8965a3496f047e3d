"""What papers claim, as rules that numbers meet or do not meet: the `claims` of ablations/published.yaml.

A rule compares what `of` selects with what `over` selects and has one threshold: `at_most: 1.1`, or `at_least: 1.5`.
statistics/decide.py says what comes of it. A claim may have several rules: it is met when all are, not met when one is
not. A claim carries the date on which its rules were fixed, and each rule a hash of its content, so that a report shows
which rules it was judged by. The seeds that chose learning rates judge nothing (`refuse_tuning`). The file is read
strictly: an unknown key ends with a sentence. No torch.

    of, over   method, drop, subsampling, backbone, teacher, settings, model, train, guidance. Runs whose settings
               differ from the preset's usual in a key that is not named are not meant.
    guidance   none, cfg, pdg, ...: the best scale of that kind; best: the best of all that was evaluated
    study      where to look; without it, in all studies of the report
    metric     distance (the one that ranks settings), a metric's name, or cost/<key> of the run's modelled cost, such
               as cost/train_flops; cost/sampling_flops_per_step is that of the selector's kind of guidance. A side may
               name another metric than the rule
    effect     ratio (of over over), or difference
    needs      depth: the rule says nothing where few blocks do as well as all of them (report/judging/gate.py)
"""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sprint.runtime.errors import UserError
from sprint.runtime.strict import build, describe, inside, ranged, read_yaml

DISTANCE, COST, DEPTH = "distance", "cost/", "depth"
METRIC = re.compile(r"[a-z_]+(/[A-Za-z0-9_-]+)?")


@dataclass(frozen=True)
class Selector:
    """Which runs, and which of their evaluations."""

    method: str
    drop: float = 0.0
    subsampling: str = ""  # "": whatever is usual
    backbone: str = ""  # another than the preset's
    teacher: str = ""
    settings: dict = field(default_factory=dict)
    model: dict = field(default_factory=dict)
    train: dict = field(default_factory=dict)
    guidance: str = "best"
    metric: str = ""  # "": the rule's

    @property
    def asked(self) -> dict:
        """What sets the runs apart, by key."""
        named = {key: getattr(self, key) for key in ("backbone", "teacher", "subsampling") if getattr(self, key)}
        return {**self.settings, **self.model, **self.train, **named}

    def text(self, guided: bool = True) -> str:
        parts = [f"{self.method} {100 * self.drop:g}%", *(f"{key} {value}" for key, value in self.asked.items())]
        parts += [self.metric] if self.metric else []
        guidance = "unguided" if self.guidance == "none" else f"guidance {self.guidance}"
        return ", ".join([*parts, guidance] if guided else parts)


@dataclass(frozen=True)
class Rule:
    """One comparison and the threshold that decides it; one of `at_most` and `at_least` is given."""

    metric: str
    of: Selector
    over: Selector
    at_most: float = math.inf
    at_least: float = -math.inf
    effect: str = ranged(allowed=("ratio", "difference"), default="ratio")
    study: str = ""
    needs: str = ranged(allowed=("", DEPTH), default="")

    @property
    def exact(self) -> bool:
        """Whether it is about modelled costs, which no seed moves."""
        return self.metric.startswith(COST)

    @property
    def threshold(self) -> float:
        return self.at_most if math.isfinite(self.at_most) else self.at_least

    @property
    def upper(self) -> bool:
        """Whether the effect may be at most as much as the threshold."""
        return math.isfinite(self.at_most)

    @property
    def hash(self) -> str:
        """The first letters of a hash of all that the rule says; what it leaves out does not count."""
        said = json.dumps(_said(self), sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:8]

    def text(self) -> str:
        """The rule as the report shows it."""
        location = f" in study {self.study}" if self.study else ""
        guided = not self.exact or self.of.guidance != "best"
        word = "over" if self.effect == "ratio" else "minus"
        bound = f"at {'most' if self.upper else 'least'} {self.threshold:g}"
        return (
            f"{self.effect} of {self.metric}: {self.of.text(guided)}, {word} {self.over.text(guided)}{location}; "
            f"met if {bound}"
        )


def _said(value: object) -> object:
    """A dataclass as a mapping of what differs from its defaults."""
    if not dataclasses.is_dataclass(value):
        return value
    plain = {known.name: (getattr(value, known.name), known) for known in dataclasses.fields(value)}
    return {name: _said(one) for name, (one, known) in plain.items() if one != _usual(known)}


def _usual(known: dataclasses.Field) -> object:
    return known.default_factory() if known.default_factory is not dataclasses.MISSING else known.default


@dataclass(frozen=True)
class Claim:
    """A sentence from an abstract and how it is tested; without rules it says why it is not."""

    id: str
    method: str
    claim: str
    fixed: str = ""  # the date since which its rules are as they are
    rules: list[Rule] = field(default_factory=list)
    untested: str = ""


def read_claims(path: Path) -> list[Claim]:
    """The claims of a file, checked; none when the file is not there. Raises UserError naming file, key and value."""
    if not path.exists():
        return []
    found = []
    for number, content in enumerate(read_yaml(path).get("claims", [])):
        location = f"{path}: claims[{number}]"
        claim = build(Claim, content, location)
        for place, rule in enumerate(claim.rules):
            _check(rule, f"{location}.rules[{place}]")
        if bool(claim.rules) == bool(claim.untested):
            raise UserError(f"{location}: has {'both' if claim.rules else 'neither'} rules and untested; allowed: one")
        if claim.rules:
            _check_date(claim.fixed, inside(location, "fixed"))
        found.append(claim)
    return found


def _check(rule: Rule, location: str) -> None:
    if math.isfinite(rule.at_most) == math.isfinite(rule.at_least):
        raise UserError(f"{location}: has {'both' if rule.upper else 'neither'} at_most and at_least; allowed: one")
    if rule.effect == "ratio" and rule.threshold <= 0:
        raise UserError(f"{location}: the threshold of a ratio is {rule.threshold:g}; allowed: numbers above 0")
    for key, metric in (("metric", rule.metric), ("of.metric", rule.of.metric), ("over.metric", rule.over.metric)):
        if metric and not METRIC.fullmatch(metric):
            raise UserError(
                f"{inside(location, key)} is {describe(metric)}; allowed: {DISTANCE}, a metric such as accuracy or "
                "fd/<extractor>, or cost/<key>"
            )


def _check_date(text: str, location: str) -> None:
    try:
        fine = date.fromisoformat(text).isoformat() == text
    except ValueError:
        fine = False
    if not fine:
        raise UserError(f"{location} is {describe(text)}; allowed: the date since which the rules stand, '2026-01-31'")


def refuse_tuning(judging: Iterable[object], tuning: Iterable[object], location: str) -> None:
    """Raise UserError where a seed that chose learning rates would judge too: its luck chose them."""
    both = sorted(set(judging) & set(tuning), key=str)
    if both:
        raise UserError(
            f"{location} has seed {', '.join(map(str, both))}, with which learning rates were chosen; allowed: seeds "
            "that are used for nothing else"
        )
