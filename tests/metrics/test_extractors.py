"""Extractors: those we train are reproducible, good and notice corruption; published ones load from a file or say what
is missing."""

import hashlib
import json
import subprocess
import sys
import time

import pytest
import tiny
import torch
import torch.nn.functional as F

from sprint.data import Images
from sprint.data.vision import ensure_torchvision
from sprint.metrics.extractors import EXTRACTORS
from sprint.metrics.maths.frechet import frechet_distance, statistics
from sprint.metrics.measuring.floor import halves
from sprint.metrics.networks import small as networks
from sprint.metrics.networks.dinov2 import SIZES, VisionTransformer
from sprint.metrics.networks.loading import load
from sprint.metrics.networks.training import train
from sprint.runtime.errors import UserError

HERE = [f"digits-{name}" for name in EXTRACTORS if not (EXTRACTORS[name].weights or EXTRACTORS[name].reads_cells)]
PUBLISHED = [name for name in EXTRACTORS if EXTRACTORS[name].weights]


@pytest.fixture(scope="module")
def images() -> Images:
    return tiny.digits().to_learn_from()


@pytest.fixture(scope="module")
def trained(images, tmp_path_factory):
    """Both small extractors, trained in full on the digits: name -> (extractor, what the training recorded)."""
    folder = tmp_path_factory.mktemp("extractors")
    records = {name: train(name, images, folder) for name in HERE}
    return {name: (load(name, folder / f"{name}.safetensors"), records[name]) for name in HERE}


def blurred(pixels: torch.Tensor, deviation: float) -> torch.Tensor:
    """A Gaussian blur of uint8 images (n, C, H, W)."""
    weights = torch.exp(-(torch.arange(-3, 4) ** 2) / (2 * deviation**2))
    kernel = torch.outer(weights, weights)[None, None] / weights.sum() ** 2
    return F.conv2d(F.pad(pixels.float(), (3, 3, 3, 3), mode="replicate"), kernel).round().byte()


def noisy(pixels: torch.Tensor, deviation: float) -> torch.Tensor:
    """Gaussian noise of so many grey levels on uint8 images."""
    noise = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(1))
    return (pixels + deviation * noise).clamp(0, 255).round().byte()


def random_images(count: int, channels: int, height: int, width: int, classes: int = 3) -> Images:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, channels, height, width), generator=generator, dtype=torch.uint8)
    return Images(pixels, torch.arange(count) % classes, classes, "random")


def test_the_classifier_is_right_on_98_percent_of_images_it_never_saw(trained):
    assert trained["digits-cnn"][1]["held_out_accuracy"] >= 0.98


def test_the_self_supervised_encoder_tells_digits_apart_without_having_seen_a_label(trained):
    assert trained["digits-ssl"][1]["held_out_accuracy"] >= 0.9


def test_the_self_supervised_loss_does_not_look_at_labels(images):
    network = networks.SmallNetwork(networks.NetworkConfig(1, 8, 8, 10), 16)
    losses = [
        EXTRACTORS["ssl"].loss(network, images.pixels[:16], labels, torch.Generator().manual_seed(0))
        for labels in (images.labels[:16], None)
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize(("corrupt", "strengths"), [(noisy, (32, 64, 128)), (blurred, (0.5, 0.7, 1.0))])
def test_frechet_distance_rises_with_corruption(trained, images, name, corrupt, strengths):
    ours, theirs = halves(len(images.labels))
    extractor = trained[name][0]
    reference = statistics(extractor.features(images.pixels[theirs]))
    versions = [images.pixels[ours], *(corrupt(images.pixels[ours], strength) for strength in strengths)]
    values = [frechet_distance(*reference, *statistics(extractor.features(v))) for v in versions]
    assert values == sorted(values)
    assert values[-1] > 5 * values[0]


def test_the_classifier_classifies_and_the_other_says_that_it_cannot(trained, images):
    labels = trained["digits-cnn"][0].classify(images.pixels)
    assert (labels == images.labels).double().mean() > 0.98
    with pytest.raises(UserError, match="does not classify"):
        trained["digits-ssl"][0].classify(images.pixels)


@pytest.mark.parametrize("name", HERE)
def test_batch_size_and_order_change_features_by_rounding_only(trained, images, name):
    extractor, pixels = trained[name][0], images.pixels[:130]
    whole = extractor.features(pixels)
    assert whole.shape == (130, 64) and whole.dtype == torch.float32
    for batch_size in (1, 7, 64):
        torch.testing.assert_close(extractor.features(pixels, batch_size), whole, rtol=0, atol=1e-5)
    torch.testing.assert_close(extractor.features(pixels.flip(0)).flip(0), whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", HERE)
def test_training_twice_writes_the_same_bytes_and_another_seed_other_bytes(images, tmp_path, name):
    torch.manual_seed(1)
    first = train(name, images, tmp_path / "first", steps=3)
    torch.manual_seed(2)
    torch.rand(5)
    second = train(name, images, tmp_path / "second", steps=3)
    other = train(name, images, tmp_path / "other", seed=1, steps=3)
    file = f"{name}.safetensors"
    assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()
    assert first["sha256"] == second["sha256"] != other["sha256"]


def test_what_training_records_is_what_the_files_hold(images, tmp_path):
    record = train("digits-cnn", images, tmp_path, steps=2)
    weights = tmp_path / "digits-cnn.safetensors"
    assert json.loads((tmp_path / "digits-cnn.json").read_text()) == record | {"version": 1}
    assert record["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    extractor = load("digits-cnn", weights)
    assert (extractor.weights_sha256, extractor.kind.dim) == (record["sha256"], record["dim"])


@pytest.mark.parametrize("size", [(1, 8, 8), (3, 32, 32), (1, 5, 9), (3, 64, 48)])
def test_images_of_any_size_can_be_learnt(tmp_path, size):
    images = random_images(20, *size)
    for name in HERE:
        train(name, images, tmp_path, steps=1)
        extractor = load(name, tmp_path / f"{name}.safetensors")
        assert extractor.features(images.pixels).shape == (20, 64)


def test_standardising_sets_the_variance_and_leaves_the_output(images):
    network = networks.SmallNetwork(networks.NetworkConfig(1, 8, 8, 10), 10).requires_grad_(False)
    before = network(images.pixels)[1]
    network.standardise(images.pixels)
    features, after = network(images.pixels)
    assert float(features.var(0).mean()) == pytest.approx(1, rel=1e-3)
    torch.testing.assert_close(before, after, rtol=1e-4, atol=1e-5)


def test_torch_fidelity_computes_the_same_distance_through_its_registry(images, tmp_path):
    train("digits-cnn", images, tmp_path, steps=20)
    weights = tmp_path / "digits-cnn.safetensors"
    extractor = load("digits-cnn", weights)
    first, second = images.pixels[:300], images.pixels[300:650]
    import torch_fidelity

    theirs = torch_fidelity.calculate_metrics(
        input1=Pixels(first),
        input2=Pixels(second),
        feature_extractor="digits-cnn",
        feature_extractor_weights_path=weights,
        fid=True,
        cuda=False,
        cache=False,
        save_cpu_ram=True,
        verbose=False,
    )
    ours = frechet_distance(*(part for p in (first, second) for part in statistics(extractor.features(p))))
    assert ours == pytest.approx(theirs["frechet_inception_distance"], rel=1e-4)  # its means are of float32


class Pixels(torch.utils.data.Dataset):
    """uint8 images, one at a time, as torch-fidelity wants them."""

    def __init__(self, pixels: torch.Tensor):
        self.pixels = pixels

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, index):
        return self.pixels[index]


@pytest.mark.parametrize("asked", ["dinov3", "incepton", "digits_cnn"])
def test_an_unknown_extractor_is_refused_with_the_nearest_known(asked):
    nearest = {"dinov3": "dinov2", "incepton": "inception", "digits_cnn": "digits-cnn"}[asked]
    with pytest.raises(UserError, match=f"known: .*did you mean '{nearest}'"):
        load(asked)


@pytest.mark.parametrize("name", PUBLISHED)
def test_missing_published_weights_end_at_once_with_what_to_put_where(name, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    began = time.monotonic()
    with pytest.raises(UserError) as error:
        load(name)
    source = EXTRACTORS[name].weights
    assert source.url in str(error.value) and str(tmp_path / "hub" / "checkpoints") in str(error.value)
    assert time.monotonic() - began < 2
    with pytest.raises(UserError, match="named as the weights"):
        load(name, tmp_path / "absent.pth")


def test_small_extractors_say_that_they_are_trained_first():
    with pytest.raises(UserError, match=r"digits-ssl\.safetensors"):
        load("digits-ssl")


@pytest.mark.parametrize("name", [*HERE, *PUBLISHED])
def test_a_file_of_something_else_is_refused_and_never_executed(name, tmp_path):
    path = tmp_path / "weights"
    trap = tmp_path / "executed"
    for content in (b"", b"text", b"cos\nsystem\n(S'touch %s'\ntR." % str(trap).encode()):
        path.write_bytes(content)
        with pytest.raises(UserError, match=f"holds no weights of {name}"):
            load(name, path)
    torch.save({"a": torch.zeros(3)}, path)
    with pytest.raises(UserError, match=f"holds no weights of {name}"):
        load(name, path)
    assert not trap.exists()


def test_images_of_another_kind_are_refused(images, tmp_path):
    train("digits-cnn", images, tmp_path, steps=1)
    extractor = load("digits-cnn", tmp_path / "digits-cnn.safetensors")
    for pixels in (torch.zeros(2, 1, 9, 9).byte(), torch.zeros(2, 3, 8, 8).byte()):
        with pytest.raises(UserError, match=r"takes images of \(C, H, W\) = \(1, 8, 8\)"):
            extractor.features(pixels)
    with pytest.raises(UserError, match="uint8"):
        extractor.features(torch.full((2, 1, 8, 8), float("nan")))
    assert extractor.features(images.pixels[:0]).shape == (0, 64)


def test_inception_runs_on_random_weights_and_is_not_taken_for_the_published_one(monkeypatch, tmp_path):
    ensure_torchvision()
    from torch_fidelity import FeatureExtractorInceptionV3, feature_extractor_inceptionv3

    with monkeypatch.context() as patch:
        patch.setattr(feature_extractor_inceptionv3, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        random = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"])
    torch.save(random.state_dict(), tmp_path / "random.pth")
    extractor = load("inception", tmp_path / "random.pth")
    assert extractor.label == "weights not the published ones"
    pixels = torch.randint(0, 256, (2, 1, 8, 8), dtype=torch.uint8)
    features = extractor.features(pixels)
    assert features.shape == (2, extractor.kind.dim) == (2, 2048)
    torch.testing.assert_close(features, random(pixels.expand(-1, 3, -1, -1))[0])


def test_dinov2_runs_on_random_weights_of_the_published_shape(tmp_path):
    torch.manual_seed(0)
    weights = VisionTransformer(*SIZES["s"]).state_dict()
    torch.save(weights, tmp_path / "random.pth")
    extractor = load("dinov2_small", tmp_path / "random.pth")
    assert extractor.label == "weights not the published ones"
    features = extractor.features(torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8))
    assert features.shape == (2, extractor.kind.dim) == (2, 384)
    assert features.mean(1).abs().max() < 1e-5  # the class token comes out of a layer norm


@pytest.mark.parametrize(("size", "published_bytes"), [("s", 88_283_115), ("b", 346_378_731), ("l", 1_217_586_395)])
def test_dinov2_has_as_many_weights_as_the_published_files(size, published_bytes):
    """A .pth of float32 is its weights and some hundreds of bytes about each tensor."""
    with torch.device("meta"):
        tensors = VisionTransformer(*SIZES[size]).state_dict().values()
    about = published_bytes - 4 * sum(tensor.numel() for tensor in tensors)
    assert 200 * len(tensors) < about < 500 * len(tensors)


def test_dinov2_resizes_positions_in_their_grid_and_keeps_that_of_the_class_token():
    network = VisionTransformer(28, 2, 2).eval()
    with torch.no_grad():
        grid = torch.arange(37.0).expand(37, 37)  # a position is its column
        network.pos_embed[:, 1:] = grid.reshape(1, -1, 1)
        network.pos_embed[:, :1] = 7.0
        positions = network.positions(16, 16)
        columns = positions[0, 1:, 0].reshape(16, 16)
        assert positions.shape == (1, 257, 28) and float(positions[0, 0, 0]) == 7.0
        assert (columns.diff(dim=1) > 0).all() and torch.allclose(columns[0], columns[9], atol=1e-4)
        assert network.positions(37, 37) is network.pos_embed


def test_importing_the_room_loads_neither_torchvision_nor_torch_fidelity():
    code = (
        "import sys, sprint.metrics.extractors, sprint.metrics.networks.training, sprint.metrics.measuring;"
        "print({'torchvision', 'torch_fidelity', 'cleanfid', 'sklearn', 'scipy'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
