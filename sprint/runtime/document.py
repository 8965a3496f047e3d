"""What a JSON document has to be, said as plain data, and the sentence about the first place where it is not.

    {"state": Text(), "seconds?": Number(0), "milestones": [{"step": Whole()}], "curve": [(Whole(), Number())]}

A mapping names its keys (one that ends in "?" may be left out; others than those named are let be, for what later
versions add), a list holds any number of one thing, a tuple is a list of exactly those. No torch.
"""

from dataclasses import dataclass
from datetime import datetime

from sprint.runtime.strict import describe

LARGEST = 1e30  # of any number: far beyond what is measured or counted here, and its square is still finite
LONGEST = 10_000  # characters of a text
DEEPEST = 5  # levels of a value that may be anything


class Unfit(Exception):
    """Where a document is not what it has to be: `key is value; allowed: ...`."""


@dataclass(frozen=True)
class Text:
    """A text; one of `among` where any are named."""

    among: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        return ", ".join(self.among) or f"text of at most {LONGEST} characters"

    def fits(self, value: object) -> bool:
        return isinstance(value, str) and len(value) <= LONGEST and (not self.among or value in self.among)


@dataclass(frozen=True)
class Moment:
    """A date and a time of day, by this machine's clock."""

    allowed = "a date and time such as 2026-01-31 12:00:00"

    def fits(self, value: object) -> bool:
        try:
            return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is None and value >= "1971"
        except ValueError:
            return False


@dataclass(frozen=True)
class Whole:
    """A whole number."""

    low: int = 0

    @property
    def allowed(self) -> str:
        return f"a whole number from {self.low}"

    def fits(self, value: object) -> bool:
        return type(value) is int and self.low <= value <= LARGEST


@dataclass(frozen=True)
class Number:
    """A finite number, not below `low`; above zero where it is `positive`."""

    low: float = -LARGEST
    high: float = LARGEST
    positive: bool = False

    @property
    def allowed(self) -> str:
        ends = f" from {self.low:g} to {self.high:g}"
        return "a finite number above 0" if self.positive else f"a finite number{ends if self.low > -LARGEST else ''}"

    def fits(self, value: object) -> bool:
        return type(value) in (int, float) and self.low <= value <= self.high and (value > 0 or not self.positive)


@dataclass(frozen=True)
class Truth:
    """True or false."""

    allowed = "true or false"

    def fits(self, value: object) -> bool:
        return isinstance(value, bool)


@dataclass(frozen=True)
class Anything:
    """A value that is only shown or compared: texts and numbers, and lists and mappings of them that are not deep."""

    allowed = f"texts, numbers, and lists or mappings of them at most {DEEPEST} levels deep"

    def fits(self, value: object, depth: int = 1) -> bool:
        if isinstance(value, dict | list):
            inner = [*value.values()] if isinstance(value, dict) else value
            return depth <= DEEPEST and all(self.fits(one, depth + 1) for one in inner)
        return value is None or any(kind.fits(value) for kind in (Text(), Number(), Truth()))


@dataclass(frozen=True)
class Each:
    """A mapping of any names to one thing."""

    inner: object


@dataclass(frozen=True)
class Some:
    """A list of one thing, and not an empty one."""

    inner: object


@dataclass(frozen=True)
class AllOrNone:
    """A mapping that has all keys of `more`, as soon as it has one that is not among `always`."""

    always: dict
    more: dict

    def of(self, value: object) -> dict:
        """What a value has to be."""
        has = isinstance(value, dict) and (self.more.keys() - self.always.keys()) & value.keys()
        return {**self.always, **(self.more if has else {})}


@dataclass(frozen=True)
class Maybe:
    """A number, or null where it could not be computed."""

    inner: Number

    @property
    def allowed(self) -> str:
        return f"{self.inner.allowed}, or null"

    def fits(self, value: object) -> bool:
        return value is None or self.inner.fits(value)


def check(expected: object, value: object, key: str = "") -> None:
    """Raise Unfit for the first place in `value` that is not as expected; `key` is where it stands."""
    if isinstance(expected, AllOrNone):
        expected = expected.of(value)
    if isinstance(expected, dict | Each):
        _check_mapping(expected, value, key)
    elif isinstance(expected, Some) and value == []:
        raise Unfit(f"{key} is []; allowed: {_allowed(expected)}")
    elif isinstance(expected, list | tuple | Some):
        _check_list([expected.inner] if isinstance(expected, Some) else expected, value, key)
    elif not expected.fits(value):
        raise Unfit(f"{key} is {describe(value)}; allowed: {expected.allowed}")


def _check_mapping(expected: dict | Each, value: object, key: str) -> None:
    if not isinstance(value, dict):
        raise Unfit(f"{key or 'the whole'} is {describe(value)}; allowed: a mapping")
    inner = dict.fromkeys(value, expected.inner) if isinstance(expected, Each) else expected
    for name, kind in inner.items():
        plain = name if isinstance(expected, Each) else name.removesuffix("?")
        place = f"{key}.{describe(plain)[1:-1]}" if key else describe(plain)[1:-1]
        if plain in value:
            check(kind, value[plain], place)
        elif plain == name:
            raise Unfit(f"{place} is missing; allowed: {_allowed(kind)}")


def _check_list(expected: list | tuple, value: object, key: str) -> None:
    if not isinstance(value, list) or (isinstance(expected, tuple) and len(value) != len(expected)):
        raise Unfit(f"{key} is {describe(value)}; allowed: {_allowed(expected)}")
    kinds = expected if isinstance(expected, tuple) else expected * len(value)
    for number, (kind, inner) in enumerate(zip(kinds, value, strict=True)):
        check(kind, inner, f"{key}[{number}]")


def _allowed(expected: object) -> str:
    if isinstance(expected, dict | Each | AllOrNone):
        return "a mapping"
    if isinstance(expected, list | Some):
        return "a list" if isinstance(expected, list) else "a list of at least one"
    return f"a list of {len(expected)}" if isinstance(expected, tuple) else expected.allowed
