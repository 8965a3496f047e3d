"""Latents in every layout that people have are read to what they were written from, by index, and converted whole."""

import json
import pickle
import sys
import zipfile

import numpy as np
import pytest
import stores
import torch

from sprint.cli import main as cli
from sprint.data.converting import convert
from sprint.data.facts import EDM2_MEAN, Facts, found_facts
from sprint.data.inspecting import inspect
from sprint.data.layouts import LAYOUTS, open_layout
from sprint.data.sets.latents import Latents, Settings
from sprint.runtime.errors import UserError

NOTHING = Facts()
EDM2 = stores.source(60, EDM2_MEAN, side=8)
# By layout: how it is written, of what, what is read of it, and its kind.
GOLDEN = {
    "repa": (stores.repa, stores.source(), "mean_std", "mean_std"),
    "repa zip": (stores.edm2_zip, EDM2, "mean_std", "mean_std"),
    "fast-dit": (stores.fast_dit, stores.source(side=8), "sample", "sample"),
    "lightningdit": (stores.lightningdit, stores.source(), "sample", "sample"),
    "maskdit": (stores.maskdit, stores.source(), "mean_std", "mean_logvar"),
    "mar": (stores.mar, stores.by_class(stores.source()), "mean_std", "mean_logvar"),
}


@pytest.fixture(params=GOLDEN)
def written(request, tmp_path):
    """A store, its layout's name, what it was written from, what is read of it, and its kind."""
    write, source, read, kind = GOLDEN[request.param]
    return write(tmp_path / "store", source), request.param.split()[0], source, getattr(source, read), kind


def close(found: torch.Tensor, wanted: np.ndarray) -> None:
    """Equal, but for the rounding of exp and of a factor."""
    np.testing.assert_allclose(found.numpy(), wanted, rtol=3e-6, atol=1e-9)


def test_every_layout_has_a_golden_file_or_is_our_own():
    assert {name.split()[0] for name in GOLDEN} | {"shards", "pictures"} == set(LAYOUTS)


def test_what_was_written_is_read_by_index_in_any_order(written):
    path, _, source, wanted, _ = written
    one = Latents(Settings(str(path)), 32)
    one.check(), one.verify()
    assert len(one) == len(source.labels) and one.classes == stores.CLASSES
    order = torch.randperm(len(one), generator=torch.Generator().manual_seed(3))
    for part in [*order.split(6), order[:0], torch.tensor([1, 1])]:
        found, labels = one.examples(part)
        close(found, wanted[part])
        assert labels.tolist() == source.labels[part].tolist()
    found, _ = pickle.loads(pickle.dumps(one)).examples(order[:2])
    close(found, wanted[order[:2]])


def test_inspect_says_what_it_is(written, monkeypatch, capsys):
    path, name, source, _, kind = written
    monkeypatch.setattr(sys, "argv", ["sprint", "data", "inspect", str(path), "--json"])
    with pytest.raises(SystemExit, match="0"):
        cli.main()
    found = json.loads(capsys.readouterr().out)
    told = {key: found[key] for key in ("layout", "kind", "count", "classes")}
    assert told == {"layout": name, "kind": kind, "count": len(source.labels), "classes": stores.CLASSES}
    assert found["shape"] == [*((4,) if kind == "sample" else (8,)), *source.mean.shape[2:]]
    assert found["scale"] == (0.18215 if name == "fast-dit" else 1.0)
    assert found["vae_input"] == ([0, 1] if source is EDM2 else [-1, 1])
    sample = source.sample if kind == "sample" else source.mean
    np.testing.assert_allclose(found["mean"], sample.mean((0, 2, 3)), atol=1e-4)
    np.testing.assert_allclose(found["std"], sample.std((0, 2, 3)), atol=1e-3)


def test_shards_hold_the_same_in_half_precision_and_their_mirror_images_where_there_were(written, tmp_path):
    path, name, source, wanted, _ = written
    convert(path, tmp_path / "shards", NOTHING, 0, 3, 7)
    one, index = Latents(Settings(str(tmp_path / "shards")), 32), torch.arange(len(source.labels))
    one.check(), one.verify()
    found, labels = one.examples(index)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=6e-4, atol=3e-8)
    assert labels.tolist() == source.labels.tolist() and one.held_out().tolist() == [0, len(index) // 2, len(index) - 1]
    assert (one.facts.kind == "sample") == (wanted.shape[1] == 4)
    assert one.facts.vae_input == ((0, 1) if source is EDM2 else (-1, 1))
    if name in ("mar", "lightningdit"):
        both = Latents(Settings(str(tmp_path / "shards"), mirrored=True), 32)
        turned, again = both.examples(index + len(index))
        np.testing.assert_allclose(turned.numpy(), wanted[..., ::-1], rtol=6e-4, atol=3e-8)
        assert again.tolist() == labels.tolist() and len(both) == 2 * len(one)
        assert sorted({*both.held_out().tolist()}) == sorted(one.held_out().tolist() + (one.held_out() + 20).tolist())
        assert both.measured.tolist() == one.held_out().tolist()


def test_the_index_of_shards_holds_mean_and_deviation_of_all(tmp_path):
    source = stores.source(50)
    convert(stores.maskdit(tmp_path / "store", source), tmp_path / "shards", NOTHING, 0, 0, 16)
    index = json.loads((tmp_path / "shards/index.json").read_text())
    np.testing.assert_allclose(index["mean"], source.mean.mean((0, 2, 3)), atol=2e-3)
    drawn = source.mean.var((0, 2, 3)) + (source.std**2).mean((0, 2, 3))
    np.testing.assert_allclose(index["std"], np.sqrt(drawn), rtol=1e-3)
    assert [shard["count"] for shard in index["shards"]] == [16, 16, 16, 2]


def test_a_shard_is_an_array_that_numpy_maps(tmp_path):
    source = stores.source()
    convert(stores.repa(tmp_path / "store", source), tmp_path / "shards", NOTHING, 0, 0, 16)
    array = np.load(tmp_path / "shards/00001.npy", mmap_mode="r", allow_pickle=False)
    assert array.dtype == np.float16 and np.array_equal(array, source.mean_std[16:].astype(np.float16))


def test_a_folder_of_pictures_is_told_with_a_size_where_they_have_one(tmp_path):
    found = inspect(stores.pictures(tmp_path / "pictures"), NOTHING)
    assert {key: found[key] for key in ("layout", "kind", "count", "classes", "shape")} == {
        **{"layout": "pictures", "kind": "pixels", "count": stores.COUNT, "classes": stores.CLASSES},
        "shape": [3, 24, 0],
    }


def broken_npy(folder):
    path = stores.repa(folder, stores.source())
    (path / "vae-sd/00000/img-mean-std-00000000.npy").write_bytes(b"\x93NUMPY no array")
    return path


def objects(folder):
    path = stores.repa(folder, stores.source())
    rows = np.array([np.zeros(3), "label"], dtype=object)
    stores.npy(path / "vae-sd/00000/img-mean-std-00000000.npy", rows, allow_pickle=True)
    return path


def missing(folder):
    path = stores.repa(folder, stores.source())
    (path / "vae-sd/00000/img-mean-std-00000019.npy").unlink()
    return path


def not_finite(folder):
    source = stores.source()
    source.mean[0, 0, 0, 0] = np.nan
    return stores.repa(folder, source)


def other_shape(folder):
    path = stores.repa(folder, stores.source())
    stores.npy(path / "vae-sd/00000/img-mean-std-00000019.npy", np.zeros((8, 4, 5), np.float32))
    return path


def no_labels(folder):
    path = stores.repa(folder, stores.source())
    (path / "vae-sd/dataset.json").write_text('{"labels": null}')
    return path


def no_index(folder):
    path = stores.repa(folder, stores.source())
    (path / "vae-sd/dataset.json").unlink()
    return path


def negative_label(folder):
    path = stores.repa(folder, stores.source())
    index = json.loads((path / "vae-sd/dataset.json").read_text())
    index["labels"][4][1] = -1
    (path / "vae-sd/dataset.json").write_text(json.dumps(index))
    return path


def cut_zip(folder):
    path = stores.edm2_zip(folder, stores.source())
    path.write_bytes(path.read_bytes()[:-200])
    return path


def rotten_zip(folder):
    path = stores.edm2_zip(folder, stores.source())
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        data[archive.getinfo("00000/img-mean-std-00000000.npy").header_offset + 400] ^= 255
    path.write_bytes(data)
    return path


def overwritten(folder):
    path = stores.fast_dit(folder, stores.source())
    (path / "imagenet256_features/7.npy").unlink()
    return path


def odd_spread(folder):
    source = stores.source()
    return stores.fast_dit(folder, stores.Source(source.mean, source.logvar, source.sample / 30, source.labels))


def scaled_or_not(folder):
    source = stores.source()
    return stores.lightningdit(folder, stores.Source(source.mean, source.logvar, source.sample / 5, source.labels))


def cut_safetensors(folder):
    path = stores.lightningdit(folder, stores.source())
    file = path / "latents_rank00_shard001.safetensors"
    file.write_bytes(file.read_bytes()[:-64])
    return path


def cut_lmdb(folder):
    path = stores.maskdit(folder, stores.source())
    (path / "train/data.mdb").write_bytes((path / "train/data.mdb").read_bytes()[:3000])
    return path


def deviations_in_lmdb(folder):
    source = stores.source()
    return stores.maskdit(folder, stores.Source(source.mean, source.std, source.sample, source.labels))


def samples_as_moments(folder):
    source = stores.source()
    return stores.mar(folder, stores.Source(source.mean, source.sample, source.sample, source.labels))


def other_arrays(folder):
    path = stores.mar(folder, stores.source())
    np.savez(sorted(path.rglob("*.npz"))[0], latents=np.zeros((8, 4, 4), np.float32))
    return path


def neither_input(folder):
    return stores.repa(folder, stores.source(60, (9.0, -9.0, 9.0, 0.0)))


def two_layouts(folder):
    stores.repa(folder, stores.source())
    return stores.fast_dit(folder, stores.source())


def stylegans_pictures(folder):
    path = stores.pictures(folder)
    (path / "dataset.json").write_text('{"labels": []}')
    return path


def unknown(folder):
    folder.mkdir()
    (folder / "train.tar").write_bytes(b"")
    return folder


REFUSED = {
    broken_npy: r"img-mean-std-00000000\.npy: cannot be read as an array .*; repair it",
    objects: r"img-mean-std-00000000\.npy: holds Python objects, .* never unpickled",
    missing: r"img-mean-std-00000019\.npy: cannot be read \(No such file",
    not_finite: r"00000000\.npy: holds values that are not finite",
    other_shape: r"00000019\.npy: holds float32 \(8, 4, 5\); allowed: floats of shape \(8, 4, 4\)",
    no_labels: r"dataset\.json holds no labels; allowed",
    no_index: r"dataset\.json is missing",
    negative_label: r"00000004\.npy: its label is '-1'; allowed: one whole number",
    cut_zip: r"edm2\.zip: cannot be read as a ZIP",
    rotten_zip: r"img-mean-std-00000000\.npy: cannot be read \(Bad CRC",
    overwritten: r"has no 7\.npy though files go up to 19\.npy; extraction over several devices overwrote some",
    odd_spread: r"whether they were scaled is not to be told from that; scale settles it",
    scaled_or_not: r"whether they were scaled is not to be told from that; scale settles it",
    cut_safetensors: r"shard001\.safetensors: cannot be read as safetensors",
    cut_lmdb: r"data\.mdb: cannot be read as LMDB|data\.mdb: has no key",
    deviations_in_lmdb: r"nowhere negative, as standard deviations are .*; kind settles",
    samples_as_moments: r"for standard deviations it is too low, for log-variances too high; kind settles",
    other_arrays: r"\.npz: holds latents, but no moments",
    neither_input: r"fed \[-1, 1\] or \[0, 1\] is not to be told from channel means .*; vae_input settles it",
    two_layouts: r"looks like .* and .*; name the folder of one of them",
    stylegans_pictures: r"class 3: no layout that is known here; allowed: ",
    unknown: r"train\.tar: no layout that is known here; allowed: ",
}


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_what_is_corrupt_or_ambiguous_is_refused_in_one_sentence(make, tmp_path):
    path = make(tmp_path / "store")
    with pytest.raises(UserError, match=REFUSED[make]) as refused:
        convert(path, tmp_path / "shards", NOTHING, 0, 0, 0)
    assert "\n" not in str(refused.value) and not (tmp_path / "shards/index.json").exists()


def test_where_a_layout_says_what_the_autoencoder_was_fed_other_channel_means_decide_nothing(tmp_path):
    source = stores.source(60, (9.0, -9.0, 9.0, 0.0))
    for write in (stores.maskdit, stores.mar, stores.lightningdit):
        assert inspect(write(tmp_path / write.__name__, source), NOTHING)["vae_input"] == [-1, 1]
    found = inspect(stores.maskdit(tmp_path / "edm2's", EDM2), NOTHING)
    assert found["vae_input"] == [0, 1] and found["open"] == []


def test_the_key_that_a_refusal_names_settles_it(tmp_path):
    for make, given in (
        (odd_spread, Facts(scale=0.18215, vae_input=(-1.0, 1.0))),
        (scaled_or_not, Facts(scale=1.0)),
        (deviations_in_lmdb, Facts(kind="mean_std")),
        (neither_input, Facts(vae_input=(-1.0, 1.0))),
    ):
        facts = found_facts(open_layout(make(tmp_path / make.__name__)), given)
        assert not facts.open and facts.kind and facts.scale


@pytest.mark.parametrize(
    "write, given, sentence",
    [
        (stores.repa, Facts(scale=0.18215), "scale and shift are of samples; leave them out for mean_std"),
        (stores.maskdit, Facts(kind="mean_std"), "kind is mean_std, and standard deviations go down to -1"),
        (stores.lightningdit, Facts(kind="mean_std"), "kind is mean_std, and standard deviations go down to -"),
    ],
)
def test_what_is_said_of_latents_and_cannot_be_is_refused(write, given, sentence, tmp_path):
    with pytest.raises(UserError, match=sentence):
        inspect(write(tmp_path, stores.source()), given)


def test_a_layout_that_holds_logvariances_under_repas_names_is_found_out(tmp_path):
    source = stores.source()
    path = stores.repa(tmp_path, source)
    for index, array in enumerate(source.moments):
        np.save(path / f"vae-sd/00000/img-mean-std-{index:08d}.npy", array)
    assert inspect(path, NOTHING)["kind"] == "mean_logvar"
    one = Latents(Settings(str(path)), 32)
    close(one.examples(torch.arange(20))[0], source.mean_std)


def test_files_in_a_million_places_are_not_opened_to_count_the_classes(tmp_path, monkeypatch):
    from sprint.data import layouts

    path = stores.fast_dit(tmp_path / "store", stores.source(side=8))
    monkeypatch.setattr(layouts, "LABELS_READ", 10)
    assert inspect(path, NOTHING)["classes"] is None
    with pytest.raises(UserError, match="each of its 20 labels in a place of its own; name their number by `classes`"):
        _ = Latents(Settings(str(path)), 32).classes
    assert Latents(Settings(str(path), classes=5), 32).classes == 5


def test_the_fingerprint_is_of_the_content_wherever_it_lies(written, tmp_path):
    path = written[0]
    moved = path.rename(tmp_path / ("moved" + path.suffix))
    first, again = (Latents(Settings(str(moved)), 32).fingerprint() for _ in range(2))
    assert first == again
