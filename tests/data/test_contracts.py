"""What holds for every data set and every codec, found by listing their folders; and that the suite finds mistakes."""

import os
import pickle
from collections.abc import Callable
from functools import cached_property

import pytest
import tiny
import torch

from sprint import data
from sprint.data.codecs import CODECS, Codec
from sprint.data.codecs.pixels import Pixels
from sprint.data.held import Held
from sprint.data.sets import DATASETS, DataSet
from sprint.data.sets.noise import Noise
from sprint.runtime.strict import build


def maker(plugin: type[DataSet], folder) -> Callable[[], DataSet]:
    """What opens the smallest data set of a kind, whose files are made once."""
    settings, size = plugin.smallest(folder)
    return lambda: plugin(build(plugin.Settings, settings, "test"), size)


def data_set_holds(plugin: type[DataSet], folder) -> None:
    """Every proposition of the contract, on the smallest data set there is of a kind."""
    assert plugin.title and plugin.cites
    made = maker(plugin, folder)
    one = made()
    one.check(), one.verify()
    count, everything = len(one), torch.arange(len(one))
    stored, labels = one.examples(everything)
    assert stored.shape == (count, one.channels, one.size, one.size) and labels.shape == (count,)
    assert labels.dtype == torch.int64 and labels.min() >= 0 and labels.max() < one.classes
    assert count >= 10 and not all(torch.equal(stored[0], other) for other in stored[1:])
    order_and_batches_change_nothing(one, stored, labels)
    held_out, training = one.held_out(), one.training
    assert torch.equal(torch.cat([held_out, training]).sort().values, everything)
    assert len(one.measured) and torch.isin(one.measured, everything).all()
    again = made()
    assert again.fingerprint() == one.fingerprint() == pickle.loads(pickle.dumps(one)).fingerprint()
    for other in (again, pickle.loads(pickle.dumps(again))):
        found, said = other.examples(everything[3:5])
        assert torch.equal(found, stored[3:5]) and torch.equal(said, labels[3:5])
    content_changes_the_fingerprint(made, folder, plugin.by_content)


def order_and_batches_change_nothing(one: DataSet, stored: torch.Tensor, labels: torch.Tensor) -> None:
    order = torch.randperm(len(one), generator=torch.Generator().manual_seed(0))
    for part in [*order.split(7), order[:1], order[:0], torch.tensor([2, 2, 0])]:
        found, said = one.examples(part)
        assert torch.equal(found, stored[part]) and torch.equal(said, labels[part])


def content_changes_the_fingerprint(made: Callable[[], DataSet], folder, by_content: bool) -> None:
    """Of a data set of files: each of them, changed, or moved in time alone, unless the content itself is hashed."""
    before = made().fingerprint()
    for path in sorted(path for path in folder.rglob("*") if path.is_file())[::5]:
        content, times = path.read_bytes(), path.stat()
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 10**9))
        assert (made().fingerprint() == before) is by_content
        path.write_bytes(content + b" ")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert made().fingerprint() != before
        path.write_bytes(content)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert made().fingerprint() == before


def codec_holds(plugin: type[Codec], folder) -> None:
    """Every proposition of the contract, on the stored examples that the codec names."""
    assert plugin.title and plugin.cites
    settings, stored = plugin.smallest(folder)
    count, channels, size, _ = stored.shape
    codec = plugin(build(plugin.Settings, settings, "test"), channels, size)
    codec.check()
    indices = torch.arange(count) * 3
    signal = codec.signal(stored, indices, 1, 2)
    assert signal.shape == (count, codec.channels, codec.size, codec.size) and signal.dtype == torch.float32
    assert signal.isfinite().all() and signal.abs().max() < 20 and 0.05 < signal.std() < 5
    for part in [*torch.randperm(count).split(2), torch.arange(0)]:
        assert torch.equal(codec.signal(stored[part], indices[part], 1, 2), signal[part])
    copy = pickle.loads(pickle.dumps(codec))
    assert torch.equal(copy.signal(stored, indices, 1, 2), signal)
    pictures = codec.pictures(signal)
    assert pictures.dtype == torch.uint8 and len(pictures) == count and pictures.shape[1] in (1, 3)
    assert torch.equal(codec.pictures(signal[1:3]), pictures[1:3])
    assert codec.pictures(signal[:0]).shape == (0, *pictures.shape[1:])
    assert codec.pictures(signal * 1e3).dtype == torch.uint8  # what a network makes may be out of range
    assert codec.autoencoder is None or codec.autoencoder


@pytest.mark.parametrize("name", DATASETS)
def test_a_data_set_keeps_the_contract(name, tmp_path):
    data_set_holds(DATASETS[name], tmp_path / "data")


@pytest.mark.parametrize("name", CODECS)
def test_a_codec_keeps_the_contract(name, tmp_path):
    codec_holds(CODECS[name], tmp_path)


@pytest.mark.parametrize("name", DATASETS)
def test_opening_a_data_set_reads_nothing(name, tmp_path, monkeypatch):
    settings, size = DATASETS[name].smallest(tmp_path / "data")
    monkeypatch.setattr(DATASETS[name], "examples", None)
    monkeypatch.setattr(DATASETS[name], "read", None, raising=False)
    opened = data.opened({"name": name, **settings}, data.USUAL_CODEC, size).data_set
    opened.check()
    assert opened.channels and opened.size and opened.classes


class Forgetful(Noise):
    def read(self):
        return torch.randint(256, (40, 3, 8, 8), dtype=torch.uint8), torch.randint(4, (40,))


class Positional(Noise):
    def examples(self, indices):
        stored, labels = super().examples(indices)
        return stored.roll(len(indices) % 2, 0), labels


class Mislabelled(Noise):
    def read(self):
        stored, labels = super().read()
        return stored, labels + 1


class Overlapping(Noise):
    def held_out(self):
        return torch.arange(5)

    @cached_property
    def training(self):
        return torch.arange(40)


class Unpicklable(Noise):
    def __init__(self, settings, image_size):
        super().__init__(settings, image_size)
        self.draw = lambda: None


class Blind(DATASETS["image_folder"]):
    def fingerprint(self):
        return "".join(path.name for path, _ in self.files)


@pytest.mark.parametrize("wrong", [Forgetful, Positional, Mislabelled, Overlapping, Unpicklable, Blind])
def test_the_suite_finds_a_data_set_with_a_mistake(wrong, tmp_path):
    with pytest.raises((AssertionError, AttributeError, pickle.PicklingError, TypeError)):
        data_set_holds(wrong, tmp_path / "data")


class Unscaled(Pixels):
    def signal(self, stored, indices, seed, step):
        return stored.float()


class DrawsByPlace(Pixels):
    def signal(self, stored, indices, seed, step):
        return super().signal(stored, indices, seed, step) + torch.arange(len(stored)).view(-1, 1, 1, 1) / 10


class Unquantised(Pixels):
    def pictures(self, signal):
        return signal * 127.5 + 127.5


@pytest.mark.parametrize("wrong", [Unscaled, DrawsByPlace, Unquantised])
def test_the_suite_finds_a_codec_with_a_mistake(wrong, tmp_path):
    with pytest.raises((AssertionError, RuntimeError)):
        codec_holds(wrong, tmp_path)


def test_pixels_come_back_as_they_were():
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    codec = data.opened_codec(data.USUAL_CODEC, 1, 16)
    signal = codec.signal(levels, torch.tensor([0]), 0, 0)
    assert torch.equal(codec.pictures(signal), levels) and (signal.min(), signal.max()) == (-1, 1)


class HeldOut(Held):
    """Twenty pictures that can be told apart, of which every fourth is held out."""

    channels, classes = 1, 2

    def read(self):
        return torch.arange(20, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 8, 8), torch.arange(20) % 2

    def held_out(self):
        return torch.arange(0, 20, 4)


def test_no_training_sees_what_is_held_out_and_samples_are_measured_against_that_alone():
    from sprint.training.batches import draw_batch

    examples = data.Examples(HeldOut(None, 8), data.opened_codec(data.USUAL_CODEC, 1, 8))
    run = tiny.run()
    seen = {
        level
        for step in range(run.train.steps)
        for level in ((draw_batch(run, examples, step, 0.0).x_BCHW[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()
    }
    assert seen == {number for number in range(20) if number % 4}
    assert examples.data_set.measured.tolist() == [0, 4, 8, 12, 16]
    assert set(examples.to_learn_from().pixels[:, 0, 0, 0].tolist()) == seen


def test_of_many_examples_a_part_is_learned_from_always_the_same(monkeypatch):
    monkeypatch.setattr(data, "MOST", 12)
    examples = data.Examples(HeldOut(None, 8), data.opened_codec(data.USUAL_CODEC, 1, 8))
    first, again = examples.to_learn_from(), examples.to_learn_from()
    assert len(first.labels) == 12 and torch.equal(first.pixels, again.pixels)


def test_a_process_keeps_no_more_cropped_pictures_than_allowed(tmp_path, monkeypatch):
    from sprint.data.sets import image_folder

    monkeypatch.setattr(image_folder, "KEPT", 5 * 64)
    one = maker(image_folder.ImageFolder, tmp_path)()
    one.verify()
    first, _ = one.examples(torch.arange(24))
    assert len(one.kept) == 5 and torch.equal(first, one.examples(torch.arange(24))[0])
