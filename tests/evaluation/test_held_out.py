"""The held-out loss: against its closed form, the same for every run, and shared between processes."""

from dataclasses import dataclass

import pytest
import tiny
import torch

from sprint.evaluation import held_out
from sprint.runtime import distributed


@dataclass
class Trained:
    run: object

    @property
    def examples(self):
        return self.run.examples()


def test_times_are_the_quantiles_that_training_draws():
    t = held_out.times(1001).double()
    logits = (t / (1 - t)).log()
    assert logits.mean() == pytest.approx(0, abs=1e-3) and logits.std() == pytest.approx(1, abs=0.01)
    assert torch.equal(held_out.times(1001), held_out.times(1001))
    assert abs(torch.corrcoef(torch.stack([logits, torch.arange(1001.0).double()]))[0, 1]) < 0.1


def test_the_loss_of_a_network_that_says_nothing_is_the_mean_square_of_the_velocity():
    """v = noise - x with x and noise independent: E v^2 = 1 + E x^2."""
    trained = Trained(tiny.run("sprint"))
    found = held_out.losses(trained, lambda x, t, y, keep, skip: torch.zeros_like(x), 64, torch.device("cpu"))
    examples = trained.run.examples()
    x, _ = examples.signal(examples.data_set.held_out()[:64], 0, 0)
    expected = float(1 + x.square().mean())
    assert set(found) == {"losses", "losses_skipped"}
    for values in found.values():
        assert values.shape == (64,) and float(values.mean()) == pytest.approx(expected, rel=0.05)


def test_a_perfect_network_loses_nothing_and_is_told_all_tokens_and_the_label():
    trained = Trained(tiny.run("dense", 0.0))
    examples, seen = trained.run.examples(), []
    rows = examples.data_set.held_out()[:40]
    clean, labels = examples.signal(rows, 0, 0)

    def network(x, t, y, keep, skip):
        seen.append((keep, skip))
        assert torch.equal(y, labels)
        return (x - clean) / t.view(-1, 1, 1, 1)

    found = held_out.losses(trained, network, 40, torch.device("cpu"))
    assert set(found) == {"losses"} and seen == [(None, False)]
    assert float(found["losses"].max()) < 1e-8


def test_processes_share_the_images_and_find_the_same(monkeypatch):
    trained = Trained(tiny.run("sprint"))
    monkeypatch.setattr(held_out, "ROWS", 10)

    def network(x, t, y, keep, skip):
        return x * t.view(-1, 1, 1, 1) + float(skip)

    whole = held_out.losses(trained, network, 64, torch.device("cpu"))
    parts = []
    for number in range(3):
        monkeypatch.setattr(
            distributed, "shard", lambda batches, number=number: batches[number * 7 // 3 : (number + 1) * 7 // 3]
        )
        parts.append(held_out.losses(trained, network, 64, torch.device("cpu")))
    for kind, values in whole.items():
        assert torch.equal(torch.cat([part[kind] for part in parts]), values)


def test_bins_of_time_hold_the_means_of_their_images():
    t = held_out.times(500)
    found = held_out.by_time({"losses": t, "digits-cnn": torch.zeros(3)})
    assert found["images"] == 500 and found["times"] == [0, 0.2, 0.4, 0.6, 0.8, 1]
    for number, mean in enumerate(found["losses"]):
        inside = t[(t > number / 5) & (t <= (number + 1) / 5)]
        assert mean == pytest.approx(float(inside.double().mean()), rel=1e-6)
