"""The extractors with published weights, random ones in their place, against torch-fidelity, PIL and torchvision."""

import hashlib

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from sprint.data.vision import ensure_torchvision
from sprint.evaluation.folders import read_images
from sprint.metrics import METRICS, called, inception_score, title_of
from sprint.metrics.extractors import Weights
from sprint.metrics.maths.frechet import frechet_distance, statistics
from sprint.metrics.measuring import evidence_of, measure
from sprint.metrics.networks.loading import load


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of PNG files of random levels: of one size, smaller than either extractor's."""
    folder = tmp_path_factory.mktemp("pictures")
    for number, levels in enumerate(np.random.default_rng(0).integers(0, 256, (4, 40, 50, 3), dtype=np.uint8)):
        Image.fromarray(levels).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def inception(tmp_path_factory):
    """torch-fidelity's own network with random weights, giving all that it can, and ours with the same."""
    ensure_torchvision()
    from torch_fidelity import FeatureExtractorInceptionV3, feature_extractor_inceptionv3

    path = tmp_path_factory.mktemp("inception") / "random.pth"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feature_extractor_inceptionv3, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        theirs = FeatureExtractorInceptionV3("inception-v3-compat", ["2048", "logits_unbiased", "logits"])
    torch.save(theirs.state_dict(), path)
    return theirs, load("inception", path)


def test_both_read_the_same_pixels_and_see_the_same_in_them(pictures, inception):
    from torch_fidelity.datasets import ImagesPathDataset

    theirs, ours = inception
    read = ImagesPathDataset([str(path) for path in sorted(pictures.iterdir())])
    pixels, _ = read_images(pictures, None, None, "none")
    assert torch.equal(pixels, torch.stack([read[index] for index in range(4)]))
    features, logits, _ = theirs(pixels)
    found = ours.outputs(pixels)
    assert torch.equal(found["inception"], features) and torch.equal(found["inception/logits"], logits)
    assert torch.equal(ours.features(pixels), features)


def test_spatial_features_are_the_first_channels_of_that_map_channels_last(pictures, inception):
    theirs, ours = inception
    kept = []
    block = theirs.Mixed_6d
    handle = block.register_forward_hook(lambda module, inputs, output: kept.append(inputs[0]))
    pixels, _ = read_images(pictures, None, None, "none")
    theirs(pixels)
    handle.remove()
    branch = F.relu(block.branch1x1.bn(block.branch1x1.conv(kept[0]))).numpy()
    expected = np.ascontiguousarray(np.transpose(branch, (0, 2, 3, 1))[..., :7]).reshape(4, -1)
    found = ours.outputs(pixels)["inception/spatial"]
    assert found.shape == (4, 2023) and np.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("size", [(32, 32), (224, 224), (300, 260)])
def test_dinov2_sees_what_pil_and_torchvision_make_of_a_picture(size):
    ensure_torchvision()
    from torchvision import transforms

    from sprint.metrics.networks.fidelity import prepared

    levels = np.random.default_rng(0).integers(0, 256, (3, *size, 3), dtype=np.uint8)
    published = transforms.Compose(
        [
            transforms.Resize((224, 224), transforms.InterpolationMode.BICUBIC),
            transforms.ToTensor(),
            transforms.Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        ]
    )
    expected = torch.stack([published(Image.fromarray(one)) for one in levels])
    found = prepared(torch.from_numpy(levels).permute(0, 3, 1, 2))
    assert found.shape == (3, 3, 224, 224) and torch.allclose(found, expected, atol=1e-6)


def test_of_two_cached_files_the_one_with_the_published_hash_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    right, wrong = b"published", b"another"
    weights = Weights("https://example.org/own.pth", hashlib.sha256(right).hexdigest()[:8], ("other.pth",))
    own, other = weights.places()
    assert weights.cached() == own  # named where nothing is there
    own.parent.mkdir(parents=True)
    other.write_bytes(right)
    assert weights.cached() == other
    own.write_bytes(wrong)
    assert weights.cached() == other
    own.write_bytes(right)
    assert weights.cached() == own


def layered(seed: int, count: int = 40, width: int = 6) -> dict[str, torch.Tensor]:
    """Outputs as those of Inception, narrower."""
    random = torch.Generator().manual_seed(seed)
    names = ("inception", "inception/spatial", "inception/logits")
    return {name: torch.randn(count, width, generator=random) for name in names}


def test_sfid_is_the_distance_of_spatial_features_and_of_no_other_extractor():
    ours, theirs = layered(1), layered(2)
    plain = {"digits-cnn": ours["inception"]}, {"digits-cnn": theirs["inception"]}
    values, _ = measure(evidence_of(ours | plain[0], theirs | plain[1]))
    sides = (statistics(side["inception/spatial"]) for side in (theirs, ours))
    expected = frechet_distance(*next(sides), *next(sides))
    assert values["sfid/inception"] == pytest.approx(expected, rel=1e-9)
    assert not {"sfid/digits-cnn", "inception_score/digits-cnn"} & values.keys()
    assert (title_of("sfid/inception"), title_of("inception_score/inception")) == ("sFID", "IS")
    assert "sfid/inception" in called("inception") and "sfid/digits-cnn" not in called("digits-cnn")


def test_published_moments_give_the_distances_and_images_the_neighbours():
    """As ADM's file has it: the mean and covariance of all images, and some images."""
    ours, theirs, whole = layered(1), layered(2), layered(3, 500)
    moments = {name: statistics(whole[name]) for name in ("inception", "inception/spatial")}
    values, reasons = measure(evidence_of(ours, {"inception": theirs["inception"]}, moments=moments))
    for name, layer in (("fd/inception", "inception"), ("sfid/inception", "inception/spatial")):
        expected = frechet_distance(*moments[layer], *statistics(ours[layer]))
        assert values[name] == pytest.approx(expected, rel=1e-9)
    few, _ = measure(evidence_of(ours, theirs))
    assert values["precision/inception"] == few["precision/inception"] and not reasons.keys() & {"kid/inception"}
    values, reasons = measure(evidence_of(ours, {"inception": theirs["inception"]}))
    assert values["sfid/inception"] is None and "spatial" in reasons["sfid/inception"]


def test_the_inception_score_of_splits_is_torch_fidelitys(monkeypatch):
    ensure_torchvision()
    from torch_fidelity.metric_isc import isc_features_to_metric

    logits = 3 * torch.randn(60, 10, generator=torch.Generator().manual_seed(0))
    seen = evidence_of({"inception": logits, "inception/logits": logits}, {"inception": logits})["inception"]
    for split, splits in ((5000, 1), (20, 3)):
        monkeypatch.setattr(inception_score, "SPLIT", split)
        theirs = isc_features_to_metric(logits, splits=splits, shuffle=False)["inception_score_mean"]
        assert METRICS["inception_score"].compute(seen) == pytest.approx(theirs, rel=1e-12)
