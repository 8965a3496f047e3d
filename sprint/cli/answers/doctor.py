"""What this machine has and lacks for sprint-bench, in plain words.

    sprint doctor --preset digits

Only what `make report` cannot do without counts as missing; a cluster, GPUs, a browser and pretrained weights are said
to be there or not, and what follows from it.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from sprint.runtime.errors import UserError
from sprint.runtime.files import file_sha256

PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parents[3]
GIB = 1 << 30
DISK, MEMORY = 2 * GIB, 4 * GIB  # of preset digits, with room
SLURM = ("sbatch", "squeue", "scancel", "srun", "sinfo")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 15  # that a command may take to answer


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    said: str
    good: bool = True
    needed: bool = False  # without it `make report` does not work


def examine(preset: str) -> Iterator[Finding]:
    """Everything, in the order in which it matters; torch is imported last, and only where it is installed."""
    yield from (python(), packages(ROOT / "requirements.lock"), project(), disk(Path.cwd()), memory())
    yield from (gpus(), slurm(), accounting(), browser())
    yield from weights(preset)


def report(preset: str) -> bool:
    """Print all findings; whether everything that is needed is there."""
    lacking = []
    for finding in examine(preset):
        mark = "ok" if finding.good else "MISSING" if finding.needed else "-"
        print(f"{mark:>8}  {finding.what}: {finding.said}")
        lacking += [finding.what] if finding.needed and not finding.good else []
    print(f"\nNot ready for `make report`: {', '.join(lacking)}" if lacking else "\nReady for `make report`.")
    return not lacking


def python() -> Finding:
    """Its version."""
    asked = ".".join(map(str, PYTHON))
    said = f"{platform.python_version()} at {sys.executable} (needed: {asked} or newer)"
    return Finding("Python", said, sys.version_info >= PYTHON, True)


def packages(lock: Path) -> Finding:
    """Installed packages beside their pins; another version is told, a missing package is an obstacle."""
    if not lock.is_file():
        return Finding("packages", f"{lock} is not there, so nothing to hold them against", False)
    pins = dict(line.strip().split("==") for line in lock.read_text(encoding="utf-8").splitlines() if "==" in line)
    found = {name: _installed(name) for name in pins}
    missing = [name for name, version in found.items() if not version]
    if missing:
        return Finding(
            "packages", f"not installed: {', '.join(missing)}; `make .venv/.ready` installs them", False, True
        )
    other = [f"{name} {version} (pinned: {pins[name]})" for name, version in found.items() if version != pins[name]]
    if other:
        return Finding(
            "packages", f"other versions than in {lock.name}, so numbers may move: {', '.join(other)}", False
        )
    return Finding("packages", f"all {len(pins)} as {lock.name} pins them")


def _installed(name: str) -> str:
    try:
        return metadata.version(name).partition("+")[0]
    except metadata.PackageNotFoundError:
        return ""


def project() -> Finding:
    """Whether this is the root of the repository, with the tools of its commands."""
    lacking = [name for name in ("Snakefile", "workflow/presets", "ablations") if not Path(name).exists()]
    if lacking:
        return Finding(
            "this folder", f"{Path.cwd()} holds no {lacking[0]}; run from the repository's root", False, True
        )
    if not os.access(".", os.W_OK):
        return Finding("this folder", f"{Path.cwd()} cannot be written, and results go there", False, True)
    if not shutil.which("make"):
        return Finding("make", "not here; `snakemake --cores all` does what `make report` does", False, True)
    return Finding("this folder", f"{Path.cwd()}, with make")


def disk(folder: Path) -> Finding:
    """Room for results."""
    free = shutil.disk_usage(folder).free
    said = f"{free / GIB:.1f} GiB free at {folder} (needed: {DISK / GIB:.0f} for preset digits)"
    return Finding("disk", said, free >= DISK, True)


def memory() -> Finding:
    """Processors and memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    said = f"{cores} processors, {total / GIB:.1f} GiB of memory (needed: {MEMORY / GIB:.0f})"
    return Finding("machine", said, total >= 0.9 * MEMORY, True)


def gpus() -> Finding:
    """What the driver lists, and whether the installed torch can use it."""
    listed = [line.split(" (UUID")[0] for line in _ask("nvidia-smi", "-L").splitlines() if line.startswith("GPU ")]
    if not listed:
        return Finding("GPUs", "none found; presets digits and smoke need none", False)
    try:
        built = metadata.version("torch").partition("+")[2]
    except metadata.PackageNotFoundError:
        built = ""
    if built == "cpu":
        return Finding("GPUs", f"{', '.join(listed)}; but the torch installed is built for processors only", False)
    return Finding("GPUs", ", ".join(listed))


def slurm() -> Finding:
    """The commands, whether a controller answers, and the GPUs that nodes offer."""
    missing = [name for name in SLURM if not shutil.which(name)]
    if missing:
        return Finding("Slurm", f"{', '.join(missing)} not here; everything runs on this machine", False)
    listed = _ask("sinfo", "--noheader", "--format=%D %P %G").splitlines()
    if not listed:
        return Finding("Slurm", "its commands are here, but `sinfo` gets no answer from a controller", False)
    offers = {re.sub(r"\(.*?\)", "", offer) for offer in (line.split()[-1] for line in listed) if "gpu" in offer}
    names = ", ".join(dict.fromkeys(line.split()[1] for line in listed))
    return Finding(
        "Slurm", f"partitions {names} (* the default); GPUs of a node: {', '.join(sorted(offers)) or 'none'}"
    )


def accounting() -> Finding:
    """Whether Slurm remembers ended jobs, which decides how Snakemake asks about them."""
    if not shutil.which("sacct"):
        return Finding("Slurm accounting", "no `sacct` here", False)
    command = ["sacct", "--noheader", "--allocations", "--format=JobID"]
    if _status(*command):
        said = "`sacct` fails, so leave `slurm-status-command: squeue` in slurm/config.yaml"
        return Finding("Slurm accounting", said, False)
    return Finding(
        "Slurm accounting", "works; `slurm-status-command: sacct` in slurm/config.yaml tells more of failures"
    )


def browser() -> Finding:
    """For tests alone."""
    found = [path for path in map(shutil.which, BROWSERS) if path]
    if not found:
        return Finding("browser", "no chromium; the report needs none to be made, its tests in a browser skip", False)
    return Finding("browser", f"{found[0]}, for the report's tests")


def weights(preset: str) -> Iterator[Finding]:
    """Published weights of extractors in torch.hub's cache, whole or not; a preset that asks for one needs it."""
    try:
        from sprint.metrics.extractors import extractor_named, trained_here
        from sprint.plan.reading import load_preset
    except ImportError as error:
        yield Finding("extractor weights", f"cannot be looked for without the packages ({error})", False)
        return
    try:
        asked = load_preset(preset).evaluate.extractors
    except UserError as error:
        yield Finding(f"preset {preset}", str(error), False, True)
        asked = []
    names = dict.fromkeys(["inception", "dinov2", *(name for name in asked if not trained_here(name))])
    for name in names:
        yield _weights(name, extractor_named(name).weights, name in asked, preset)


def _weights(name: str, published, needed: bool, preset: str) -> Finding:
    what, user = (
        f"weights of {name}",
        f"preset {preset} needs them" if needed else f"preset {preset} needs none of them",
    )
    path = published.cached()
    if not path.is_file():
        return Finding(what, f"not at {path}; {user}; they come from {published.url}", False, needed)
    if not file_sha256(path).startswith(published.sha256):
        return Finding(what, f"{path} is not the published file; {user}", False, needed)
    return Finding(what, f"{path}, as published")


def _ask(*command: str) -> str:
    """What a command prints; nothing where it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if done.returncode else done.stdout


def _status(*command: str) -> int:
    try:
        return subprocess.run(command, capture_output=True, timeout=SECONDS, check=False).returncode
    except (OSError, subprocess.TimeoutExpired):
        return 1
