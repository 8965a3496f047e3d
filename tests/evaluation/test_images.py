"""The evaluation alone: images that did not come from us, by the real command, and what it refuses."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch
from PIL import Image

from sprint.data import to_pixels
from sprint.data.vision import ensure_torchvision
from sprint.diffusion.guidance import GUIDANCES
from sprint.evaluation.folders import read_images
from sprint.evaluation.images import evaluate_images
from sprint.evaluation.sampling import draw, field_of
from sprint.metrics.maths.frechet import frechet_distance, statistics
from sprint.metrics.networks import small as networks
from sprint.metrics.networks.dinov2 import SIZES, VisionTransformer
from sprint.metrics.networks.loading import load
from sprint.plan.schema import Drawing
from sprint.runtime.errors import UserError


def pictures(folder, count, size, seed=0, channels=3):
    """A folder of PNG files of random grey levels."""
    folder.mkdir(parents=True)
    shape = (*size, channels) if channels > 1 else size
    levels = np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)
    for number, picture in enumerate(levels):
        Image.fromarray(picture).save(folder / f"{number:03}.png")
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two folders of pictures and weights of digits-cnn that nobody trained."""
    folder = tmp_path_factory.mktemp("judge")
    pictures(folder / "ours", 30, (12, 12), 1)
    pictures(folder / "theirs", 40, (12, 12), 2)
    torch.manual_seed(0)
    network = networks.SmallNetwork(networks.NetworkConfig(3, 12, 12, 10), 10)
    (folder / "cnn.safetensors").write_bytes(networks.to_bytes(network))
    return folder


def judge(run_cli, place, *arguments, extractor="digits-cnn", weights="cnn.safetensors"):
    weights = ["--extractor-weights", place / weights] if weights else []
    return run_cli("evaluate", "--extractor", extractor, *weights, *arguments, cwd=tiny.ROOT)


def test_two_folders_give_the_distance_of_their_features(run_cli, place, tmp_path):
    done = judge(
        run_cli, place, "--images", place / "ours", "--reference", place / "theirs", "--out", tmp_path / "m.json"
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "m.json").read_text())
    extractor = load("digits-cnn", place / "cnn.safetensors")
    sides = [
        statistics(extractor.features(read_images(place / name, None, None, "none")[0])) for name in ("theirs", "ours")
    ]
    assert result["metrics"]["fd/digits-cnn"] == pytest.approx(frechet_distance(*sides[0], *sides[1]), rel=1e-6)
    assert result["images"] == 30 and len(result["bootstrap"]["fd/digits-cnn"]) == 200
    assert {"images_sha256", "resize", "reference", "extractors"} <= set(result["identity"])
    assert "fd/digits-cnn" in done.stdout


def test_statistics_in_adm_form_are_a_reference_by_their_hash(place, tmp_path):
    np.savez(tmp_path / "reference.npz", mu=np.zeros(64), sigma=np.eye(64))
    weights, reference = place / "cnn.safetensors", str(tmp_path / "reference.npz")
    result = evaluate_images(place / "ours", reference, "digits-cnn", weights, "none", "digits", None)
    assert result["metrics"]["fd/digits-cnn"] > 0 and len(result["identity"]["reference"]) == 64
    assert result["metrics"]["kid/digits-cnn"] is None and "covariance" in result["reasons"]["kid/digits-cnn"]


def bad(place, folder):
    """What is asked, and a part of the sentence that refuses it."""
    pictures(folder / "single", 1, (12, 12))
    pictures(folder / "larger", 4, (16, 12))
    np.save(folder / "nan.npy", np.full((4, 12, 12, 3), np.nan, dtype=np.float32))
    np.savez(folder / "whole.npz", mu=np.zeros(64), sigma=np.eye(64))
    np.savez(folder / "other.npz", mu=np.zeros(10), sigma=np.eye(10))
    whole = (folder / "whole.npz").read_bytes()
    (folder / "truncated.npz").write_bytes(whole[: len(whole) // 2])
    (folder / "broken").mkdir()
    (folder / "broken" / "a.png").write_bytes(b"\x89PNG no more")
    ours, theirs = place / "ours", place / "theirs"
    return [
        ((folder / "single", theirs), "holds 1 images; a distance needs at least 2"),
        ((folder / "nan.npy", theirs), "not finite"),
        ((ours, folder / "truncated.npz"), "cannot be read as arrays"),
        ((ours, folder / "other.npz"), "mu and sigma have shapes (10,)"),
        ((folder / "larger", theirs, "--resize", "none"), "images of 16 x 12 pixels where 12 x 12 are asked"),
        ((folder / "broken", theirs), "not a readable picture"),
        ((folder / "nowhere", theirs), "no such folder of images"),
        ((ours, theirs, "--resize", "cubic"), "--resize is 'cubic'; allowed: adm, bicubic"),
    ]


def test_what_cannot_be_judged_is_refused_and_nothing_is_written(place, tmp_path):
    out = tmp_path / "out" / "m.json"
    for (images, reference, *resize), said in bad(place, tmp_path):
        with pytest.raises(UserError, match=re.escape(said)):
            how = resize[1] if resize else "adm"
            evaluate_images(images, str(reference), "digits-cnn", place / "cnn.safetensors", how, "digits", out)
        assert not out.parent.exists()


def test_the_command_says_it_in_one_sentence_and_exits_2(run_cli, place, tmp_path):
    _, (nan, said), *_ = bad(place, tmp_path)
    done = judge(run_cli, place, "--images", nan[0], "--reference", nan[1], "--out", tmp_path / "out" / "m.json")
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1
    assert said in done.stderr and not (tmp_path / "out").exists()


def test_a_missing_extractor_file_is_named(run_cli, place, tmp_path):
    pair = ("--images", place / "ours", "--reference", place / "theirs")
    done = judge(run_cli, place, *pair, weights="gone.safetensors")
    assert done.returncode == 2 and "gone.safetensors: no such file" in done.stderr
    cache = {"TORCH_HOME": str(tmp_path)}
    done = run_cli("evaluate", *pair, "--extractor", "inception", cwd=tiny.ROOT, env=cache)
    assert done.returncode == 2 and "weights-inception" in done.stderr and not list(tmp_path.iterdir())


def random_weights(name, path, monkeypatch):
    """A file of random values in the shape of the published one."""
    torch.manual_seed(0)
    if name != "inception":
        return torch.save(VisionTransformer(*SIZES["s"]).state_dict(), path)
    ensure_torchvision()
    from torch_fidelity import FeatureExtractorInceptionV3, feature_extractor_inceptionv3

    with monkeypatch.context() as patch:
        patch.setattr(feature_extractor_inceptionv3, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        torch.save(FeatureExtractorInceptionV3("inception-v3-compat", ["2048"]).state_dict(), path)


@pytest.mark.parametrize("name", ["inception", "dinov2_small"])
def test_the_real_extractors_run_to_the_end_on_random_weights_and_every_number_says_so(name, tmp_path, monkeypatch):
    random_weights(name, tmp_path / "weights.pth", monkeypatch)
    sides = pictures(tmp_path / "ours", 4, (20, 24), 1), pictures(tmp_path / "theirs", 5, (20, 24), 2)
    out = tmp_path / "metrics.json"
    evaluate_images(sides[0], str(sides[1]), name, tmp_path / "weights.pth", "bicubic", "digits", out)
    result = json.loads(out.read_text())
    assert result["label"] == "weights not the published ones"
    assert result["metrics"][f"fd/{name}"] > 0
    assert len(result["identity"]["extractors"][name]) == 64


def test_sizes_that_differ_are_resized_to_the_reference_as_clean_fid_does(tmp_path):
    ensure_torchvision()
    from cleanfid.resize import make_resizer

    folder = pictures(tmp_path / "flat", 2, (36, 32))
    ours, _ = read_images(folder, (18, 16), 3, "bicubic")
    resize = make_resizer("PIL", False, "bicubic", (16, 18))  # width, height
    for file, mine in zip(sorted(folder.iterdir()), ours, strict=True):
        expected = torch.from_numpy(resize(np.asarray(Image.open(file))).round()).permute(2, 0, 1)
        assert torch.equal(mine.float(), expected)


@pytest.mark.parametrize("guidance", [GUIDANCES[kind](scale=1.5) for kind in ("none", "cfg", "pdg")])
def test_batch_size_moves_no_pixel_by_more_than_one_grey_level(guidance):
    """At least 99.9% of pixels are equal, none is further off; equal batch shapes give the same bytes."""
    model = tiny.stirred(tiny.run("sprint", 0.75), 0.05).eval()
    evaluating, codec = tiny.smoke().evaluate, tiny.digits().codec

    def pixels(batch):
        field = field_of(model, "velocity", Drawing(guidance))
        return draw(field, model.config, codec, replace(evaluating, batch=batch), 0, 128, "float32").int()

    whole = pixels(64)
    assert torch.equal(whole, pixels(64)) and whole.float().std() > 10
    for batch in (1, 7):
        apart = (pixels(batch) - whole).abs()
        assert apart.max() <= 1 and (apart == 0).float().mean() >= 0.999


def test_quantisation_is_rounding_to_the_nearest_level_and_clips():
    levels = torch.arange(256)
    assert torch.equal(to_pixels(levels / 127.5 - 1), levels.byte())
    assert to_pixels(torch.tensor([-3.0, 3.0])).tolist() == [0, 255]
