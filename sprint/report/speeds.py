"""What was measured of a network, read as one number wherever it stands: throughput/<study>.json of several studies."""

from pathlib import Path

from sprint.runtime.files import read_json


def speeds_of(results: Path, measured: dict) -> dict:
    """Measured speed by run: of a network that several studies have one number everywhere, from those that measured it.

    Where two did at once, the first file by name has it, as long as it was measured alike.
    """
    originals: dict = {}
    for path in sorted((results / "throughput").glob("*.json"), reverse=True):
        other = read_json(path)
        if all(other.get(key) == measured.get(key) for key in ("machine", "threads", "batch")):
            own = [name for name, study in other.get("measured_in", {}).items() if study == path.stem]
            originals |= {other["networks"][name]: other["runs"][name] for name in own}
    networks = measured.get("networks", {})
    return {name: originals.get(networks.get(name), speeds) for name, speeds in measured.get("runs", {}).items()}
