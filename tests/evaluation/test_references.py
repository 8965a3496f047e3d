"""What samples are measured against: a preset's own images, few or many, and statistics that somebody published."""

import zipfile
from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch

from sprint.evaluation import kept, reference
from sprint.evaluation.kept import read_reference
from sprint.evaluation.measured import Extractors
from sprint.evaluation.reference import make_reference, published, see_real, together
from sprint.evaluation.statistics_file import images_in, read_moments
from sprint.metrics import Evidence
from sprint.metrics.extractors import EXTRACTORS
from sprint.metrics.maths.frechet import Gaussian, statistics
from sprint.metrics.measuring import evidence_of, measure
from sprint.metrics.networks import training
from sprint.plan.reading import load_preset
from sprint.runtime.errors import UserError
from sprint.runtime.files import file_sha256, read_json

NAME = "digits-cnn"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Results with an extractor, and how they are evaluated."""
    results = tmp_path_factory.mktemp("results") / "smoke"
    training.train(NAME, tiny.digits().to_learn_from(), results / "extractors", steps=3)
    return results, replace(tiny.smoke().evaluate, extractors=[NAME])


def test_a_reference_says_what_it_is_of_and_is_read_as_it_was_written(project):
    results, evaluating = project
    make_reference(tiny.digits(), evaluating, results)
    found, manifest = read_reference(results, tiny.digits()), read_json(results / "reference/manifest.json")
    assert found.sha256 == manifest["sha256"] == file_sha256(results / "reference/features.safetensors")
    assert (
        manifest["images"] == manifest["kept"] == len(found.labels) == len(tiny.digits().data_set.measured)
        and found.moments == {}
    )
    assert manifest["extractors"].keys() == {NAME} and kept.seen_by(results, NAME, manifest["extractors"][NAME])
    assert not kept.seen_by(results, NAME, "0" * 64)
    (results / "reference/manifest.json").unlink()  # as an earlier version left it
    assert read_reference(results, tiny.digits()).sha256 == found.sha256
    make_reference(tiny.digits(), evaluating, results)
    whole = (results / "reference/features.safetensors").read_bytes()
    (results / "reference/features.safetensors").write_bytes(whole + b"\0")
    with pytest.raises(UserError, match=r"make the reference anew|cannot be read"):
        read_reference(results, tiny.digits())


@pytest.mark.parametrize("processes", [1, 3])
def test_of_many_images_some_features_are_kept_and_the_moments_of_all(project, monkeypatch, processes):
    results, _ = project
    extractors, examples = Extractors([NAME], results), tiny.digits()
    whole = together([see_real(examples, extractors)], examples, extractors)
    monkeypatch.setattr(reference, "MOST", 200)
    parts = []
    for rank in range(processes):
        with monkeypatch.context() as patched:
            patched.setattr(reference.distributed, "world", lambda: processes)
            patched.setattr(reference.distributed, "rank", lambda rank=rank: rank)
            parts.append(see_real(examples, extractors))
    found = together(parts, examples, extractors)
    assert len(found.labels) == len(found.features[NAME]) == 200 and found.images == len(whole.labels) > 400
    expected = statistics(whole.features[NAME])
    assert torch.allclose(found.moments[NAME].mean, expected.mean, rtol=1e-10)
    assert torch.allclose(found.moments[NAME].covariance, expected.covariance, rtol=1e-8, atol=1e-12)
    rows = {row.numpy().tobytes() for row in whole.features[NAME]}
    assert {row.numpy().tobytes() for row in found.features[NAME]} <= rows
    kept.write_kept(results / "many" / "reference", found, extractors.identity())
    again = read_reference(results / "many", examples)
    assert torch.equal(again.moments[NAME].covariance, found.moments[NAME].covariance)
    values, _ = measure(evidence_of({NAME: whole.features[NAME][:90]}, **again.known()))
    few, _ = measure(evidence_of({NAME: whole.features[NAME][:90]}, {NAME: whole.features[NAME]}))
    assert values[f"fd/{NAME}"] == pytest.approx(few[f"fd/{NAME}"], rel=1e-6)
    assert values[f"recall/{NAME}"] != few[f"recall/{NAME}"]


class Seen:
    """An extractor of 64 features and a spatial layer of 5, as ADM's files have them of Inception."""

    name = "inception"

    class kind:
        dim, layers = 64, {"spatial": 5, "logits": 3}

    @staticmethod
    def outputs(pixels):
        flat = pixels.flatten(1).float()
        return {"inception": flat[:, :64], "inception/spatial": flat[:, 64:69], "inception/logits": flat[:, :3]}


def adm(path, count=600, **changes):
    """A file as ADM published them, with images of 9 x 9 pixels."""
    random = np.random.default_rng(0)
    arrays = {
        **{"mu": random.normal(size=64), "sigma": np.eye(64), "mu_s": random.normal(size=5), "sigma_s": np.eye(5)},
        "arr_0": random.integers(0, 256, (count, 9, 9, 3), dtype=np.uint8),
    } | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return arrays


def test_adms_file_gives_moments_of_features_and_of_places_and_its_images_features(tmp_path):
    arrays = adm(tmp_path / "adm.npz")
    found = published(tmp_path / "adm.npz", Seen)
    assert np.allclose(found.moments["inception"].mean, arrays["mu"])
    assert np.allclose(found.moments["inception/spatial"].covariance, arrays["sigma_s"])
    pixels = torch.from_numpy(arrays["arr_0"]).permute(0, 3, 1, 2)
    assert torch.equal(torch.cat(list(images_in(tmp_path / "adm.npz"))), pixels)
    assert all(torch.equal(found.features[name], rows) for name, rows in Seen.outputs(pixels).items())
    adm(tmp_path / "mar.npz", mu_s=None, sigma_s=None, arr_0=None)
    alone = published(tmp_path / "mar.npz", Seen)
    assert isinstance(alone.features["inception"], Gaussian) and alone.moments == {}
    assert "inception/spatial" not in alone.features


def test_a_published_reference_stands_beside_own_images_and_is_kept_as_they_are(project, tmp_path):
    results, _ = project
    extractors, examples = Extractors([NAME], results), tiny.digits()
    adm(tmp_path / "adm.npz")
    own = together([see_real(examples, extractors)], examples, extractors)
    both = own.beside(published(tmp_path / "adm.npz", Seen))
    kept.write_kept(tmp_path / "both" / "reference", both, {"extractors": {NAME: "0", "inception": "1"}})
    found = read_reference(tmp_path / "both", examples)
    assert found.published == {"inception": file_sha256(tmp_path / "adm.npz")}
    features = {**Seen.outputs(torch.randint(0, 256, (80, 3, 9, 9))), NAME: own.features[NAME][:80]}
    values, reasons = measure(
        evidence_of(features, told=Evidence(labels=own.labels[:80], reference_labels=found.labels), **found.known())
    )
    assert values[f"fd_class/{NAME}"] is not None
    assert "labels of the reference" in reasons["fd_class/inception"]
    for name in ("fd/inception", "sfid/inception", "precision/inception", "inception_score/inception"):
        assert values[name] is not None, reasons
    assert found.sha256 != own.sha256 and len(found.sha256) == 64


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mu": None}, "holds no mu and sigma"),
        ({"sigma_s": np.eye(4)}, "mu_s and sigma_s have shapes"),
        ({"arr_0": np.zeros((3, 9, 9, 3))}, r"arr_0 is float64 of shape \(3, 9, 9, 3\)"),
        ({"arr_0": np.zeros((3, 9, 9), np.uint8)}, "allowed: uint8 images"),
    ],
)
def test_published_files_of_something_else_are_refused(tmp_path, changes, said):
    adm(tmp_path / "adm.npz", count=3, **changes)
    with pytest.raises(UserError, match=said):
        published(tmp_path / "adm.npz", Seen)


def test_images_that_end_early_are_refused(tmp_path):
    adm(tmp_path / "adm.npz", count=3)
    with zipfile.ZipFile(tmp_path / "adm.npz") as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    parts["arr_0.npy"] = parts["arr_0.npy"][:-100]
    with zipfile.ZipFile(tmp_path / "short.npz", "w") as short:
        for name, data in parts.items():
            short.writestr(name, data)
    with pytest.raises(UserError, match="ends within image 2 of 3"):
        list(images_in(tmp_path / "short.npz"))


def test_inceptions_layers_are_named_as_adms_arrays_are_read(tmp_path):
    kind = EXTRACTORS["inception"]
    widths = {"mu": 2048, "mu_s": 2023}
    arrays = {"mu": np.zeros(2048), "sigma": np.eye(2048), "mu_s": np.zeros(2023), "sigma_s": np.eye(2023)}
    np.savez(tmp_path / "adm.npz", **arrays)
    found = read_moments(tmp_path / "adm.npz", "inception", kind)
    assert {name: len(one.mean) for name, one in found.items()} == {
        "inception": widths["mu"],
        "inception/spatial": widths["mu_s"],
    }


@pytest.mark.parametrize(
    ("references", "said"),
    [
        ("{inception: a.npz}", "evaluate.references names 'inception'; allowed: extractors of the preset"),
        ("{digits-cnn: a.pkl}", "evaluate.references.digits-cnn is 'a.pkl'; allowed: an .npz file"),
        ("{digits-cnn: a.npz}", "there is no such file"),
    ],
)
def test_references_are_checked_when_the_preset_is_read(workspace, references, said):
    path = workspace / "workflow/presets/smoke.yaml"
    path.write_text(path.read_text().replace("  sample_seed: 0\n", f"  sample_seed: 0\n  references: {references}\n"))
    with pytest.raises(UserError, match=said):
        load_preset("smoke", workspace)
