"""Where published protocols differ: labels, rounding, the channels that guidance acts on; what is usual is unsaid."""

from dataclasses import replace

import pytest
import tiny
import torch

from sprint.data import LEVELS, to_pixels
from sprint.diffusion.guidance import GUIDANCES, text
from sprint.diffusion.guided import Guided
from sprint.diffusion.sample import balanced_labels, labels_of, sample
from sprint.plan.reading import load_plan
from sprint.runtime.errors import UserError


def test_random_labels_are_of_all_classes_alike_and_follow_from_seed_and_index():
    labels = labels_of("random", 7, 0, 4000, 10)
    counts = torch.bincount(labels, minlength=10)
    assert len(counts) == 10 and counts.min() > 320 and counts.max() < 480
    assert torch.equal(labels_of("random", 7, 1234, 1240, 10), labels[1234:1240])
    assert not torch.equal(labels_of("random", 8, 0, 4000, 10), labels)
    assert torch.equal(labels_of("balanced", 7, 5, 9, 3), balanced_labels(5, 9, 3))


def test_images_are_drawn_under_the_labels_of_their_protocol():
    asked = []

    def network(x, t, y, keep, skip):
        asked.append(y)
        return torch.zeros_like(x)

    field = Guided(network, GUIDANCES["none"](), 10)
    for labels in ("balanced", "random"):
        sample(field, tiny.smoke().evaluate.sampler, 3, 20, 26, (1, 2, 2), labels=labels)
        assert torch.equal(asked[-1], labels_of(labels, 3, 20, 26, 10))


def test_levels_are_those_of_the_published_formulas():
    signal = torch.linspace(-1.2, 1.2, 5001)
    truncated = {
        "half_up": torch.clamp(127.5 * signal + 128.0, 0, 255).to(torch.uint8),  # SiT and DiT
        "down": torch.clamp((signal + 1) / 2 * 255.0, 0, 255).to(torch.uint8),  # SPRINT and REPA
    }
    for levels, expected in truncated.items():
        off = (to_pixels(signal, levels).int() - expected.int()).abs()
        assert off.max() <= 1 and (off > 0).float().mean() < 1e-3  # where a product falls on a whole number
    nearest = to_pixels(signal, "nearest")
    assert (to_pixels(signal, "half_up").int() - nearest.int()).abs().sum() <= 255  # but for halves the same
    darker = nearest.float().mean() - to_pixels(signal, "down").float().mean()
    assert 0.35 < darker < 0.5
    assert set(LEVELS) == {"nearest", *truncated}


def test_guidance_on_the_first_channels_leaves_the_others_as_they_are_conditioned():
    """SiT's and DiT's published code guides three of four."""

    def network(x, t, y, keep, skip):
        return torch.ones_like(x) * y.view(-1, 1, 1, 1)

    labels = torch.tensor([1, 2])
    x = torch.zeros(2, 4, 3, 3)
    fields = [Guided(network, GUIDANCES["cfg"](scale=1.5, channels=channels), 9) for channels in (0, 3)]
    whole, three = (field(x, 0.5, labels) for field in fields)
    assert torch.equal(three[:, :3], whole[:, :3]) and not torch.equal(three[:, 3:], whole[:, 3:])
    assert torch.equal(three[:, 3], labels.view(2, 1, 1).expand(2, 3, 3).float())


def test_what_has_its_usual_value_is_not_said():
    usual, three = GUIDANCES["cfg"](scale=1.5), GUIDANCES["cfg"](scale=1.5, channels=3)
    assert usual.document() == {"kind": "cfg", "scale": 1.5, "interval": (0.0, 1.0)}
    assert repr(usual) == "ClassifierFree(scale=1.5, interval=(0.0, 1.0))"
    assert three.document()["channels"] == 3 and "channels 3" in text(three.document()) and "channels=3" in repr(three)
    evaluating = tiny.smoke().evaluate
    words = ("labels", "quantise", "precision", "references")
    assert not [word for word in words if f"{word}=" in str(evaluating)]
    assert "labels='random'" in str(replace(evaluating, labels="random"))


def test_more_channels_than_there_are_are_refused_when_the_plan_is_read(workspace):
    path = workspace / "workflow/presets/smoke.yaml"
    path.write_text(path.read_text().replace("{kind: cfg, scale: 1.5}", "{kind: cfg, scale: 1.5, channels: 2}"))
    with pytest.raises(UserError, match=r"guidance\[1\].channels is 2; allowed: 0, which is all, to 1"):
        load_plan("smoke", workspace).runs()
