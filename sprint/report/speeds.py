"""What was measured of a network, read as one number wherever it stands: throughput/<study>.json of several studies."""


def speeds_of(measured: dict, files: dict[str, dict]) -> dict:
    """Measured speed by run: of a network that several studies have one number everywhere, from those that measured it.

    Where two did at once, the first file by name has it, as long as it was measured alike.
    """
    originals: dict = {}
    for study, other in reversed(files.items()):
        if all(other.get(key) == measured.get(key) for key in ("machine", "threads", "batch")):
            own = [name for name, where in other.get("measured_in", {}).items() if where == study]
            known = [name for name in own if name in other.get("networks", {}) and name in other["runs"]]
            originals |= {other["networks"][name]: other["runs"][name] for name in known}
    networks = measured.get("networks", {})
    return {name: originals.get(networks.get(name), speeds) for name, speeds in measured.get("runs", {}).items()}
