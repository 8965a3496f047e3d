"""A network asked with another attention: on any grid, with its own speed and its distance from dense."""

import pytest
import tiny
import torch

from sprint.bench.attention import asked, compared, on_grid
from sprint.diffusion.attention import ATTENTIONS
from sprint.nn.backbones.uvit import UViT
from sprint.runtime.errors import UserError


def test_the_same_weights_are_asked_on_another_grid():
    model = tiny.stirred(tiny.run("dense", 0.0))
    wider, again = on_grid(model, 64), on_grid(model, 16)
    assert wider.config.backbone.tokens == 64
    assert all(torch.equal(value, wider.state_dict()[name]) for name, value in model.state_dict().items())
    x, t, y = tiny.inputs(tiny.run("dense", 0.0))
    with torch.no_grad():
        assert torch.equal(again(x, t, y), model(x, t, y))
    sizes = {key: getattr(tiny.smoke().model, key) for key in ("width", "depth", "heads", "patch", "qk_norm")}
    learned = tiny.stirred(tiny.run("dense", 0.0, backbone=UViT(**sizes, positions="learned")))
    with pytest.raises(UserError, match="its weights are of 16 tokens and fit no other number"):
        on_grid(learned, 64)


def test_every_attention_is_measured_beside_dense():
    model = on_grid(tiny.stirred(tiny.run("dense", 0.0)), 256)
    rows = compared(model, tiny.digits(), 1)
    assert [row["attention"] for row in rows] == [one.document() for one in asked()]
    assert {row["attention"]["kind"] for row in rows} == set(ATTENTIONS)
    assert rows[0]["relative_error"] == 0 and rows[0]["of_dense"]["median"] == 1
    assert all(row["tokens"] == 256 and row["seconds"]["median"] > 0 for row in rows)
    errors = {row["attention"]["density"]: row["relative_error"] for row in rows if "density" in row["attention"]}
    assert len(errors) == 3 and all(0 < error < 1 for error in errors.values()) and errors[0.5] < errors[0.25]
