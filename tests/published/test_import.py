"""Published checkpoints become runs that compute what the published code computed, or are refused by name."""

import argparse
import math
import pickle
from itertools import pairwise

import pytest
import torch
from published import make_golden
from safetensors.torch import save_file

from sprint.diffusion.denoiser import Model
from sprint.diffusion.parameterization import DDPM_BETAS, PARAMETERIZATIONS, as_velocity
from sprint.nn.sizes import SIZES, parse
from sprint.published.codebases import CODEBASES
from sprint.published.golden import Golden
from sprint.runtime.errors import UserError
from sprint.training import checkpoint
from sprint.training.imported import import_checkpoint, open_run

GOLDEN = {  # file, source, size
    "sprint": ("sprint_structured75", "5x64x4/2"),
    "sit": ("sit_learn_sigma", "4x64x4/2"),
    "dit": ("sit_learn_sigma", "4x64x4/2"),
    "maskdit": ("maskdit_half", "3x64x4/2"),
}


def imported(path, source, size, out) -> tuple[Model, str, list[str]]:
    """The network of a freshly imported checkpoint, what it predicts, and what was said."""
    given = {name: 4 for name in CODEBASES[source].untold}
    said = import_checkpoint(path, source, size, out, image_size=8, given=given)
    run, shape, prediction = open_run(out)
    tensors, rest = checkpoint.read(checkpoint.path_of(out / "milestones", 0), run.hash)
    assert rest["stage"] == "published"
    model = Model(shape).eval()
    model.load_state_dict(tensors)
    return model, prediction, said


def refused(path, source="sit", size="3x32x2/2", **rest) -> str:
    out = path.parent / "refused"
    with pytest.raises(UserError) as caught:
        import_checkpoint(path, source, size, out, **rest)
    assert not out.exists() and "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def weights(tmp_path) -> dict[str, torch.Tensor]:
    """Weights of a small published-style SiT (3 blocks of width 32)."""
    return Golden(make_golden(tmp_path / "made.safetensors")).group("weights.")


@pytest.mark.parametrize("source", GOLDEN)
@pytest.mark.parametrize("form", ["safetensors", "training state", "wrapped names"])
def test_a_checkpoint_with_golden_weights_computes_the_golden_outputs(source, form, golden, tmp_path):
    name, size = GOLDEN[source]
    file = Golden(golden / f"{name}.safetensors")
    tensors, path = file.group("weights."), tmp_path / "published.pt"
    other = {key: torch.zeros_like(value) for key, value in tensors.items()}
    if form == "safetensors":
        path = tmp_path / "published.safetensors"
        save_file(tensors, path)
    elif form == "training state":
        torch.save({"model": other, "ema": tensors, "opt": {"state": {}}, "args": argparse.Namespace(lr=1e-4)}, path)
    else:
        torch.save({"model": {f"module.{key}": value for key, value in tensors.items()}}, path)
    model, prediction, said = imported(path, source, size, tmp_path / "run")
    x, t, y = (file.tensors[key] for key in "xty")
    null = torch.full_like(y, model.config.classes)
    with torch.no_grad():
        for labels, expected in ((y, "full"), (null, "full_null")):
            difference = model.image(x, t, labels) - file.tensors[f"expected.{expected}"]
            assert difference.abs().max() < 1e-5
    assert prediction == CODEBASES[source].parameterization
    assert any("'ema'" in sentence for sentence in said) == (form == "training state")
    assert any("channels of predicted variance" in sentence for sentence in said) == (source in ("sit", "dit"))
    assert all(any(told in sentence for sentence in said) for told in CODEBASES[source].conventions)


def test_an_imported_run_can_be_evaluated_from_its_files(weights, tmp_path):
    save_file(weights, tmp_path / "published.safetensors")
    import_checkpoint(tmp_path / "published.safetensors", "sit", "3x32x2/2", tmp_path / "run")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"config.json", "train.json", "milestones"}
    run, shape, prediction = open_run(tmp_path / "run")
    assert (run.method, shape.channels, shape.classes, shape.size, prediction) == ("dense", 3, 5, 8, "sit")
    first = (tmp_path / "run" / "config.json").read_bytes()
    import_checkpoint(tmp_path / "published.safetensors", "sit", "3x32x2/2", tmp_path / "run")
    assert (tmp_path / "run" / "config.json").read_bytes() == first


def test_faulty_checkpoints_are_refused_by_name(weights, tmp_path):
    path = tmp_path / "published.safetensors"
    name, bias = "blocks.2.mlp.fc2.weight", "blocks.1.attn.proj.bias"
    faults = {
        f"missing: {name}": {key: value for key, value in weights.items() if key != name},
        "surplus: projectors.0.weight": {**weights, "projectors.0.weight": torch.ones(2)},
        f"misshapen: {bias} ([31], allowed [32])": {**weights, bias: torch.ones(31)},
        "missing: x_embedder.proj.weight": {"something": torch.ones(1)},
        "pos_embed": {**weights, "pos_embed": weights["pos_embed"] * 1.1},
    }
    for expected, tensors in faults.items():
        save_file({key: value.contiguous() for key, value in tensors.items()}, path)
        assert expected in refused(path)


def test_another_source_or_size_is_refused(weights, tmp_path):
    path = tmp_path / "published.safetensors"
    save_file(weights, path)
    assert "split is '0/0/0'" in refused(path, "sprint")
    assert "missing: decoder_layer.linear.weight" in refused(path, "maskdit")
    assert "missing: blocks.10." in refused(path, size="S/2")
    assert "surplus: blocks.2." in refused(path, size="2x32x2/2")
    assert "codebase 'flux' is unknown" in refused(path, "flux") and "maskdit, sit" in refused(path, "dir")
    assert "no tensor tells the route" in refused(path, "tread") and "allowed: dit, maskdit" in refused(path, "tread")
    assert "unknown key 'heads'" in refused(path, given={"heads": 3}) and "allowed: none" in refused(
        path, given={"x": 1}
    )
    assert "S, B, L, XL" in refused(path, size="H/2")
    assert "7 heads" in refused(path, size="3x32x7/2")


def test_files_that_cannot_be_read_are_refused(weights, tmp_path):
    whole = tmp_path / "whole.pt"
    torch.save(weights, whole)
    for name, content in {
        "cut.pt": whole.read_bytes()[:-500],
        "cut.safetensors": b"\x10\x00\x00",
        "text.pt": b"no weights here",
        "empty.pt": b"",
    }.items():
        (tmp_path / name).write_bytes(content)
        assert name in refused(tmp_path / name)
    assert "absent.pt" in refused(tmp_path / "absent.pt")
    torch.save({"model": {"blocks": [1, 2]}}, whole)
    assert "blocks in it; allowed: tensors by name only" in refused(whole)
    torch.save(torch.ones(3), whole)
    assert "holds a Tensor" in refused(whole)


def test_a_checkpoint_that_would_run_code_is_refused_unrun(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    (tmp_path / "trap.pt").write_bytes(pickle.dumps({"model": Trap()}))
    assert "trap.pt" in refused(tmp_path / "trap.pt")
    torch.save({"model": Trap()}, tmp_path / "trap.pt")
    assert "trap.pt" in refused(tmp_path / "trap.pt")
    assert not (tmp_path / "sprung").exists()


def test_nothing_but_an_imported_folder_opens(tmp_path):
    with pytest.raises(UserError, match=r"config\.json"):
        open_run(tmp_path)
    (tmp_path / "config.json").write_text('{"preset": "digits"}')
    with pytest.raises(UserError, match="imported"):
        open_run(tmp_path)


def knowing(parameterization, x, noise, t_B):
    """A network that knows image and noise, and so predicts, in its parameterization, without error."""
    t = t_B.view(-1, 1, 1, 1)
    sigma = t / (1 - t)

    def sit(seen, time):
        assert torch.allclose(time, 1 - t_B) and torch.allclose(seen, (1 - t) * x + t * noise)
        return x - noise

    def ddpm(seen, step):
        first, last, steps = DDPM_BETAS
        kept = [1.0]
        for index in range(steps):
            kept.append(kept[-1] * (1 - first - (last - first) * index / (steps - 1)))
        for sample, place in enumerate(step.tolist()):
            assert 0 <= place <= steps - 1
            wanted = sigma[sample].item()
            low, high = (math.sqrt((1 - kept[k]) / kept[k]) for k in (math.floor(place) + 1, math.ceil(place) + 1))
            assert low * 0.999 <= wanted <= high * 1.001
        signal = 1 / (1 + sigma**2).sqrt()
        assert torch.allclose(seen, signal * x + (1 - signal**2).sqrt() * noise, atol=1e-5)
        return noise

    def edm(seen, level):
        assert torch.allclose(level, sigma.flatten().log() / 4, atol=1e-5)
        total = sigma**2 + 0.25
        z = seen * total.sqrt()
        assert torch.allclose(z, x + sigma * noise, rtol=1e-4, atol=1e-4)
        return (x - 0.25 / total * z) * total.sqrt() / (sigma * 0.5)

    def velocity(seen, time):
        return noise - x

    return {"sit": sit, "ddpm_epsilon": ddpm, "edm": edm, "velocity": velocity}[parameterization]


@pytest.mark.parametrize("parameterization", PARAMETERIZATIONS)
def test_a_network_that_knows_all_yields_our_velocity(parameterization):
    generator = torch.Generator().manual_seed(0)
    t_B = torch.tensor([0.02, 0.1, 0.25, 0.5, 0.501, 0.75, 0.9, 0.985])
    x, noise = (torch.randn(len(t_B), 3, 4, 4, generator=generator) for _ in range(2))
    t = t_B.view(-1, 1, 1, 1)
    network = knowing(parameterization, x, noise, t_B)
    field = as_velocity(parameterization, lambda seen, time, labels: network(seen, time))
    assert torch.allclose(field((1 - t) * x + t * noise, t_B, None), noise - x, atol=5e-3)


@pytest.mark.parametrize("parameterization", PARAMETERIZATIONS)
def test_velocities_are_finite_at_pure_noise(parameterization):
    x, t_B = torch.randn(2, 3, 4, 4), torch.ones(2)
    field = as_velocity(parameterization, lambda seen, time, labels, skip=False: seen * 0.9)
    assert field(x, t_B, None, skip=False).isfinite().all()


@pytest.mark.parametrize("parameterization", ["ddpm_epsilon", "edm"])
def test_sampling_a_known_gaussian_ends_in_it(parameterization):
    """For data N(0.3, 0.4^2) the network is known in closed form; Euler steps from noise end with its moments."""
    mean, spread = 0.3, 0.4

    def network(seen, time, labels):
        if parameterization == "edm":
            sigma = (4 * time).exp().view(-1, 1, 1, 1)
            z = seen * (sigma**2 + 0.25).sqrt()
            denoised = (spread**2 * z + sigma**2 * mean) / (spread**2 + sigma**2)
            return (denoised - 0.25 / (sigma**2 + 0.25) * z) * (sigma**2 + 0.25).sqrt() / (sigma * 0.5)
        steps = torch.linspace(*DDPM_BETAS, dtype=torch.float64)
        kept = (1 - steps).cumprod(0).log()
        low = time.floor().long().clamp(max=998)
        a = (kept[low] + (time - low) * (kept[low + 1] - kept[low])).exp().float().view(-1, 1, 1, 1)
        return (1 - a).sqrt() * (seen - a.sqrt() * mean) / (a * spread**2 + 1 - a)

    field = as_velocity(parameterization, network)
    x = torch.randn(4, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    for t, following in pairwise(torch.linspace(1, 0, 101)):
        x = x + (following - t) * field(x, t.expand(4), None)
    assert abs(x.mean() - mean) < 0.01 and abs(x.std() - spread) < 0.01


def test_an_unknown_parameterization_is_refused():
    with pytest.raises(UserError, match="velocity, sit, ddpm_epsilon, edm"):
        as_velocity("score", None)


def test_sizes_are_those_of_the_dit_paper():
    assert SIZES == {"S": (12, 384, 6), "B": (12, 768, 12), "L": (24, 1024, 16), "XL": (28, 1152, 16)}
    assert parse("XL/2") == (28, 1152, 16, 2) and parse("B/8") == (12, 768, 12, 8)
    assert parse("5x64x4/3") == (5, 64, 4, 3)
    for text in ("XL", "XL/3", "xl/2", "H/2", "4x64/2", "0x64x4/2", "4x64x4", "", "/2"):
        with pytest.raises(UserError, match="such as XL/2"):
            parse(text)
