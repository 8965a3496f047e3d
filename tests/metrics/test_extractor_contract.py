"""What holds of every extractor, found by listing sprint/metrics/extractors: what it says of itself, and that those
which are trained here learn, tell images apart, and do so in the same way each time."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from sprint.data import Images
from sprint.metrics.extractors import EXTRACTORS, extractor_named, trained_here, weights_file
from sprint.metrics.networks.loading import load_of
from sprint.metrics.networks.training import LOW, remark, train
from sprint.runtime.errors import UserError

CLASSES = 3
HERE = [name for name in EXTRACTORS if not EXTRACTORS[name].weights]
PUBLISHED = [name for name in EXTRACTORS if EXTRACTORS[name].weights]


def images(count: int = 30) -> Images:
    """Noise, brighter by class."""
    labels = torch.arange(count) % CLASSES
    noise = torch.randint(0, 100, (count, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    return Images((noise + 70 * labels.view(-1, 1, 1, 1)).byte(), labels, CLASSES, "shades")


def images_for(kind) -> Images:
    """Those that it takes: an extractor of cells sees four of them on one image."""
    made = images()
    return replace(made, pixels=made.pixels.repeat(1, 1, 2, 2), cells=2) if kind.reads_cells else made


def said_wrongly(kind) -> list[str]:
    """In what an extractor's description breaks the contract."""
    found = [] if kind.title and kind.cites and kind.takes and kind.dim > 0 else ["title, cites, takes or dim"]
    if kind.weights and not (kind.weights.url.startswith("https://") and len(kind.weights.sha256) >= 8):
        found.append("where its weights are and their hash")
    if not kind.weights and not kind.steps > 0:
        found.append("steps")
    return found


def done_wrongly(name: str, folder) -> list[str]:
    """In what the extractor called `name`, trained for two steps, breaks the contract."""
    found, learned = [], images_for(extractor_named(name))
    pixels = learned.pixels
    before = torch.get_rng_state()
    records = [train(name, learned, folder / place / "extractors", steps=2) for place in ("one", "two")]
    if records[0]["sha256"] != records[1]["sha256"] or not torch.equal(before, torch.get_rng_state()):
        found.append("training depends on more than images, seed and steps")
    if not 0 <= records[0]["held_out_accuracy"] <= 1:
        found.append("the held-out accuracy is no share")
    extractor = load_of(folder / "one", name)
    features = extractor.features(pixels)
    if features.shape != (len(pixels), extractor.kind.dim) or not features.isfinite().all():
        found.append(f"features are {tuple(features.shape)}, or not finite")
    elif not torch.allclose(extractor.features(pixels.flip(0), 7).flip(0), features, atol=1e-4):
        found.append("an image's features depend on its batch")
    elif features.std(0).max() == 0:
        found.append("all images have the same features")
    if extractor.kind.reads_cells and extractor.read_cells(pixels).shape != (len(pixels), 4):
        found.append("it reads another number of cells")
    if extractor.kind.classifies and not set(extractor.classify(pixels).tolist()) <= set(range(CLASSES)):
        found.append("labels are not those of the images")
    return found


@pytest.mark.parametrize("name", EXTRACTORS)
def test_an_extractor_says_what_it_is(name):
    assert said_wrongly(EXTRACTORS[name]) == []


@pytest.mark.parametrize("name", HERE)
def test_an_extractor_that_is_trained_here_keeps_its_word(name, tmp_path):
    assert done_wrongly(f"shades-{name}", tmp_path) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"loss": staticmethod(lambda network, *_: network.embed(torch.rand(4, 1, 8, 8)).mean())}, "more than images"),
        ({"held_out_accuracy": staticmethod(lambda *_: 46.0)}, "no share"),
        ({"dim": 32}, "features are (30, 64)"),
        ({"outputs": staticmethod(lambda classes: classes + 90)}, "labels are not those"),
    ],
)
def test_an_extractor_with_a_mistake_is_told(changes, said, tmp_path, monkeypatch):
    kind = EXTRACTORS["cnn"]
    for key, value in changes.items():
        monkeypatch.setattr(kind, key, value)
    if "outputs" in changes:  # a head with more outputs than classes, of which an idle one is the largest
        monkeypatch.setattr(
            kind, "loss", staticmethod(lambda network, x, y, g: -network.head(torch.ones(1, 64))[0, -1])
        )
    assert any(said in fault for fault in done_wrongly("shades-cnn", tmp_path))


def test_a_description_with_a_mistake_is_told():
    wrong = type("Wrong", (EXTRACTORS["inception"],), {"takes": "", "weights": None, "steps": 0})
    assert said_wrongly(wrong) == ["title, cites, takes or dim", "steps"]


def test_the_part_before_the_last_dash_is_free_and_what_has_no_meaning_is_refused():
    for name in ("digits-cnn", "birds-of-2-ssl", "B7-cnn"):
        assert trained_here(name) and extractor_named(name) is EXTRACTORS[name.rpartition("-")[2]]
    assert weights_file("results/own", "birds-cnn").as_posix() == "results/own/extractors/birds-cnn.safetensors"
    assert not any(trained_here(name) for name in PUBLISHED)
    for name in ("cnn", "-cnn", "a b-cnn", "a/b-cnn", "digits-", "digits-inception", "digits-cnm", "", "../x-cnn"):
        with pytest.raises(UserError, match="is unknown"):
            extractor_named(name)


def test_names_and_what_extractors_say_need_no_torch():
    code = (
        "import sys; from sprint.metrics.extractors import EXTRACTORS, trained_here; "
        "assert trained_here('birds-cnn') and all(EXTRACTORS[name].title for name in EXTRACTORS); "
        "print({'torch', 'torch_fidelity', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stdout + done.stderr


def test_a_low_held_out_accuracy_is_remarked_on_wherever_the_extractor_is_used(tmp_path):
    """Labels that have nothing to do with the images are learnt by nobody."""
    learnt = images(60)
    shuffled = learnt.labels[torch.randperm(60, generator=torch.Generator().manual_seed(3))]
    record = train("shades-cnn", Images(learnt.pixels, shuffled, CLASSES, "shades"), tmp_path / "extractors", steps=5)
    assert record["held_out_accuracy"] < LOW and "fewer than 80%" in record["remark"]
    assert load_of(tmp_path, "shades-cnn").remark == record["remark"]
    assert remark("digits-cnn", 0.98) == ""
