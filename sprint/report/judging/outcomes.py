"""The outcome of every claim on a report's numbers: met, not met, not enough data, or not testable here.

Every rule that rests on seeds is tested together with all others (Holm, statistics/decide.py); one about modelled costs
is known exactly. A rule that needs depth is not testable where the gate refuses its metric.
"""

from dataclasses import dataclass, field

import numpy as np

from sprint.report.judging.gate import Gate, gate_of
from sprint.report.judging.sides import Missing, Side, Untestable, cost_of, select, told
from sprint.report.pairs import alone
from sprint.report.read import Study
from sprint.statistics.claims import Claim, Rule, refuse_tuning
from sprint.statistics.decide import LEVEL, MET, NOT_ENOUGH, NOT_MET, Hypothesis, decide, seeds_needed, within
from sprint.statistics.effects import Effect, effect

NOT_TESTABLE = "not testable"
OUTCOMES = (MET, NOT_MET, NOT_ENOUGH, NOT_TESTABLE)


@dataclass(frozen=True)
class Outcome:
    """One rule on the data: the outcome, the effect where there is one, and what else is to be known."""

    rule: Rule
    outcome: str
    effect: Effect | None = None
    why: str = ""
    seeds_needed: int | None = None  # where there is not enough data, and a number would do

    @property
    def testable(self) -> bool:
        return self.outcome != NOT_TESTABLE


@dataclass(frozen=True)
class Verdict:
    """One claim with the outcome of each of its rules."""

    claim: Claim
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """Not met when one rule is not, met when all are; what cannot be tested weighs more than what lacks data."""
        parts = [one.outcome for one in self.outcomes]
        weighed = (NOT_MET, NOT_TESTABLE, NOT_ENOUGH, MET)
        return next((one for one in weighed if one in parts), NOT_TESTABLE)

    @property
    def deciding(self) -> Outcome | None:
        """The rule that the outcome rests on: of those with it, the first that rests on seeds."""
        same = [one for one in self.outcomes if one.outcome == self.outcome]
        return next((one for one in same if not one.rule.exact), same[0] if same else None)


def verdicts(studies: list[Study], claims: list[Claim], tuning: tuple = ()) -> list[Verdict]:
    """The verdict on every claim, in the order of the file; `tuning` are seeds that chose learning rates.

    Raises UserError where one of those would judge.
    """
    gate, found, tests = gate_of(studies), {}, {}
    for claim in claims:
        for number, rule in enumerate(claim.rules):
            sides, known = _applied(studies, rule, gate)
            for side in sides:
                refuse_tuning([run.seed for run in side.runs], tuning, f"claim {claim.id}: study {side.study.name}")
            found[claim.id, number] = known
            if (test := _hypothesis(rule, known.effect)) and known.testable and not rule.exact:
                tests[claim.id, number] = test
    decided = decide(tests)
    return [
        Verdict(
            claim,
            [
                _decided(found[key], tests.get(key), decided.get(key), len(tests))
                for key in ((claim.id, number) for number in range(len(claim.rules)))
            ],
        )
        for claim in claims
    ]


def _applied(studies: list[Study], rule: Rule, gate: Gate) -> tuple[list[Side], Outcome]:
    """The sides of a rule, and its outcome before seeds are asked."""
    sides: list[Side] = []
    try:
        for selector in (rule.of, rule.over):
            sides.append(select(studies, rule, selector))
        if rule.needs and (why := gate.refuses(sides[0].metric)):
            raise Untestable(why)
        found = _exact(rule, *sides) if rule.exact else _effect(rule, *sides)
    except Untestable as reason:
        return sides, Outcome(rule, NOT_TESTABLE, why=str(reason))
    except Missing as reason:
        return sides, Outcome(rule, NOT_ENOUGH, why=str(reason))
    why = f"{told(sides[0], rule.of)} against {told(sides[1], rule.over)}"
    outcome = within(found.value, rule.threshold, rule.upper) if rule.exact else NOT_ENOUGH
    return sides, Outcome(rule, outcome, found, why)


def _exact(rule: Rule, of: Side, over: Side) -> Effect:
    first, second = cost_of(of, rule.of), cost_of(over, rule.over)
    value = first / second if rule.effect == "ratio" else first - second
    return Effect(value, rule.effect == "ratio", 0, value, value)


def _effect(rule: Rule, of: Side, over: Side) -> Effect:
    """The noise is pooled with that of the study's other settings where both sides are of one metric and study."""
    ratio = rule.effect == "ratio"
    if of.study is over.study and of.metric == over.metric:
        found = alone(of.study, of.metric, of.line, over.line, ratio)
    else:
        table = {name: side.line.metrics[side.metric].by_seed for name, side in (("of", of), ("over", over))}
        found = effect(table, "of", "over", ratio)
    if found is None:
        raise Untestable("the two share no seed, or a value is not above zero")
    return found


def _hypothesis(rule: Rule, found: Effect | None) -> Hypothesis | None:
    """The effect against the rule's threshold, on the scale on which it was fitted; None with one seed."""
    if found is None or found.comparison is None:
        return None
    threshold = float(np.log(rule.threshold)) if found.ratio else rule.threshold
    return Hypothesis(found.comparison, threshold, found.settings, rule.upper)


def _decided(known: Outcome, test: Hypothesis | None, outcome: str | None, count: int) -> Outcome:
    """With the outcome of its test; where that is not enough data, the seeds that would be, with all claims tested."""
    if test is None or outcome is None:
        return known
    needed = seeds_needed(test, (1 - LEVEL) / count) if outcome == NOT_ENOUGH else None
    return Outcome(known.rule, outcome, known.effect, known.why, needed)


def as_json(found: list[Verdict]) -> list[dict]:
    """What verdicts.json holds: one entry a claim, null where a number does not exist."""
    return [_entry(one) for one in found]


def _entry(one: Verdict) -> dict:
    said = one.deciding
    effect = said.effect if said else None
    return {
        "claim": one.claim.claim,
        "outcome": one.outcome,
        "effect": effect and effect.value,
        "low": effect and effect.low,
        "high": effect and effect.high,
        "seeds": (effect and effect.seeds) or None,
        "seeds_needed": said and said.seeds_needed,
        "testable": one.outcome != NOT_TESTABLE,
    }
