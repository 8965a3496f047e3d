"""What holds of every guidance, found by listing the folder; each proposition is shown to catch a mistake."""

import subprocess
import sys
from dataclasses import dataclass

import pytest
import tiny
import torch
from torch.utils.flop_counter import FlopCounterMode

from sprint.cost.flops import on_meta, sampling_flops
from sprint.diffusion import guidance as contract
from sprint.diffusion.guidance import GUIDANCES, PLAIN, Call, Guidance, compared_kinds, possible_kinds
from sprint.diffusion.guidance.cfg import ClassifierFree
from sprint.diffusion.guidance.pdg import PathDrop
from sprint.diffusion.guided import Guided, batches
from sprint.diffusion.sample import sample
from sprint.diffusion.samplers import SAMPLERS
from sprint.methods import METHODS
from sprint.nn.ratios import kept_count
from sprint.runtime.errors import UserError
from sprint.runtime.strict import convert

SHAPE, CLASSES, GRID = (1, 8, 8), 10, 4
KINDS = [GUIDANCES[name] for name in GUIDANCES]
ABLE = next(name for name in METHODS if METHODS[name].can_skip)  # a method that can do all


def stand_in(weights: float, seen: list):
    """A field in which label, time, tokens, skipping and weights can be told apart; records each image's call."""

    def network(x, t_B, y_B, keep=None, skip=False):
        kept = None if keep is None else keep.shape[1]
        seen.extend((label, kept, skip, weights) for label in y_B.tolist())
        factor = (0.5 if skip else 1) * weights * (1 if keep is None else kept / GRID**2)
        return (x + 10 * y_B.view(-1, 1, 1, 1) + t_B.view(-1, 1, 1, 1)) * factor

    return network


def field_of(guidance: Guidance, seen: list, **how) -> Guided:
    earlier = {call.weights: stand_in(call.weights, seen) for call in guidance.calls()}
    field = Guided(stand_in(1.0, seen), guidance, CLASSES, GRID, earlier, **how)
    field.begin(0, 0, 2)
    return field


def expected_of(call: Call, labels: list[int]) -> list[tuple]:
    kept = kept_count(call.rule, GRID, call.drop) if call.drop else None
    return [(label if call.label else CLASSES, kept, call.skip, call.weights) for label in labels]


X, LABELS = torch.linspace(-1, 1, 128).view(2, *SHAPE), torch.tensor([1, 3])


def calls_made_are_those_declared(cls):
    for apart in (False, True):
        seen: list = []
        guidance = cls(2.0)
        field = field_of(guidance, seen, apart=apart)
        field(X, 0.5, LABELS)
        assert sorted(map(str, seen)) == sorted(
            str(one) for call in guidance.calls() for one in expected_of(call, [1, 3])
        )
        assert (field.strong_calls, field.weak_calls) == (1, len(guidance.calls()) - 1)


def the_cost_is_that_of_the_calls(cls):
    model, guidance = on_meta(tiny.model_config(tiny.run(ABLE))), cls(2.0)
    for apart in (False, True):
        others = {call.weights: model.image for call in guidance.calls()}
        grid = model.config.backbone.grid
        field = Guided(model.image, guidance, CLASSES, grid, others, apart)
        field.begin(0, 0, 1)
        x, labels = torch.empty(1, *SHAPE, device="meta"), torch.empty(1, dtype=torch.long, device="meta")
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            field(x, 0.5, labels)
        assert counter.get_total_flops() == sampling_flops(model, guidance)


def at_scale_one_only_the_strong_call_counts(cls):
    guidance, seen = cls(1.0), []
    field = field_of(guidance, seen)
    strong = Guided(field.networks[guidance.calls()[0].weights], Only(calls=guidance.calls()[:1]), CLASSES, GRID)
    strong.begin(0, 0, 2)
    assert torch.allclose(field(X, 0.5, LABELS), strong(X, 0.5, LABELS), atol=1e-5)
    assert contract.unguided(guidance.document()) or not torch.allclose(
        field_of(cls(3.0), seen)(X, 0.5, LABELS), strong(X, 0.5, LABELS), atol=1e-2
    )


class Only:
    """A guidance of one call."""

    def __init__(self, calls):
        self.calls = self.calls_at = lambda *t: calls


def outside_the_interval_one_plain_call_is_made(cls):
    seen: list = []
    field = field_of(cls(3.0, (0.3, 0.6)), seen)
    for t in (0.299, 0.601, 1.0):
        assert torch.equal(field(X, t, LABELS), stand_in(1.0, [])(X, torch.full((2,), t), LABELS))
    assert seen == expected_of(PLAIN, [1, 3]) * 3 and (field.strong_calls, field.weak_calls) == (3, 0)
    for t in (0.3, 0.45, 0.6):
        field(X, t, LABELS)
    assert (field.strong_calls, field.weak_calls) == (6, 3 * (len(cls().calls()) - 1))


def methods_that_cannot_are_refused_and_all_others_can(cls):
    for name, method in METHODS.items():
        needs_skip, needs_drop = (any(getattr(call, what) for call in cls().calls()) for what in ("skip", "drop"))
        restores = bool(method.subsampling) and method.restores
        guidance, can = cls(2.0), (method.can_skip or not needs_skip) and (restores or not needs_drop)
        shares = [call.weights for call in guidance.calls()]
        if can:
            guidance.check(method, shares)
            continue
        with pytest.raises(UserError, match=f"guidance is '{cls.kind()}', but method '{name}' .*; allowed: none, cfg"):
            guidance.check(method, shares)


def settings_out_of_range_are_refused(cls):
    for scale in (-1.0, float("inf"), float("nan")):
        with pytest.raises(UserError, match=f"guidance scale is {scale}; allowed: a finite number of at least 0"):
            cls(scale).check(METHODS[ABLE])
    for interval in ((0.6, 0.3), (0.0, 1.5), (-0.1, 1.0), (0.5, 0.5)):
        with pytest.raises(UserError, match=r"guidance interval is .*; allowed: two times with 0 <= low < high <= 1"):
            cls(2.0, interval).check(METHODS[ABLE])


def batch_size_and_way_change_nothing(cls):
    model, guidance = tiny.stirred(tiny.run(ABLE), scale=0.05), cls(2.0)
    others = {call.weights: model.image for call in guidance.calls()}

    def images(size: int, apart: bool) -> torch.Tensor:
        field = Guided(model.image, guidance, CLASSES, GRID, others, apart)
        parts = [(first, min(first + size, 8)) for first in range(0, 8, size)]
        return torch.cat([sample(field, SAMPLERS["heun"](2), 5, first, last, SHAPE) for first, last in parts])

    whole = images(8, False)
    assert whole.std() > 0.1
    for size, apart in ((3, False), (1, True)):
        assert torch.allclose(images(size, apart), whole, atol=1e-4)


def it_says_what_it_is(cls):
    assert cls.title and cls.short and cls.cites
    document = {"kind": cls.kind(), "scale": 3.0, "interval": [0.2, 0.8]}
    assert convert(Guidance, document, "preset: guidance") == cls(3.0, (0.2, 0.8))
    text = contract.text(document)
    assert text == (cls.short if contract.unguided(document) else f"{cls.short} 3 on [0.2, 0.8]")
    assert contract.kind_name(cls.kind()) == cls.short


PROPOSITIONS = (
    calls_made_are_those_declared,
    the_cost_is_that_of_the_calls,
    at_scale_one_only_the_strong_call_counts,
    outside_the_interval_one_plain_call_is_made,
    methods_that_cannot_are_refused_and_all_others_can,
    settings_out_of_range_are_refused,
    batch_size_and_way_change_nothing,
    it_says_what_it_is,
)


@pytest.mark.parametrize("proposition", PROPOSITIONS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.kind())
def test_of_every_guidance(cls, proposition):
    proposition(cls)


def test_weights_that_a_run_does_not_keep_are_refused():
    GUIDANCES["auto"]().check(METHODS[ABLE], [0.5, 1.0])
    with pytest.raises(UserError, match=r"asks for the weights after 0.5 of the steps; allowed: 0.25, 1"):
        GUIDANCES["auto"]().check(METHODS[ABLE], [0.25, 1.0])
    for share in (0.0, 1.0, 1.5):
        with pytest.raises(UserError, match=f"weights {share:g}; allowed: a milestone before the last"):
            GUIDANCES["auto"](weights=share).check(METHODS[ABLE], [share, 1.0])


def test_sparse_guidance_is_the_papers_sum_of_two_conditional_calls():
    """D = w D(strong) + (1 - w) D(weak), of the image's own label in both; with all tokens in both it is one call."""
    guidance, seen = GUIDANCES["sparse"](3.0, strong=0.25, weak=0.75), []
    guided = field_of(guidance, seen)(X, 0.5, LABELS)
    strong, weak = ((X + 10 * LABELS.view(-1, 1, 1, 1) + 0.5) * kept for kept in (0.75, 0.25))
    assert torch.allclose(guided, 3 * strong - 2 * weak, atol=1e-4)
    assert [label for label, *_ in seen] == [1, 3, 1, 3] and [kept for _, kept, *_ in seen] == [12, 12, 4, 4]


def test_sparse_guidance_that_a_grid_or_a_method_cannot_do_is_refused_in_a_sentence():
    sparse = GUIDANCES["sparse"]
    sparse().check(METHODS[ABLE], grid=4)
    for strong, weak in ((0.5, 0.5), (0.75, 0.5), (-0.1, 0.5), (0.5, 1.0)):
        with pytest.raises(UserError, match="allowed: 0 <= strong < weak < 1"):
            sparse(2.0, strong=strong, weak=weak).check(METHODS[ABLE])
    with pytest.raises(UserError, match=r"guidance 'sparse': drop is 0.6; 16 tokens can drop"):
        sparse(2.0, strong=0.6).check(METHODS[ABLE], grid=4)
    with pytest.raises(UserError, match=r"guidance 'sparse': subsampling is 'diced'; allowed"):
        sparse(rule="diced").check(METHODS[ABLE], grid=4)
    unable = {name: METHODS[name] for name in METHODS if METHODS[name].subsampling and not METHODS[name].restores}
    for name, method in unable.items():
        with pytest.raises(UserError, match=f"method '{name}' computes nothing where tokens were dropped; allowed: "):
            sparse().check(method)
    assert unable and "sparse" in compared_kinds(METHODS[ABLE], 4) and "sparse" not in compared_kinds(METHODS[ABLE], 3)


@dataclass(frozen=True)
class CallsMoreThanItSays(ClassifierFree):
    def calls_at(self, t):
        return (*super().calls_at(t), Call(skip=True))

    def combine(self, strong, *weak):
        return super().combine(strong, weak[0])


@dataclass(frozen=True)
class LeadsTheWrongWay(ClassifierFree):
    def combine(self, strong, *weak):
        return weak[0] - self.scale * (strong - weak[0])


@dataclass(frozen=True)
class KnowsNoInterval(ClassifierFree):
    def calls_at(self, t):
        return self.calls()


@dataclass(frozen=True)
class RefusesNothing(PathDrop):
    def check(self, method, milestones=()):
        pass


@dataclass(frozen=True)
class LooksAtItsNeighbours(ClassifierFree):
    def combine(self, strong, *weak):
        return super().combine(strong, *weak) + 0.1 * strong.mean(0, keepdim=True)


@dataclass(frozen=True)
class HasNoTitle(ClassifierFree):
    title = ""


@pytest.mark.parametrize(
    ("proposition", "mistake"),
    list(
        zip(
            PROPOSITIONS,
            (
                *(CallsMoreThanItSays, CallsMoreThanItSays, LeadsTheWrongWay, KnowsNoInterval, RefusesNothing),
                *(RefusesNothing, LooksAtItsNeighbours, HasNoTitle),
            ),
            strict=True,
        )
    ),
    ids=lambda one: one.__name__,
)
def test_a_guidance_with_a_mistake_is_caught(proposition, mistake):
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        proposition(mistake)


def test_kinds_are_possible_by_their_calls_and_compared_where_their_cost_differs():
    assert possible_kinds(METHODS["dense"])[:2] == ["none", "cfg"]
    assert compared_kinds(METHODS["dense"])[:2] == ["none", "cfg"]
    assert {"pdg", "pdg-label"} <= set(possible_kinds(METHODS[ABLE])) - set(possible_kinds(METHODS["dense"]))
    assert "pdg" in compared_kinds(METHODS[ABLE]) and "pdg-label" not in compared_kinds(METHODS[ABLE])


def test_only_calls_that_differ_in_their_label_alone_go_together():
    ways = {name: batches(GUIDANCES[name]().calls()) for name in ("none", "cfg", "pdg")}
    assert ways == {"none": [[0]], "cfg": [[0, 1]], "pdg": [[0], [1]]}
    assert batches(GUIDANCES["sparse"]().calls()) == batches(GUIDANCES["auto"]().calls()) == [[0], [1]]
    assert batches(GUIDANCES["cfg"]().calls(), apart=True) == [[0], [1]]


def test_a_kind_of_results_whose_file_is_gone_is_still_named():
    assert contract.text({"kind": "lost", "scale": 2.0, "interval": [0.0, 1.0]}) == "lost 2"
    assert contract.text({"kind": "lost", "scale": 2.0, "drop": 0.5, "interval": [0.0, 1.0]}) == "lost 2, drop 0.5"


def test_names_and_words_need_no_torch():
    code = """
import sys
from sprint.diffusion.guidance import GUIDANCES, text
from sprint.diffusion.samplers import SAMPLERS
print([GUIDANCES[name]().text() for name in GUIDANCES], [SAMPLERS[name](4).text() for name in SAMPLERS])
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_kind_that_costs_as_much_as_the_yardstick_never_takes_its_place(monkeypatch):
    known = {**{name: GUIDANCES[name] for name in GUIDANCES}, "apg": ClassifierFree}
    monkeypatch.setattr(contract, "GUIDANCES", known)
    assert compared_kinds(METHODS["dense"]) == ["none", "cfg"]
