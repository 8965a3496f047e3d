"""What papers claim, as rules that numbers can support or contradict: the `claims` of ablations/published.yaml.

A rule compares what `of` selects with what `over` selects and says which end of the 95% interval of the effect decides:
`supported: high <= 1.1`, `contradicted: low > 1.1`. The rules were written after the schedule of preset digits had been
tuned on some of the runs that they judge, so on that preset they are no test on fresh data. A claim may have several
rules: it is supported when all are, contradicted when one is. The file is read strictly: an unknown key ends with a
sentence. No torch.

    of, over   method, drop, subsampling, settings, train, guidance. Runs whose settings differ from the preset's usual
               in a key that is not named are not meant.
    guidance   none, cfg, pdg, ...: the best scale of that kind; best: the best of all that was evaluated
    study      where to look; without it, in all studies of the report
    metric     fd (of the first extractor), fd/<extractor>, accuracy, or cost/<key> of the run's modelled cost, such as
               cost/train_flops; cost/sampling_flops_per_step is that of the selector's kind of guidance
    effect     ratio (of over over), or difference
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from sprint.runtime.errors import UserError
from sprint.runtime.strict import build, describe, inside, read_yaml

EFFECTS = ("ratio", "difference")
CONDITION = re.compile(r"(low|high) (<=|<|>=|>) (-?\d+(?:\.\d+)?)")
METRIC = re.compile(r"fd|accuracy|[a-z_]+/[A-Za-z0-9_-]+|cost/[a-z_]+")


@dataclass(frozen=True)
class Selector:
    """Which runs, and which of their evaluations."""

    method: str
    drop: float = 0.0
    subsampling: str = ""  # "": whatever is usual
    settings: dict = field(default_factory=dict)
    train: dict = field(default_factory=dict)
    guidance: str = "best"

    def text(self, guided: bool = True) -> str:
        named = {**self.settings, **self.train, **({"subsampling": self.subsampling} if self.subsampling else {})}
        parts = [f"{self.method} {100 * self.drop:g}%", *(f"{key} {value}" for key, value in named.items())]
        guidance = "unguided" if self.guidance == "none" else f"guidance {self.guidance}"
        return ", ".join([*parts, guidance] if guided else parts)


@dataclass(frozen=True)
class Rule:
    """One comparison and what decides it."""

    metric: str
    of: Selector
    over: Selector
    supported: str
    contradicted: str
    effect: str = "ratio"
    study: str = ""

    def text(self) -> str:
        """The rule as the report shows it."""
        location = f" in study {self.study}" if self.study else ""
        guided = not self.metric.startswith("cost/") or self.of.guidance != "best"
        word = "over" if self.effect == "ratio" else "minus"
        return (
            f"{self.effect} of {self.metric}: {self.of.text(guided)}, {word} {self.over.text(guided)}{location}; "
            f"supported if {self.supported}, contradicted if {self.contradicted}"
        )


@dataclass(frozen=True)
class Claim:
    """A sentence from an abstract and how it is tested; without rules it says why it is not."""

    id: str
    method: str
    claim: str
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
        found.append(claim)
    return found


def _check(rule: Rule, location: str) -> None:
    if rule.effect not in EFFECTS:
        raise UserError(f"{inside(location, 'effect')} is {describe(rule.effect)}; allowed: {', '.join(EFFECTS)}")
    if not METRIC.fullmatch(rule.metric):
        raise UserError(
            f"{inside(location, 'metric')} is {describe(rule.metric)}; allowed: fd, fd/<extractor>, accuracy, "
            "<metric>/<extractor> or cost/<key>"
        )
    for key in ("supported", "contradicted"):
        if not CONDITION.fullmatch(getattr(rule, key)):
            raise UserError(
                f"{inside(location, key)} is {describe(getattr(rule, key))}; allowed: low or high, then one "
                "of <=, <, >=, >, then a number, such as 'high <= 1.1'"
            )


def holds(condition: str, low: float, high: float) -> bool:
    """Whether an interval meets a condition such as `high <= 1.1`."""
    end, relation, limit = CONDITION.fullmatch(condition).groups()
    value, bound = low if end == "low" else high, float(limit)
    return {"<=": value <= bound, "<": value < bound, ">=": value >= bound, ">": value > bound}[relation]
