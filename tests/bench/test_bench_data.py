"""`sprint bench data` on a small store: the numbers are there, batches come again when resumed, nothing is left."""

import json

from sprint.bench.data import bench_data


def test_a_small_store_is_measured_and_removed(tmp_path, repository, monkeypatch):
    monkeypatch.chdir(repository)
    found = bench_data(600, tmp_path / "bench/data.json")
    assert found == json.loads((tmp_path / "bench/data.json").read_text())
    assert found["same_when_resumed"] is True
    assert found["examples_per_second"]["median"] > 0 and found["first_batch_seconds"] > 0
    assert found["bytes"] == 600 * 16384 and found["bytes_above_start"] > 0
    assert [path.name for path in (tmp_path / "bench").iterdir()] == ["data.json"]
