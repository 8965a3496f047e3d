"""Benchmarks measure what they say: the plain baseline is the same network, parts add up, turns are taken in order."""

import json
import time
from dataclasses import replace

import pytest
import tiny
import torch
from torch.utils.flop_counter import FlopCounterMode

from sprint.bench import clock, parts
from sprint.bench.plain import PlainDiT, PlainTraining
from sprint.bench.scaling import with_tokens
from sprint.bench.training import Trainer, at_size, fitting, runs_of
from sprint.cost.flops import forward_flops, on_meta
from sprint.methods import METHODS
from sprint.nn.layers import unpatchify
from sprint.plan.network import model_config
from sprint.runtime.errors import UserError
from sprint.training import step
from sprint.training.batches import draw_batch

SMALL = ("6x32x2/2", 64)  # depth x width x heads / patch, pixels: 16 tokens
DENSE = {"positions": "sincos", "qk_norm": False}


def published_names(model, patch: int) -> dict[str, torch.Tensor]:
    """The weights of a dense network as the plain one names them; its patches are a convolution's."""
    state = model.state_dict()
    kernel = state.pop("patches.weight")
    named = {"patches.weight": kernel.unflatten(1, (patch, patch, -1)).permute(0, 3, 1, 2)}
    changes = {"time.mlp.": "time.", "method.blocks.": "blocks.", "final.modulation": "modulation.1"}
    changes |= {".modulation.": ".modulation.1.", "final.linear": "final"}
    for name, value in state.items():
        for ours, theirs in changes.items():
            name = name.replace(ours, theirs)
        named[name] = value
    return named


def plain_of(of, model, fused: bool) -> PlainTraining:
    plain = PlainTraining(model_config(of), fused, of.train, torch.device("cpu"))
    missing, surplus = plain.model.load_state_dict(published_names(model, of.model.patch), strict=False)
    assert set(missing) == {"positions"} and set(surplus) <= {"positions_ND"}
    plain.average = [parameter.detach().clone() for parameter in plain.model.parameters()]
    return plain


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("patch", [1, 2])
def test_the_plain_baseline_is_the_dense_network(fused, patch):
    of = tiny.run("dense", 0.0, **DENSE, patch=patch)
    model, given = tiny.stirred(of), tiny.inputs(of)
    plain = plain_of(of, model, fused).model
    ours = unpatchify(model(*given), patch, 1)
    assert ours.abs().max() > 0.1 and torch.allclose(plain(*given), ours, atol=1e-5)


@pytest.mark.parametrize("fused", [False, True])
def test_a_step_of_the_plain_baseline_is_a_step_of_the_dense_run(fused):
    of = tiny.run("dense", 0.0, **DENSE, warmup=0, clip=0.05)
    state, batch = step.start(of), draw_batch(tiny.run("dense", 0.0, **DENSE), tiny.digits(), 0, 0.0)
    plain = plain_of(of, state.model, fused)
    for _ in range(2):
        step.train_step(of, state, state.model, batch)
        plain.step(batch)
    expected = published_names(state.model, of.model.patch)
    for name, value in plain.model.named_parameters():
        assert torch.allclose(value, expected[name], atol=2e-5), name
    averages = sorted(value.norm().item() for value in plain.average)
    assert averages == pytest.approx(sorted(value.norm().item() for value in state.average), rel=1e-4, abs=1e-5)


def test_the_plain_baseline_has_the_flops_of_the_dense_network():
    of = tiny.run("dense", 0.0, **DENSE)
    with torch.device("meta"):
        plain = PlainDiT(model_config(of), fused=False)
    x, t, y = (part.to("meta") for part in tiny.inputs(of, 1))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        plain(x, t, y)
    assert counter.get_total_flops() == forward_flops(on_meta(model_config(of)))


@pytest.mark.parametrize("of", tiny.every_run(), ids=lambda of: f"{of.method}-{of.drop}")
def test_a_step_taken_part_by_part_is_a_step(of):
    whole, cut = step.start(of), step.start(of)
    batch = draw_batch(of, tiny.digits(), 0, whole.model.method.skip_rate)
    step.train_step(of, whole, whole.model, batch)
    began = time.perf_counter()
    found = parts.seconds_by_part(of, cut, batch)
    assert sum(found.values()) <= time.perf_counter() - began
    assert {"embedding", "output", "loss", "clipping", "optimiser", "EMA", *cut.model.method.parts()} <= set(found)
    assert all(seconds > 0 for seconds in found.values())
    assert all(map(torch.equal, whole.model.parameters(), cut.model.parameters()))
    assert all(map(torch.equal, whole.average, cut.average))
    assert not any(module._forward_hooks or module._backward_hooks for module in cut.model.modules())


class Slow(torch.autograd.Function):
    """Passes on what it is given, and takes its time in the backward pass."""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        time.sleep(0.3)
        return gradient


@pytest.mark.parametrize("slow", ["encoder", "middle", "decoder"])
@pytest.mark.parametrize("method", ["sprint", "tread"])
def test_time_is_counted_to_the_part_that_takes_it(method, slow, monkeypatch):
    of = tiny.run(method)
    state = step.start(of)
    batch = draw_batch(of, tiny.digits(), 0, 0.0)
    blocks = state.model.method.parts()[slow]
    usual = blocks.forward
    monkeypatch.setattr(blocks, "forward", lambda x, where: Slow.apply(usual(x, where)))
    found = parts.seconds_by_part(of, state, batch)
    assert found[slow] >= 0.3 and max(found, key=found.get) == slow


def test_working_memory_is_what_a_call_holds_at_most():
    megabytes = 64
    found = clock.working_bytes(lambda: torch.ones(megabytes, 1 << 18))
    assert (megabytes - 4) << 20 <= found < (megabytes + 32) << 20  # the kernel counts pages in lumps


def test_the_batch_is_halved_until_it_fits():
    tried = []

    def attempt(batch: int) -> None:
        tried.append(batch)
        if batch > 20:
            raise torch.OutOfMemoryError("CUDA out of memory")

    assert clock.largest_batch(attempt, 100) == 12 and tried == [100, 50, 25, 12]
    with pytest.raises(torch.OutOfMemoryError):
        clock.largest_batch(lambda batch: attempt(batch + 20), 4)


def test_a_gpu_gets_the_largest_batch_that_every_method_fits(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(clock, "largest_batch", lambda attempt, batch: batch // 4)
    preset = at_size(tiny.smoke(), *SMALL, 8)
    assert (fitting(preset, [], 0.75).train.batch, fitting(preset, [], 0.75).train.finetune_batch) == (2, 2)


def test_every_method_is_measured_or_its_reason_given():
    runs, impossible = runs_of(at_size(tiny.smoke(), *SMALL, 2), [], 0.75)
    assert {run.method for run in runs} | {one["method"] for one in impossible} == set(METHODS) - {"dense"}
    runs, impossible = runs_of(at_size(tiny.smoke(), *SMALL, 2), [], 0.5)
    assert [one["method"] for one in impossible] == ["sparsedit"] and "0.75" in impossible[0]["reason"]
    with pytest.raises(UserError, match="pools to"):
        runs_of(at_size(tiny.smoke(), *SMALL, 2), ["sparsedit"], 0.5)


def test_a_published_size_is_measured_on_latents():
    of = runs_of(at_size(tiny.smoke(), "S/2", 256, 2), ["sprint"], 0.75)[0][0]
    trainer = Trainer(replace(of, model=replace(of.model, depth=3), settings={**of.settings, "split": "1/1/1"}))
    assert trainer.batch.x_BCHW.shape == (2, 4, 32, 32) and trainer.batch.keep_BK.shape == (2, 64)


@pytest.mark.parametrize(("tokens", "batch"), [(16, 16), (64, 4), (1024, 1)])
def test_scaling_keeps_the_tokens_of_a_batch(tokens, batch):
    of = runs_of(with_tokens(tiny.smoke(), tokens), ["tread"], 0.75)[0][0]
    trainer = Trainer(of)
    assert trainer.batch.keep_BK.shape == (batch, tokens // 4) and tiny.smoke().measure.batch == 16


@pytest.fixture(scope="module")
def measured(run_cli, tmp_path_factory, repository):
    """What `sprint bench train` and `sample` print and write of a small network."""
    folder, found = tmp_path_factory.mktemp("bench"), {}
    size = ["--model", SMALL[0], "--resolution", f"{SMALL[1]}", "--batch", "2", "--repeats", "1", "--threads", "1"]
    for what, method in (("train", "tread"), ("sample", "sprint")):
        out = folder / f"{what}.json"
        done = run_cli("bench", what, *size, "--method", method, "--out", out, cwd=repository)
        assert done.returncode == 0, done.stderr
        found[what] = done.stdout, json.loads(out.read_text())
    return found


def test_training_is_measured_beside_its_model_and_the_baseline(measured):
    printed, found = measured["train"]
    dense, tread = found["rows"]
    assert dense["speedup_modelled"] == 1 and tread["speedup_modelled"] == pytest.approx(
        dense["flops_per_image"] / tread["flops_per_image"]
    )
    assert [row["label"] for row in found["plain"]] == [
        "plain eager DiT, attention written out",
        "plain eager DiT, fused attention",
    ]
    assert all(row["step_seconds"]["median"] > 0 and row["working_bytes"] > 0 for row in found["rows"])
    assert found["tokens"] == 16 and found["precision"] == "float32" and not found["compiled"]
    assert "TREAD 75%" in printed and "GFLOP/s" in printed


def test_sampling_is_measured_under_every_guidance(measured):
    printed, found = measured["sample"]
    kinds = [(row["method"], row["guidance"]) for row in found["rows"]]
    every = ("none", "cfg", "pdg", "sparse")
    assert kinds == [("dense", "none"), ("dense", "cfg"), *(("sprint", kind) for kind in every)]
    for row in found["rows"]:
        assert row["guidance"] != "cfg" or row["speedup_modelled"] == row["speedup_measured"]["median"] == 1
        assert row["guidance"] != "none" or row["speedup_modelled"] == 2
    assert "PDG" in printed.upper()
