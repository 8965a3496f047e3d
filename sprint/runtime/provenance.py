"""Where a number came from: machine, versions, commit."""

import importlib.metadata
import os
import platform
import resource
import subprocess
import time

import torch

PACKAGES = ("torch", "numpy", "torch-fidelity", "safetensors")


def machine() -> dict:
    """Processor, cores and accelerator of this machine."""
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {"processor": _processor(), "cores": os.cpu_count(), "gpu": card, "system": platform.platform(terse=True)}


def versions() -> dict[str, str]:
    """Versions that can move a number."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        found[package] = importlib.metadata.version(package)
    return found


def peak_memory() -> int:
    """Most bytes this process has held so far: of the GPU where there is one, else of the machine."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def commit() -> str:
    """The commit of the code, with "+" when tracked files differ from it; "unknown" outside a git checkout."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"],
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "unknown"


def measurement(what: str, threads: int) -> dict:
    """Of what, when, where and with what something was measured."""
    return {
        "what": what,
        "machine": machine(),
        "versions": versions(),
        "commit": commit(),
        "date": time.strftime("%Y-%m-%d"),
        "threads": threads,
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
