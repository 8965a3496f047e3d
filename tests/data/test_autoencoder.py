"""The autoencoder as a codec: against diffusers itself, drawn by (seed, step, index), named by its hash."""

import hashlib
import json
import shutil

import numpy as np
import pytest
import stores
import torch
from PIL import Image
from test_store import content, killed

from sprint import data
from sprint.data.autoencoder import Autoencoder
from sprint.data.codecs.autoencoder import AutoencoderCodec
from sprint.data.converting import convert
from sprint.data.encoding import encode
from sprint.data.facts import Facts
from sprint.data.inspecting import inspect, write_sheet
from sprint.data.pictures import read_picture
from sprint.data.sets.latents import Latents, Settings
from sprint.data.vision import ensure_torchvision
from sprint.runtime.errors import UserError

REVISION = "a" * 40


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A small autoencoder's folder (factor 2, four channels) and diffusers' own network of it."""
    folder = tmp_path_factory.mktemp("autoencoder") / "tiny"
    AutoencoderCodec.smallest(folder)
    ensure_torchvision()
    from diffusers import AutoencoderKL

    return folder, AutoencoderKL.from_pretrained(folder, local_files_only=True, low_cpu_mem_usage=False)


def codec(folder, channels=8, **settings) -> AutoencoderCodec:
    return data.opened_codec({"name": "autoencoder", "path": str(folder), **settings}, channels, 4)


def test_latents_and_pictures_are_those_of_diffusers(tiny):
    folder, theirs = tiny
    pictures = torch.randint(256, (3, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    for fed, signal in (((-1.0, 1.0), pictures / 127.5 - 1), ((0.0, 1.0), pictures / 255)):
        mean, std = Autoencoder(str(folder)).encode(pictures, fed)
        with torch.no_grad():
            posterior = theirs.encode(signal).latent_dist
            made = theirs.decode(posterior.mean).sample
        assert torch.allclose(mean, posterior.mean, atol=1e-5) and torch.allclose(std, posterior.std, atol=1e-5)
        assert torch.allclose(Autoencoder(str(folder)).decode(mean), made, atol=1e-4)
    one, scale = codec(folder), theirs.config.scaling_factor
    with torch.no_grad():
        wanted = ((theirs.decode(posterior.mean).sample + 1) * 127.5).round().clamp(0, 255)
    found = one.pictures(posterior.mean * scale)
    assert found.dtype == torch.uint8 and (found.float() - wanted).abs().max() <= 1
    in_unit = codec(folder, vae_input=[0.0, 1.0]).pictures(posterior.mean * scale)
    with torch.no_grad():
        assert (in_unit - (theirs.decode(posterior.mean).sample * 255).round().clamp(0, 255)).abs().max() <= 1


def test_the_noise_of_a_posterior_is_its_own_for_each_seed_step_and_index(tiny):
    one, stored = codec(tiny[0], scale=[1.0]), torch.cat([torch.zeros(4000, 4, 4, 4), torch.ones(4000, 4, 4, 4)], 1)
    indices = torch.arange(4000)
    drawn = one.signal(stored, indices, 3, 7)
    assert abs(float(drawn.mean())) < 0.01 and abs(float(drawn.std()) - 1) < 0.01
    assert torch.equal(one.signal(stored[:3], torch.tensor([9, 2, 9]), 3, 7), drawn[[9, 2, 9]])
    others = [one.signal(stored[:50], indices[:50], *key) for key in ((4, 7), (3, 8), (7, 3))]
    for other in [*others, drawn[50:100]]:
        assert abs(float(np.corrcoef(other.flatten(), drawn[:50].flatten())[0, 1])) < 0.06


def test_a_signal_is_shifted_then_scaled_by_channel_and_samples_are_not_drawn(tiny):
    stored = torch.randn(2, 4, 4, 4)
    one = codec(tiny[0], 4, scale=[1.0, 2.0, 3.0, 4.0], shift=[0.5])
    wanted = (stored - 0.5) * torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 4, 1, 1)
    assert torch.allclose(one.signal(stored, torch.arange(2), 0, 0), wanted)
    usual = codec(tiny[0], 4)
    assert torch.allclose(usual.signal(stored, torch.arange(2), 0, 0), stored * 0.18215)


def test_it_is_known_by_name_and_hash(tiny):
    digest = hashlib.sha256((tiny[0] / "diffusion_pytorch_model.safetensors").read_bytes()).hexdigest()
    assert codec(tiny[0]).autoencoder == f"tiny sha256:{digest[:16]}"


def test_a_named_revision_is_found_in_the_cache_of_the_hub(tiny, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    shutil.copytree(tiny[0], tmp_path / f"models--somebody--sd-vae/snapshots/{REVISION}")
    found = codec("somebody/sd-vae", revision=REVISION)
    found.check()
    assert found.channels == 4 and found.autoencoder.startswith(f"somebody/sd-vae@{'a' * 12} sha256:")
    with pytest.raises(UserError, match=r"at b{40} is not on this machine; first: hf download somebody/sd-vae config"):
        codec("somebody/sd-vae", revision="b" * 40).check()
    with pytest.raises(UserError, match=r"revision is 'main'; allowed: the 40 digits of a commit"):
        codec("somebody/sd-vae", revision="main").check()


def broken(folder, tiny, change):
    shutil.copytree(tiny[0], folder)
    change(folder)
    return folder


def test_what_is_no_autoencoder_is_refused_while_the_plan_is_read(tiny, tmp_path):
    def said(sentence, path, channels=8, **settings):
        with pytest.raises(UserError, match=sentence):
            codec(path, channels, **settings).check()

    def config(**changed):
        def change(folder):
            path = folder / "config.json"
            path.write_text(json.dumps(json.loads(path.read_text()) | changed))

        return change

    weights = "diffusion_pytorch_model.safetensors"
    no_weights = broken(tmp_path / "a", tiny, lambda folder: (folder / weights).rename(folder / "model.bin"))
    said(r"has no diffusion_pytorch_model\.safetensors; allowed: a folder that diffusers' AutoencoderKL", no_weights)
    said(
        r"_class_name is 'VQModel'; allowed: AutoencoderKL", broken(tmp_path / "b", tiny, config(_class_name="VQModel"))
    )
    said(r"scale is missing, and the config", broken(tmp_path / "c", tiny, config(scaling_factor=None)))
    said(r"path is '.*none', which is no folder; allowed: a folder with config\.json", tmp_path / "none")
    said(r"stored examples have 3 channels; allowed with an autoencoder of 4: 4 \(samples\) or 8", tiny[0], 3)
    said(r"vae_input is \[0.0, 255.0\]; allowed", tiny[0], vae_input=[0.0, 255.0])
    said(r"scale holds 2 numbers; allowed: one, or 4", tiny[0], scale=[1.0, 2.0])
    said(r"scale is \[-1.0\]; allowed: numbers above 0", tiny[0], scale=[-1.0])
    said(r"revision is '.*', and .* is a folder; leave it out", tiny[0], revision=REVISION)
    cut = broken(tmp_path / "d", tiny, lambda folder: (folder / weights).write_bytes(b"nothing"))
    with pytest.raises(UserError, match="cannot be read as an AutoencoderKL"):
        codec(cut).pictures(torch.zeros(1, 4, 4, 4))


def test_latents_that_a_codec_cannot_take_are_refused_while_the_plan_is_read(tiny, tmp_path):
    store = stores.repa(tmp_path / "store", stores.source())

    def checked(settings=None, path=store, **codec):
        data_set = {"name": "latents", "path": str(path), **(settings or {})}
        data.opened(data_set, {"name": "autoencoder", "path": str(tiny[0]), **codec}, 32).check()

    checked()
    with pytest.raises(
        UserError, match=r"vae_input is \[0, 1\], and the latents are of an .* fed \[-1, 1\]; write that"
    ):
        checked(vae_input=[0, 1])
    with pytest.raises(
        UserError, match=r"scale is 3, .* deviation of 1\d; allowed: 0.33 to 3, as with scale: \[0.2\d+\]"
    ):
        checked(scale=[3.0])
    with pytest.raises(UserError, match="pixels are asked for, and the data set holds latents; allowed: name: autoenc"):
        data.opened({"name": "latents", "path": str(store)}, data.USUAL_CODEC, 32).check()
    unclear = stores.repa(tmp_path / "unclear", stores.source(60, (9.0, -9.0, 9.0, 0.0)))
    with pytest.raises(UserError, match="vae_input settles it"):
        checked(path=unclear)
    checked(path=unclear, vae_input=[-1, 1])
    with pytest.raises(UserError, match=r"channels is 16; allowed: 4, as"):
        checked(channels=16)
    with pytest.raises(UserError, match=r"image_size is 30; allowed for latents of 4 a side: a multiple"):
        data.opened({"name": "latents", "path": str(store)}, {"name": "autoencoder", "path": str(tiny[0])}, 30).check()


def test_a_store_and_an_autoencoder_that_are_still_to_be_made_are_announced(tmp_path):
    settings = {"name": "latents", "path": str(tmp_path / "none"), "classes": 7, "shape": [8, 4, 4]}
    examples = data.opened(settings, {"name": "autoencoder", "path": str(tmp_path / "no"), "channels": 4}, 32)
    examples.check()
    assert (examples.channels, examples.size, examples.classes) == (4, 4, 7)
    for path in ("none/lock", "none/begun.json", "none/00000.json", "no/diffusion_pytorch_model.safetensors"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()  # as they are being made: jobs that need neither read the plan meanwhile
        data.opened(settings, {"name": "autoencoder", "path": str(tmp_path / "no"), "channels": 4}, 32).check()
    with pytest.raises(UserError, match="begun and not finished"):
        examples.data_set.verify()


@pytest.fixture(scope="module")
def encoded(tiny, tmp_path_factory, run_cli):
    """Pictures, and shards that two processes made of them, mirrored too."""
    folder = tmp_path_factory.mktemp("encoded")
    pictures = stores.pictures(folder / "pictures", 30)
    options = ["--autoencoder", tiny[0], "--size", 8, "--shard", 8, "--mirrored", "--held-out", 4, "--devices", 2]
    done = run_cli("data", "encode", pictures, folder / "shards", *options)
    assert done.returncode == 0, done.stderr
    return pictures, folder / "shards", done.stdout


def test_one_process_makes_the_same_shards_as_two(tiny, encoded, tmp_path):
    pictures, shards, _ = encoded
    encode(pictures, tmp_path / "alone", str(tiny[0]), "", 8, (-1.0, 1.0), True, 4, 8)
    assert content(tmp_path / "alone") == content(shards) and len(content(shards)) == 2 * 4 + 2


def test_encode_makes_shards_of_what_diffusers_says_of_each_picture(tiny, encoded):
    pictures, shards, printed = encoded
    assert "kind       mean_std" in printed and "30 of 5 classes" in printed and "encoder    tiny sha256:" in printed
    one = Latents(Settings(str(shards), mirrored=True), 8)
    stored, labels = one.examples(torch.arange(60))
    files = sorted(pictures.rglob("*.png"), key=lambda path: (path.parent.name, path.name))
    levels = torch.from_numpy(np.stack([read_picture(path, 3, 8) for path in files]))
    with torch.no_grad():
        for rows, seen in ((stored[:30], levels), (stored[30:], levels.flip(3))):
            posterior = tiny[1].encode(seen / 127.5 - 1).latent_dist
            assert torch.allclose(rows, torch.cat([posterior.mean, posterior.std], 1), atol=2e-3, rtol=1e-3)
    assert labels.tolist() == [int(path.parent.name[-1]) for path in files] * 2
    assert not torch.allclose(stored[30:], stored[:30].flip(3), atol=0.05)  # a flipped latent is another thing


def test_inspect_shows_decoded_latents_and_pictures(tiny, encoded, tmp_path):
    pictures, shards, _ = encoded
    found = write_sheet(shards, Facts(), str(tiny[0]), "", tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (4 * 8, 4 * 8) and np.asarray(sheet).std() > 0
    assert found["decoder"].startswith("tiny sha256:") and found["vae_input"] == [-1, 1]
    write_sheet(pictures, Facts(), "", "", tmp_path / "pictures.png")
    with Image.open(tmp_path / "pictures.png") as sheet:
        assert sheet.size == (4 * 128, 4 * 128) and sheet.mode == "RGB"
    with pytest.raises(UserError, match="only a decoder shows; add --autoencoder"):
        write_sheet(shards, Facts(), "", "", tmp_path / "sheet.png")


def test_what_an_autoencoder_was_fed_is_seen_in_what_it_decodes(tiny, tmp_path, monkeypatch):
    store, answers = stores.repa(tmp_path / "store", stores.source(60, (9.0, -9.0, 9.0, 0.0))), []
    assert inspect(store, Facts())["vae_input"] is None
    for low in (-1.0, 0.0):
        made = torch.rand(16, 3, 8, 8) * (1 - low) + low
        monkeypatch.setattr(Autoencoder, "decode", lambda self, latents, made=made: made)
        answers.append(write_sheet(store, Facts(), str(tiny[0]), "", tmp_path / "sheet.png")["vae_input"])
    assert answers == [[-1, 1], [0, 1]]


def test_encode_killed_ends_with_the_same_bytes(tiny, tmp_path, command_environment, repository):
    pictures, size = stores.pictures(tmp_path / "pictures", 120), 8
    command = ["data", "encode", pictures, tmp_path / "killed", "--autoencoder", tiny[0], "--size", size, "--shard", 2]
    killed(command, tmp_path / "killed/00005.json", command_environment, repository)
    finished = [path.with_suffix(".npy") for path in (tmp_path / "killed").glob("0*.json")]
    times = [path.stat().st_mtime_ns for path in finished]
    for folder in ("killed", "whole"):
        encode(pictures, tmp_path / folder, str(tiny[0]), "", size, (-1.0, 1.0), False, 0, 2)
    assert 6 <= len(finished) < 60 and [path.stat().st_mtime_ns for path in finished] == times
    assert content(tmp_path / "killed") == content(tmp_path / "whole") and len(content(tmp_path / "whole")) == 62


def test_a_training_on_shards_is_one_on_what_they_were_made_of(tiny, encoded, tmp_path):
    """The same signal but for half precision, whether latents are read where they were or from shards."""
    source = stores.source(40)
    store = stores.maskdit(tmp_path / "store", source)
    convert(store, tmp_path / "shards", Facts(), 0, 0, 16)
    one = codec(tiny[0])
    indices = torch.tensor([7, 31, 2])
    first, second = (
        one.signal(Latents(Settings(str(path)), 32).examples(indices)[0], indices, 1, 5)
        for path in (store, tmp_path / "shards")
    )
    assert torch.allclose(first, second, atol=2e-3) and not torch.equal(first, second)
