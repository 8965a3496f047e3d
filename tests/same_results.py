"""Whether two trees of results hold the same numbers: what a change that should move none shows before and after.

    python tests/same_results.py results-before/smoke results/smoke

Compared are the names of all runs, hashes of configurations, weights of every milestone (byte for byte), metrics with
their bootstrap, floor, modelled costs and losses of training. Times, machines and versions are not, nor are the
distances of an untrained network (floor.json), which older results have not got.
"""

import json
import sys
from pathlib import Path

PASSING = {  # of a JSON file, what tells of the occasion and not of the result
    *("seconds", "machine", "versions", "commit", "ended", "peak_memory_bytes", "processes", "code", "version"),
    *("title", "overrides", "named", "label", "data_cites", "warnings", "untrained"),
}
COMPARED = ("runs/*/config.json", "runs/*/metrics.json", "runs/*/train.json", "sweeps/*/*.json", "cost/*.json")


def without_passing(value: object) -> object:
    """The same without the keys of PASSING, at any depth."""
    if isinstance(value, dict):
        return {key: without_passing(inner) for key, inner in value.items() if key not in PASSING}
    return [without_passing(inner) for inner in value] if isinstance(value, list) else value


def contents(results: Path) -> dict[str, object]:
    """By path below `results`: what has to be the same."""
    found: dict[str, object] = {}
    for pattern in (*COMPARED, "reference/floor.json"):
        for path in sorted(results.glob(pattern)):
            if not path.name.endswith(".time.json"):
                found[str(path.relative_to(results))] = without_passing(json.loads(path.read_text(encoding="utf-8")))
    for path in sorted(results.glob("runs/*/milestones/*.safetensors")):
        found[str(path.relative_to(results))] = path.read_bytes()
    return found


def differences(before: Path, after: Path) -> list[str]:
    """One line for each file that is missing on one side, or differs."""
    first, second = contents(before), contents(after)
    if not first:
        return [f"{before}: no results here"]
    only = [f"only in {before}: {name}" for name in sorted(first.keys() - second.keys())]
    only += [f"only in {after}: {name}" for name in sorted(second.keys() - first.keys())]
    return only + [f"differs: {name}" for name in sorted(first.keys() & second.keys()) if first[name] != second[name]]


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    before, after = map(Path, sys.argv[1:])
    found = differences(before, after)
    print("\n".join(found) or f"{len(contents(before))} files: the same numbers")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
