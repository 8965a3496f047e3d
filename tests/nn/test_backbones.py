"""What holds of every backbone, found by listing the folder; and that a deliberate mistake in one is seen."""

from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise

import pytest
import tiny
import torch

from sprint.cost.flops import forward_flops, on_meta
from sprint.diffusion.denoiser import Model, ModelConfig
from sprint.methods import METHODS, YARDSTICK
from sprint.nn.backbones import BACKBONES, Backbone
from sprint.nn.backbones.dit import DiT
from sprint.nn.layers import Block, Context
from sprint.nn.ratios import kept_count
from sprint.nn.tokens import draw
from sprint.runtime.errors import UserError
from sprint.runtime.strict import build, convert

SIZES = {"width": 16, "depth": 6, "heads": 2, "patch": 2}
CHANNELS, CLASSES, SIDE, TOKENS = 2, 3, 8, 16
KINDS = [{"positions": positions, "qk_norm": norm} for positions in ("sincos", "rope2d") for norm in (False, True)]
over = pytest.mark.parametrize("name", BACKBONES)
over_kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind.values())))


def built(cls: type[Backbone], kind: dict, drop: float = 0.0) -> Backbone:
    """One as a preset would have it, on 4 x 4 tokens. Raises UserError where the backbone does not allow the kind."""
    return build(cls, {**SIZES, **kind}, "model").on(SIDE, drop)


def model_of(backbone: Backbone, method: str = YARDSTICK, settings: dict | None = None, seed: int = 0) -> Model:
    """The network of a method on a backbone at its initial values. Raises UserError where they do not go together."""
    backbone.check(SIDE)
    cls = METHODS[method]
    settled = cls.settle(cls.Settings(**(settings or tiny.smoke().methods.get(method, {}))), backbone)
    return Model(ModelConfig(CHANNELS, SIDE, CLASSES, backbone, method, settled), seed)


def stirred(model: Model) -> Model:
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, CHANNELS, SIDE, SIDE, generator=generator)
    return x, torch.rand(3, generator=generator), torch.tensor([0, 2, CLASSES])


def speaks_of_itself(cls: type[Backbone], kind: dict) -> None:
    assert cls.title and cls.cites and issubclass(cls, Backbone)
    backbone = built(cls, kind)
    assert cls is not Backbone and backbone.tokens == TOKENS


def reads_again_as_it_was_written(cls: type[Backbone], kind: dict) -> None:
    """document() has every field that a preset may give, and reads as the same backbone."""
    backbone = build(cls, {**SIZES, **kind, **own_values(cls)}, "model")
    document = backbone.document()
    if "kind" in document:
        cls_again, rest = BACKBONES[document["kind"]], {k: v for k, v in document.items() if k != "kind"}
        assert cls_again is cls and build(cls_again, rest, "model") == backbone
    else:
        assert build(cls, document, "model") == backbone
    assert replace(backbone, width=32) != backbone and replace(backbone, width=32).document() != document


def own_values(cls: type[Backbone]) -> dict:
    """Another value than the default for each field of a backbone's own."""
    usual = {known.name for known in Backbone.__dataclass_fields__.values()}
    own = [known for known in cls.__dataclass_fields__.values() if known.name not in usual]
    return {known.name: known.default + 1 for known in own if isinstance(known.default, int | float)}


def embeds_all_that_it_is_told(cls: type[Backbone], kind: dict) -> None:
    model = stirred(model_of(built(cls, kind)))
    x, t, y = inputs()
    with torch.no_grad():
        tokens, context = model.config.backbone.embed(model, x, t, y)
        outputs = [model(*changed) for changed in ((x, t, y), (x, 1 - t, y), (x, t, y.flip(0)), (x + 0.1, t, y))]
    assert tokens.shape == (3, TOKENS, SIZES["width"]) and tokens.isfinite().all() and isinstance(context, Context)
    assert outputs[0].shape == (3, TOKENS, SIZES["patch"] ** 2 * CHANNELS) and outputs[0].isfinite().all()
    assert all(not torch.allclose(outputs[0], other, atol=1e-4) for other in outputs[1:])
    assert model.image(x, t, y).shape == x.shape


def tells_tokens_apart_by_their_places_alone(cls: type[Backbone], kind: dict) -> None:
    """Blocks see kept tokens, in any order, as they stood on the grid: what a sparse method stands on."""
    model, backbone = stirred(model_of(built(cls, kind))), built(cls, kind)
    keep_BK = draw("random", 3, 4, 0.5, torch.Generator().manual_seed(3))
    shuffled_BK = keep_BK.flip(1)
    with torch.no_grad():
        tokens, context = backbone.embed(model, *inputs())
        same, turned = (
            model.method.blocks(tokens.gather(1, keep.unsqueeze(-1).expand(-1, -1, 16)), context.at(keep))
            for keep in (keep_BK, shuffled_BK)
        )
        alike = model.method.blocks(tokens.mean(1, keepdim=True).expand_as(tokens), context)
        whole = model.method.blocks(tokens, context)
    assert same.shape == (3, TOKENS // 2, 16) and torch.allclose(same.flip(1), turned, atol=1e-4)
    assert whole.shape == tokens.shape and not torch.allclose(whole[:, :1], whole[:, 1:2], atol=1e-3)
    assert alike.isfinite().all()


def shares_initial_values(cls: type[Backbone], kind: dict) -> None:
    """They follow from the seed, the block's number and the parameter: methods share what they have in common."""
    dense, again, other = (model_of(built(cls, kind), seed=seed) for seed in (0, 0, 1))
    state = dense.state_dict()
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in state.items())
    drawn = [name for name, value in state.items() if value.unique().numel() > 1]
    assert drawn and all(not torch.equal(state[name], other.state_dict()[name]) for name in drawn)
    blocks = [block for block in dense.modules() if isinstance(block, Block)]
    assert [block.number for block in blocks] == list(range(SIZES["depth"]))
    first, second = (list(block.state_dict().items()) for block in blocks[:2])
    assert all(a.unique().numel() == 1 or not torch.equal(a, b) for (_, a), (_, b) in zip(first, second, strict=True))
    for method in METHODS:
        model = runs_or_refuses(cls, kind, method, 0.0)
        if isinstance(model, str):
            continue
        outside = [name for name in state if not name.startswith(("method.", "final."))]
        assert outside and all(torch.equal(state[name], model.state_dict()[name]) for name in outside)
        mine = {block.number: block.mlp.state_dict() for block in model.modules() if isinstance(block, Block)}
        for block in blocks:
            assert all(torch.equal(value, mine[block.number][key]) for key, value in block.mlp.state_dict().items())


def runs_or_refuses(cls: type[Backbone], kind: dict, method: str, drop: float) -> Model | str:
    """The method's network after a pass forward and backward, or the one sentence in which it is refused."""
    try:
        backbone, rule = built(cls, kind, drop), METHODS[method].subsampling
        keep = draw(rule, 3, backbone.grid, drop, torch.Generator().manual_seed(0)) if rule and drop else None
        model = model_of(backbone, method)
    except UserError as refused:
        assert " is " in str(refused) and "\n" not in str(refused)
        return str(refused)
    x, t, y = inputs()
    prediction = model(x, t, y, keep)
    assert prediction.shape == (3, TOKENS, SIZES["patch"] ** 2 * CHANNELS) and prediction.isfinite().all()
    model.method.loss(prediction, torch.ones_like(prediction), torch.randn(prediction.shape), t, keep).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    return model


def costs_more_with_every_block_and_token(cls: type[Backbone], kind: dict) -> None:
    """Two by two, for blocks may come in pairs that are joined."""
    costs = [forward_flops(on_meta(model_of(replace(built(cls, kind), depth=depth)).config)) for depth in range(1, 6)]
    assert costs[4] - costs[2] == costs[2] - costs[0] > 0 and all(less < more for less, more in pairwise(costs))
    finer = replace(built(cls, kind), patch=1).on(SIDE)
    assert forward_flops(on_meta(model_of(finer).config)) > forward_flops(on_meta(model_of(built(cls, kind)).config))


PROPOSITIONS = (
    speaks_of_itself,
    reads_again_as_it_was_written,
    embeds_all_that_it_is_told,
    tells_tokens_apart_by_their_places_alone,
    shares_initial_values,
    costs_more_with_every_block_and_token,
)


@over
@over_kinds
@pytest.mark.parametrize("proposition", PROPOSITIONS, ids=lambda one: one.__name__)
def test_a_backbone_keeps_the_contract(name, kind, proposition):
    proposition(BACKBONES[name], kind)


@over
@over_kinds
@pytest.mark.parametrize("method", METHODS)
def test_every_method_runs_on_it_or_refuses_in_a_sentence(name, kind, method):
    """At one drop ratio at least, or the backbone itself refuses it at all of them."""
    found = [runs_or_refuses(BACKBONES[name], kind, method, drop) for drop in (0.0, 0.5, 0.75, 0.9)]
    carried = any(isinstance(one, Model) for one in found)
    assert carried or all(f"backbone is {name!r}" in one or "drop" in one for one in found)
    assert carried or f"backbone is {name!r}" in found[0]


@over
def test_sizes_that_do_not_fit_are_refused_in_a_sentence(name):
    for changes in ({"patch": 3}, {"width": 18}):
        with pytest.raises(UserError, match="allowed") as refused:
            replace(built(BACKBONES[name], KINDS[0]), **changes).check(SIDE)
        assert "\n" not in str(refused.value)


def test_a_preset_names_its_backbone_by_the_file():
    for name in BACKBONES:
        read = convert(Backbone, {"kind": name, **SIZES, **KINDS[0]}, "model")
        assert type(read) is BACKBONES[name] and read.kind() == name
    with pytest.raises(UserError, match="backbone 'dti' is unknown"):
        convert(Backbone, {"kind": "dti", **SIZES, **KINDS[0]}, "model")


def test_dit_has_the_closed_form():
    """Multiply-accumulates of a block: 12 N D^2 + 2 N^2 D + 6 D^2 (DiT, arXiv 2212.09748, with adaLN)."""
    width, costs = 16, {}
    for depth in (1, 2):
        config = model_of(replace(built(DiT, KINDS[0]), depth=depth)).config
        costs[depth] = forward_flops(on_meta(config))
    assert costs[2] - costs[1] == 2 * (12 * TOKENS * width**2 + 2 * TOKENS**2 * width + 6 * width**2)
    assert kept_count("random", 4, 0.5) == TOKENS // 2


@dataclass(frozen=True)
class Untitled(DiT):
    """Does not say what it is."""

    title = ""


@dataclass(frozen=True)
class Forgetful(DiT):
    """Has a field that its document leaves out."""

    registers: int = field(default=4)

    def document(self):
        return {name: value for name, value in asdict(self).items() if name in (*SIZES, "positions", "qk_norm")}


@dataclass(frozen=True)
class Unlabelled(DiT):
    """Does not look at the label."""

    title = "mistaken"

    def embed(self, network, x_BCHW, t_B, y_B):
        return super().embed(network, x_BCHW, t_B, torch.zeros_like(y_B))


class ByOrder(Block):
    """Tells tokens apart by the order in which they come, not by where they stand."""

    def forward(self, x_BLD, context):
        order = torch.linspace(0, 1, x_BLD.shape[1], device=x_BLD.device).view(1, -1, 1)
        return super().forward(x_BLD + order, context)


@dataclass(frozen=True)
class Ordered(DiT):
    title = "mistaken"

    def block(self, number, width=0, heads=0, attention=None):
        block = super().block(number, width, heads, attention)
        block.__class__ = ByOrder
        return block


@dataclass(frozen=True)
class Alike(DiT):
    """All its blocks have the number 0, and so the same initial values."""

    title = "mistaken"

    def block(self, number, width=0, heads=0, attention=None):
        return super().block(0, width, heads, attention)


@dataclass(frozen=True)
class Shallow(DiT):
    """Leaves out every other block."""

    title = "mistaken"

    def blocks(self, first, last):
        return type(super().blocks(0, 1))(self.block(number) for number in range(first, last, 2))


@pytest.mark.parametrize(
    ("cls", "proposition"),
    [
        (Untitled, speaks_of_itself),
        (Forgetful, reads_again_as_it_was_written),
        (Unlabelled, embeds_all_that_it_is_told),
        (Ordered, tells_tokens_apart_by_their_places_alone),
        (Alike, shares_initial_values),
        (Shallow, costs_more_with_every_block_and_token),
    ],
)
def test_a_deliberate_mistake_is_seen(cls, proposition):
    with pytest.raises(AssertionError):
        proposition(cls, KINDS[1])
