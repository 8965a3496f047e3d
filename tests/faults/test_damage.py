"""Damaged results: every alteration of damage.py."""

import damage
import pytest
from matplotlib.figure import Figure


@pytest.mark.fault(
    "results JSON with other values, missing keys, deep nesting, NaN, cut short, or rubbish",
    "read as what it is, or one sentence with file, key and command; the rest of the report stands",
)
def test_damaged_results_are_told(tmp_path, monkeypatch, tried):
    monkeypatch.setattr(Figure, "savefig", lambda self, stream, **more: stream.write("<svg/>"))
    tree, count = damage.Tree(tmp_path), 0
    for path in tree.files():
        refused, accepted = tree.tried(path, [*damage.alterations(path)])
        assert all(str(path) in sentence and "\n" not in sentence for sentence in refused.values())
        assert tree.stumbles(path, accepted) == []
        count += len(refused) + len(accepted)
    tried(count)
