"""Training: the same bits however often it is stopped, a textbook optimiser and average, divergence that is told."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import tiny
import torch
import yaml

from sprint.plan.reading import load_plan
from sprint.runtime.errors import UserError
from sprint.runtime.lock import hold
from sprint.training import checkpoint
from sprint.training import loop as train
from sprint.training.batches import draw_batch
from sprint.training.step import batch_loss, learning_rate

SMALL = {"width": 16, "depth": 4, "heads": 2, "patch": 2, "batch": 8, "finetune_batch": 4, "steps": 20}


def run_of(method="sprint", drop=0.75, **changes):
    return tiny.run(method, drop, **{**SMALL, **changes})


def bits(folder) -> dict[str, bytes]:
    """The weights of every milestone, byte for byte."""
    return {path.name: path.read_bytes() for path in sorted((folder / "milestones").glob("*.safetensors"))}


def at_step(monkeypatch, step: int, act) -> None:
    """Call `act` when a training is about to take that step, once."""
    draw = train.draw_batch

    def drawn(run, images, number, *told):
        if number == step:
            monkeypatch.setattr(train, "draw_batch", draw)
            act()
        return draw(run, images, number, *told)

    monkeypatch.setattr(train, "draw_batch", drawn)


def fall() -> None:
    raise MemoryError("killed")


def ask_to_stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize(
    "run",
    [
        run_of(),
        run_of("maskdit", 0.5, precision="bfloat16", patch=1),
        run_of("tread", 0.75, depth=6, finetune=0.0, weight_decay=0.1),
    ],
    ids=lambda run: run.method,
)
def test_a_run_that_was_stopped_and_one_that_fell_end_with_the_same_bits(run, tmp_path, monkeypatch):
    whole = train.train(run, tmp_path / "whole")
    folder = tmp_path / "stopped"
    at_step(monkeypatch, 7, ask_to_stop)
    with pytest.raises(train.Interrupted, match="stopped at step 8 of 20; the same command goes on"):
        train.train(run, folder)
    assert (
        json.loads((folder / "status.json").read_text())["state"] == "interrupted"
        and not (folder / "train.json").exists()
    )
    at_step(monkeypatch, 17, fall)
    with pytest.raises(MemoryError):
        train.train(run, folder)
    assert checkpoint.latest(folder / "checkpoints", run.hash)[1]["step"] == 15
    result = train.train(run, folder)
    assert len(bits(folder)) == 2 and bits(folder) == bits(tmp_path / "whole")
    assert result["losses"] == whole["losses"] and len(whole["losses"]) == 20
    assert not list((folder / "checkpoints").iterdir())


def test_a_damaged_checkpoint_costs_steps_but_no_bits(tmp_path, monkeypatch):
    run = run_of()
    train.train(run, tmp_path / "whole")
    at_step(monkeypatch, 12, fall)
    with pytest.raises(MemoryError):
        train.train(run, tmp_path / "run")
    path = checkpoint.path_of(tmp_path / "run" / "checkpoints", 10)
    path.write_bytes(path.read_bytes()[:-1])
    train.train(run, tmp_path / "run")
    assert bits(tmp_path / "run") == bits(tmp_path / "whole")


def test_a_finished_run_is_left_as_it_is(tmp_path, monkeypatch):
    run = run_of(steps=4)
    first = train.train(run, tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file() and path.name != "lock"}
    monkeypatch.setattr(train, "draw_batch", fall)
    assert train.train(run, tmp_path) == first
    assert all(path.stat().st_mtime_ns == before for path, before in times.items())


def test_a_run_leaves_what_the_next_stages_read(tmp_path):
    run = run_of(milestones=[0.5, 0.8, 1.0], finetune=0.25)
    result = train.train(run, tmp_path)
    kept = [(milestone["step"], milestone["stage"]) for milestone in result["milestones"]]
    assert kept == [(10, "pretrain"), (16, "finetune"), (20, "finetune")]
    names = {name for name, _ in tiny.network(run).named_parameters()}
    for step, stage in kept:
        tensors, rest = checkpoint.read(checkpoint.path_of(tmp_path / "milestones", step), run.hash)
        assert tensors.keys() == names and rest["stage"] == stage
    assert json.loads((tmp_path / "train.json").read_text()) == result
    assert (result["state"], result["step"], result["steps"], result["reason"]) == ("done", 20, 20, "")
    assert json.loads((tmp_path / "config.json").read_text())["name"] == run.name
    told = json.loads((tmp_path / "status.json").read_text())
    assert (told["state"], told["reason"]) == ("done", "")


def test_two_do_not_train_one_run(tmp_path):
    with hold(tmp_path), pytest.raises(UserError, match=f"process {os.getpid()} on .* is working on this run"):
        train.train(run_of(), tmp_path)


@pytest.mark.parametrize("method", ["dense", "sprint"])
def test_the_loss_on_digits_goes_down(method, tmp_path):
    changes = {"width": 32, "steps": 60, "batch": 32, "finetune_batch": 32, "learning_rate": 5e-3}
    losses = train.train(run_of(method, 0.0 if method == "dense" else 0.75, **changes), tmp_path)["losses"]
    first, last = (sum(loss for _, loss in part) / 10 for part in (losses[:10], losses[-10:]))
    assert last < 0.75 * first


def beyond_the_allowed(learning_rate: float, **changes):
    """A run with a learning rate that no preset may have."""
    run = run_of(warmup=0, **changes)
    return replace(run, train=replace(run.train, learning_rate=learning_rate))


def test_a_loss_that_is_not_finite_ends_the_run_as_diverged(tmp_path):
    run = beyond_the_allowed(1e30)
    result = train.train(run, tmp_path)
    assert result["state"] == "diverged" and 1 <= result["step"] < 20
    assert result["reason"].startswith("the loss is ") and f"at step {result['step']}" in result["reason"]
    assert json.loads((tmp_path / "train.json").read_text(), parse_constant=pytest.fail) == result
    assert json.loads((tmp_path / "status.json").read_text())["state"] == "diverged"
    assert train.train(run, tmp_path) == result


def test_weights_that_are_not_finite_are_never_kept_as_a_milestone(tmp_path):
    result = train.train(beyond_the_allowed(1e39, milestones=[0.05, 1.0]), tmp_path)
    assert (result["state"], result["reason"]) == ("diverged", "the averaged weights are not finite at step 1")
    assert result["milestones"] == [] and bits(tmp_path) == {}


def trained_by_hand(run, steps: int):
    """Yield the state before every step and after the last."""
    state = train.start(run)
    for step in range(steps):
        yield state
        train.train_step(run, state, state.model, draw_batch(run, tiny.digits(), step, state.model.method.skip_rate))
        state.step = step + 1
    yield state


def values(state) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in state.model.parameters()]).double()


def test_the_average_is_the_weighted_sum_of_all_weights_so_far():
    run, decay, seen = run_of(ema=0.9), 0.9, []
    for state in trained_by_hand(run, 12):
        seen.append(values(state))
    weights = [decay**12, *((1 - decay) * decay ** (12 - step) for step in range(1, 13))]
    expected = sum(weight * value for weight, value in zip(weights, seen, strict=True))
    average = torch.cat([value.flatten() for value in state.average]).double()
    assert sum(weights) == pytest.approx(1) and (seen[12] - expected).abs().max() > 1e-3
    assert torch.allclose(average, expected, atol=1e-6)


def test_a_step_is_the_textbook_step_of_adamw_after_clipping():
    """Loshchilov and Hutter (1711.05101), algorithm 2, in float64; the norm clipped is that of all parameters."""
    run = run_of(clip=0.05, weight_decay=0.3, warmup=0)
    rate, first, second, norms = run.train.learning_rate, 0.0, 0.0, []
    state = train.start(run)
    trained = [parameter for parameter in state.model.parameters() if parameter.requires_grad]
    for step in range(3):
        batch = draw_batch(run, tiny.digits(), step, state.model.method.skip_rate)
        loss = batch_loss(run, state.model, state.model, batch)
        gradient = torch.cat([part.flatten() for part in torch.autograd.grad(loss, trained)]).double()
        before = torch.cat([parameter.detach().flatten() for parameter in trained]).double()
        norms.append(gradient.norm().item())
        gradient *= min(1.0, 0.05 / norms[-1])
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        moved = first / (1 - 0.9 ** (step + 1)) / ((second / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8)
        expected = before - rate * (moved + 0.3 * before)
        train.train_step(run, state, state.model, batch)
        state.step = step + 1
        after = torch.cat([parameter.detach().flatten() for parameter in trained]).double()
        assert torch.allclose(after, expected, atol=2e-6) and (after - before).abs().max() > 0.5 * rate
    assert max(norms) > 0.1  # so that it was clipped


def test_frozen_parameters_stay():
    *_, state = trained_by_hand(run_of(weight_decay=0.3), 3)
    frozen = {name: value for name, value in state.model.named_parameters() if not value.requires_grad}
    fresh = dict(tiny.network(run_of()).named_parameters())
    assert frozen and all(torch.equal(value, fresh[name]) for name, value in frozen.items())


def test_both_stages_warm_up_to_their_own_rate():
    run = run_of(warmup=3, learning_rate=1.0, finetune_learning_rate=0.1, steps=12, finetune=0.5)
    rates = [learning_rate(run, step) for step in range(12)]
    assert rates == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1, 0.025, 0.05, 0.075, 0.1, 0.1, 0.1])
    flat = replace(run, train=replace(run.train, warmup=0))
    assert [learning_rate(flat, step) for step in range(12)] == [1.0] * 6 + [0.1] * 6


def test_long_runs_record_two_hundred_losses_and_the_last():
    run, state = run_of(steps=1003), train.start(run_of())
    for state.step in range(1, 1004):
        train._record(run, state, torch.tensor(0.5))
    steps = [step for step, _ in state.losses]
    assert 200 <= len(steps) <= 202 and steps[-1] == 1003 and set(torch.tensor(steps[:-1]).diff().tolist()) == {5}


def test_kill_in_the_middle_then_the_same_command_ends_with_the_same_bits(workspace, tmp_path, command_environment):
    path = workspace / "workflow" / "presets" / "smoke.yaml"
    scale = yaml.safe_load(path.read_text())
    scale["train"] |= {"steps": 150, "checkpoint_every": 10}
    path.write_text(yaml.safe_dump(scale))
    run = next(run for run in load_plan("smoke", workspace).runs().values() if run.method == "sprint")
    folder = workspace / "results" / "smoke" / "runs" / run.name
    command = [sys.executable, "-m", "sprint.cli", "train", run.name, "--preset", "smoke"]
    with subprocess.Popen(command, cwd=workspace, env=command_environment(), stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not list((folder / "checkpoints").glob("*.json")):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL and not (folder / "train.json").exists()
    shutil.copytree(folder, tmp_path / "killed")
    done = subprocess.run(
        command, cwd=workspace, env=command_environment(), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0 and "done after 150 of 150 steps" in done.stdout, done.stderr
    train.train(run, tmp_path / "whole")
    assert len(bits(folder)) == 2 and bits(folder) == bits(tmp_path / "whole")
    assert checkpoint.latest(tmp_path / "killed" / "checkpoints", run.hash)[1]["step"] < 150


@pytest.mark.parametrize("method", ["dense", "sprint"])
def test_a_compiled_training_takes_the_same_steps(method, monkeypatch, tmp_path):
    """Captured whole, in both stages, and run as it was captured: no compiler is needed, and no bit may differ."""
    run = run_of(method, 0.0 if method == "dense" else 0.75, steps=8)
    plain = train.train(run, tmp_path / "plain")
    captured = []

    def backend(graph, inputs):
        captured.append(graph)
        return graph.forward

    compiled = torch.compile
    monkeypatch.setattr(torch, "compile", lambda network: compiled(network, backend=backend, fullgraph=True))
    again = train.train(replace(run, train=replace(run.train, compile=True)), tmp_path / "compiled")
    torch.compiler.reset()
    assert len(captured) >= (1 if method == "dense" else 2)
    assert again["losses"] == plain["losses"]
