"""The cost of a network that makes clips, held against a closed form, DiT's blocks and a real forward pass."""

import pytest
import tiny
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sprint.cost.papers import cost_of_clips, paper_costs
from sprint.cost.video import Clips, clip_cost
from sprint.nn.backbones.dit import DiT
from sprint.nn.sizes import parse
from sprint.runtime.errors import UserError

ATTENTION_ON_CPU = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
SMALL = {"depth": 4, "width": 32, "heads": 2, "patch": 2, "size": 8, "channels": 3, "frames": 5}


def closed_form(depth: int, width: int, patch: int, size: int, channels: int, frames: int) -> tuple[int, int]:
    """(parameters, MACs of a clip), from Latte's description: blocks of a frame and of a place in turns."""
    places, values = (size // patch) ** 2, patch**2 * channels
    tokens, rows = frames * places, frames + places
    block = 12 * width**2 + 9 * width + 6 * (width**2 + width)  # q, k, v, projection, MLP with biases; modulation
    time, last = 256 * width + width**2 + 2 * width, 2 * (width**2 + width) + (width + 1) * 2 * values
    parameters = depth * block + (values + 1) * width + time + last
    attention = 2 * width * (frames * places**2 + places * frames**2)
    blocks = depth * 12 * tokens * width**2 + depth // 2 * (attention + rows * 6 * width**2)
    ends = tokens * 3 * values * width + 256 * width + width**2 + frames * 2 * width**2
    return parameters, blocks + ends


@pytest.mark.parametrize("change", [{}, {"frames": 1}, {"size": 16, "frames": 3}, {"depth": 2, "heads": 4}], ids=str)
def test_clips_have_the_closed_form(change):
    sizes = SMALL | change
    cost = clip_cost(**sizes)
    expected = closed_form(**{key: value for key, value in sizes.items() if key != "heads"})
    assert (cost["params"], cost["forward_macs"]) == expected
    assert cost["train_flops_per_clip"] == 3 * 2 * cost["forward_macs"]


@pytest.mark.parametrize("model", ["S/2", "XL/2"])
def test_published_sizes_have_it_too(model):
    depth, width, _, patch = parse(model)
    cost = cost_of_clips(model, 256, 16)
    assert (cost["params"], cost["forward_macs"]) == closed_form(depth, width, patch, 32, 4, 16)


def test_a_real_forward_pass_counts_the_same():
    """On the CPU the counter gives attention as nothing; it is told here what its two products take."""

    def attention(query, key, *_, **__):
        batch, heads, queries, width = query
        return 2 * 2 * batch * heads * queries * key[2] * width

    network, clip = small()
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping={ATTENTION_ON_CPU: attention}) as counter:
        network(*clip)
    assert counter.get_total_flops() == 2 * clip_cost(**SMALL)["forward_macs"]


def small(**change) -> tuple[Clips, tuple[torch.Tensor, torch.Tensor]]:
    """A network with values everywhere, in place of the zeros that blocks start from, and a clip."""
    sizes = SMALL | change
    backbone = DiT(sizes["width"], sizes["depth"], sizes["heads"], sizes["patch"], "sincos", False).on(sizes["size"])
    generator = torch.Generator().manual_seed(0)
    network = Clips(backbone, sizes["channels"], sizes["frames"])
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    shape = (sizes["frames"], sizes["channels"], sizes["size"], sizes["size"])
    return network, (torch.randn(shape, generator=generator), torch.tensor([0.3]))


class Still(nn.Module):
    """A block that leaves its tokens as they are."""

    def forward(self, x_BLD, context):
        return x_BLD


def test_a_block_of_frames_and_one_of_places_bring_every_token_to_every_other():
    """And the first alone those of a frame, the second those of a place."""
    network, (x, t) = small(depth=2)

    def moved(*blocks: nn.Module) -> torch.Tensor:
        network.blocks = nn.ModuleList(blocks)
        changed = x.clone()
        changed[1, :, :2, :2] += 1  # of one token
        with torch.no_grad():
            return (network(changed, t) - network(x, t)).abs().amax(-1) > 1e-7

    (first, second), still = network.blocks, Still()
    assert moved(first, second).all()
    places, frames = moved(first, still), moved(still, second)
    assert places[1].all() and not places[[0, 2, 3, 4]].any()
    assert frames[:, 0].all() and not frames[:, 1:].any()


def test_published_figures_of_clips_are_shown_beside_ours_and_said_to_be_notes():
    rows = [row for row in paper_costs(tiny.ROOT / "ablations/published.yaml") if "frames" in row["model"]]
    assert {row["quantity"] for row in rows} == {"gmac", "params_m"}
    for row in rows:
        assert row["model"] == "XL/2, 16 frames" and row["confidence"] == "note"
        assert row["why"] or abs(row["relative_difference"]) < 0.007
        assert "not explained" not in row["why"]


def test_what_has_no_clips_is_refused_in_a_sentence():
    with pytest.raises(UserError, match="--model has 3 blocks; allowed with --frames: an even number"):
        cost_of_clips("3x32x2/2", 64, 4)
    with pytest.raises(UserError, match="--resolution is 100; allowed: a multiple of 16 pixels"):
        cost_of_clips("S/2", 100, 4)
