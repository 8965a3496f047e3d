"""U-ViT has its paper's parameters and costs, and sparse methods on it keep what they promise."""

import pytest
import tiny
import torch

from sprint.cost.flops import forward_flops, on_meta, parameters
from sprint.diffusion.denoiser import ModelConfig
from sprint.methods import METHODS
from sprint.nn.backbones.uvit import EXTRA, UViT
from sprint.nn.layers import sinusoids
from sprint.runtime.errors import UserError
from sprint.training.contract import PROPOSITIONS

PUBLISHED = {  # depth, width, heads of table 1 (arXiv 2209.12152), million parameters, GFLOP of 256 x 256 (MAC)
    "S/2": ((13, 512, 8), 44, None),
    "M/2": ((17, 768, 12), 131, None),
    "L/2": ((21, 1024, 16), 287, 77),
    "H/2": ((29, 1152, 16), 501, 133),
}
PATCH, CHANNELS, CLASSES, GRID = 2, 4, 1000, 16
CARRIED = ("dense", "tokendrop", "sprint", "tread")  # methods of blocks of the backbone's own kind


def published(size: str) -> ModelConfig:
    (depth, width, heads), *_ = PUBLISHED[size]
    backbone = UViT(width, depth, heads, PATCH, "learned", False).on(GRID * PATCH)
    return ModelConfig(CHANNELS, GRID * PATCH, CLASSES, backbone, "dense", METHODS["dense"].Settings())


def in_closed_form(depth: int, width: int, tokens: int, patch_values: int) -> tuple[int, int]:
    """(parameters, MAC of an image): attention and MLP without qkv biases, one join for every pair of blocks."""
    joins = depth // 2
    block = 12 * width**2 + (width + 4 * width + width) + 4 * width  # matrices, biases, two norms
    around = patch_values * width * 2 + width + patch_values + 2 * width
    kept = (CLASSES + 1) * width + (tokens + EXTRA) * width
    count = depth * block + joins * (2 * width**2 + width) + around + kept
    seen = tokens + EXTRA
    macs = depth * (12 * seen * width**2 + 2 * seen**2 * width) + joins * 2 * seen * width**2
    return count, macs + 2 * tokens * patch_values * width


@pytest.mark.parametrize("size", PUBLISHED)
def test_published_sizes_have_the_published_parameters_and_costs(size):
    config, ((depth, width, _), millions, gmac) = published(size), PUBLISHED[size]
    count, macs = in_closed_form(depth, width, GRID**2, PATCH**2 * CHANNELS)
    model = on_meta(config)
    assert (parameters(model), forward_flops(model)) == (count, 2 * macs)
    assert round(count / 1e6) == pytest.approx(millions, abs=1)
    assert gmac is None or macs / 1e9 == pytest.approx(gmac, abs=0.6)  # published without decimals


def run_on_uvit(method: str, drop: float, **changes):
    usual = tiny.smoke().model
    sizes = {key: getattr(usual, key) for key in ("width", "depth", "heads", "patch", "qk_norm")} | changes
    return tiny.run(method, drop, backbone=UViT(**{"positions": "rope2d", **sizes}))


@pytest.mark.parametrize(
    ("method", "drop"),
    [(name, drop) for name in CARRIED for drop in (0.0, 0.5) if not drop or METHODS[name].subsampling],
)
def test_methods_on_it_keep_their_contract(method, drop):
    for proposition in PROPOSITIONS:
        proposition(run_on_uvit(method, drop, positions="rope2d" if drop else "learned"))


def test_methods_that_it_cannot_carry_are_refused_when_the_plan_is_read():
    for method in [name for name in METHODS if name not in CARRIED]:
        with pytest.raises(
            UserError, match=r"backbone is 'uvit', which has blocks of one kind.*allowed for this method"
        ):
            run_on_uvit(method, 0.75)
    with pytest.raises(UserError, match=r"blocks 1 to 4 see the kept tokens alone; allowed: as many blocks before"):
        run_on_uvit("tread", 0.5, depth=7)


def test_joined_blocks_see_what_their_mirror_gave():
    """Without its joins the network gives something else, and every block of the first half is seen by one."""
    model = tiny.stirred(run_on_uvit("dense", 0.0))
    blocks, inputs = model.method.blocks, tiny.inputs(run_on_uvit("dense", 0.0))
    assert [block.join is not None for block in blocks] == [False] * 3 + [True] * 3
    with torch.no_grad():
        before = model(*inputs)
        for block in blocks[3:]:
            kept = block.join.weight.clone()
            block.join.weight[:, kept.shape[0] :] = 0
            assert not torch.allclose(model(*inputs), before, atol=1e-4)
            block.join.weight.copy_(kept)
        assert torch.equal(model(*inputs), before)


def test_the_token_of_the_time_holds_the_sinusoids_of_its_thousandths():
    model, (x, t, y) = tiny.network(run_on_uvit("dense", 0.0)), tiny.inputs(run_on_uvit("dense", 0.0))
    _, context = model.config.backbone.embed(model, x, t, y)
    assert torch.allclose(context.extra_BED[:, 0], sinusoids(1000 * t, 16), atol=1e-5)
    assert torch.equal(context.extra_BED[:, 1], model.labels(y))
