"""The contract of a guidance: which network calls it makes at a time, and how their velocities combine.

One file in this folder is one guidance; its class is the subclass of Guidance that it defines, a frozen dataclass whose
fields are its settings. Cost, speed, refusals and the report's words follow from what it says of itself; guided.py
makes the calls. Files here import no torch, for the report reads their names.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sprint.nn.ratios import kept_count
from sprint.runtime.errors import UserError
from sprint.runtime.plugins import Kind, find
from sprint.runtime.strict import checked, ranged


@dataclass(frozen=True)
class Call:
    """One call of a network. The default is the plain one: the image's label, all tokens, all blocks, own weights."""

    label: bool = True  # the image's own; False: the null label
    skip: bool = False  # the deep blocks are skipped, for methods that can
    drop: float = 0.0  # share of the tokens that is dropped, drawn anew for each call from (seed, image index)
    rule: str = "random"  # that chooses the tokens which are kept, of nn/tokens.py
    weights: float = 1.0  # the share of the training after which they were kept; 1: those that are evaluated


PLAIN = Call()
YARDSTICK = "cfg"  # the guidance that speeds are told in multiples of


@dataclass(frozen=True)
class Guidance(Kind):
    """A velocity made of one or several network calls. Subclasses say which, and how they combine."""

    scale: float = 1.0  # 1 is no guidance
    interval: tuple[float, float] = (0.0, 1.0)  # times t at which it acts; 1 is noise
    channels: int = ranged(
        0, 1 << 10, unsaid=True, default=0
    )  # the first of the network's, on which it acts; the others stay as the strong call has them. 0: on all

    usual = "none"
    title = ""  # how `sprint plugins` calls it
    short = ""  # how tables and charts do
    cites = ""

    def calls(self) -> tuple[Call, ...]:
        """The calls inside the interval, the strong one first."""
        raise NotImplementedError

    def combine(self, strong, *weak):
        """The guided velocity from those of the calls: away from the weak one, v = weak + scale (strong - weak)."""
        return weak[0] + self.scale * (strong - weak[0])

    def calls_at(self, t: float) -> tuple[Call, ...]:
        """The calls at a time; outside the interval one plain conditional call (arXiv 2404.07724)."""
        return self.calls() if self.interval[0] <= t <= self.interval[1] else (PLAIN,)

    def check(self, method: type, milestones: Iterable[float] = (), grid: int = 0) -> None:
        """Raise UserError for settings out of range, and for calls that a method cannot make, or a run that keeps its
        weights after these shares of its steps, on a grid of so many tokens a side where it is known."""
        low, high = self.interval
        if not (0 <= low < high <= 1):
            raise UserError(f"guidance interval is {list(self.interval)}; allowed: two times with 0 <= low < high <= 1")
        if not self.scale >= 0 or self.scale == float("inf"):
            raise UserError(f"guidance scale is {self.scale}; allowed: a finite number of at least 0")
        for call in self.calls():
            if lacking := _lacking(call, method):
                allowed = ", ".join(possible_kinds(method))
                name = method.__module__.rpartition(".")[2]
                raise UserError(f"guidance is {self.kind()!r}, but method {name!r} {lacking}; allowed: {allowed}")
            if call.weights not in (PLAIN.weights, *milestones):
                kept = ", ".join(f"{share:g}" for share in milestones)
                raise UserError(
                    f"guidance {self.kind()!r} asks for the weights after {call.weights:g} of the steps; "
                    f"allowed: {kept}"
                )
            if call.drop and grid:
                checked(f"guidance {self.kind()!r}", lambda call=call: kept_of(call, grid))

    def text(self) -> str:
        """`CFG 1.5`; an interval is named when it is not the whole path."""
        return text(self.document())


GUIDANCES = Guidance.plugins = find("sprint.diffusion.guidance", Guidance, hyphens=True)


def kept_of(call: Call, grid: int) -> int | None:
    """How many tokens of a grid a call keeps, None for all. Raises UserError where so many cannot be dropped."""
    return kept_count(call.rule, grid, call.drop) if call.drop else None


def _lacking(call: Call, method: type, grid: int = 0) -> str:
    """Why a method cannot make a call, on a grid where it is known; "" where it can."""
    if call.skip and not method.can_skip:
        return "has no path to drop"
    if call.drop and not method.subsampling:
        return "drops no tokens"
    if call.drop and not method.restores:
        return "computes nothing where tokens were dropped"
    try:
        kept_of(call, grid) if grid else None
    except UserError as error:
        return str(error)
    return ""


def possible_kinds(method: type, grid: int = 0) -> list[str]:
    """The kinds that a method can do, those with the fewest calls first, and of equal ones the yardstick."""
    usual = {kind: GUIDANCES[kind]().calls() for kind in GUIDANCES}
    possible = [kind for kind, calls in usual.items() if not any(_lacking(call, method, grid) for call in calls)]
    return sorted(possible, key=lambda kind: (len(usual[kind]), kind != YARDSTICK, kind))


def compared_kinds(method: type, grid: int = 0) -> list[str]:
    """The kinds whose cost and speed are told of a method: those it can do whose calls differ in cost."""
    found: dict[tuple, str] = {}
    for kind in possible_kinds(method, grid):
        found.setdefault(tuple((call.skip, call.drop) for call in GUIDANCES[kind]().calls()), kind)
    return list(found.values())


def text(guidance: dict) -> str:
    """`{"kind": "cfg", "scale": 1.5, ...}` of a results file as `CFG 1.5`, for every reader alike."""
    if unguided(guidance):
        return kind_name(guidance["kind"])
    return f"{kind_name(guidance['kind'])} {guidance['scale']:g}{_rest(guidance)}"


def family(guidance: dict) -> str:
    """A guidance without its scale: what one line of a plot against the scale shares."""
    return kind_name(guidance["kind"]) + _rest(guidance)


def kind_name(kind: str) -> str:
    """`cfg` as CFG, `none` as unguided; a kind of results whose file is gone as it is."""
    return GUIDANCES[kind].short if kind in GUIDANCES else kind


def unguided(guidance: dict) -> bool:
    """Whether it makes the plain call and no other."""
    kind = guidance["kind"]
    return kind in GUIDANCES and GUIDANCES[kind]().calls() == (PLAIN,)


def is_unguided(name: str) -> bool:
    """Whether a guidance of this name, as tables and charts have it, makes the plain call and no other."""
    return any(unguided({"kind": kind}) and kind_name(kind) == name for kind in GUIDANCES)


def _rest(guidance: dict) -> str:
    """A kind's own settings, and the interval where it is not the whole path."""
    own = "".join(f", {key} {value}" for key, value in guidance.items() if key not in ("kind", "scale", "interval"))
    low, high = guidance["interval"]
    return own + ("" if (low, high) == (0.0, 1.0) else f" on [{low:g}, {high:g}]")
