"""A preset's processes: started by the command itself with torchrun's machinery, and asked for in a cluster.

    sprint train RUN --preset NAME                                     as many processes as the preset says
    torchrun --nproc-per-node 4 -m sprint.cli train RUN --preset NAME  any number, by hand

The first starts the preset's `devices` on this node; where `nodes` is more than one, in a Slurm job of so many, it has
srun do so on each of them.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile

from sprint.plan.leftovers import KEPT
from sprint.plan.schema import Preset
from sprint.runtime import distributed
from sprint.runtime.errors import UserError

GRACE = 3600  # seconds that processes have to write a checkpoint once asked to stop; a cluster gives them fewer
PORTS = (20000, 20000)  # the first, and how many: a Slurm job's number chooses one


def over_devices(preset: Preset) -> None:
    """Return in a process that works; otherwise start the preset's processes, wait for them, and exit as they do."""
    if distributed.launched() or preset.devices * preset.nodes == 1:
        return
    if preset.nodes > 1 and "SLURM_STEP_NUM_NODES" not in os.environ:
        _on_each_node(preset)
    meeting = _on_one_node() if preset.nodes == 1 else _in_slurm(preset.nodes)
    raise SystemExit(_run(preset.devices, preset.nodes, meeting))


def over_these(devices: int) -> None:
    """The same with so many processes on this machine."""
    if not distributed.launched() and devices > 1:
        raise SystemExit(_run(devices, 1, _on_one_node()))


def _on_one_node() -> dict:
    return {"rdzv_backend": "c10d", "rdzv_endpoint": "localhost:0", "run_id": f"sprint-{os.getpid()}"}


def _on_each_node(preset: Preset) -> None:
    """Become `srun` with this command, one task a node."""
    if "SLURM_JOB_ID" not in os.environ or not shutil.which("srun"):
        raise UserError(
            f"the preset's nodes is {preset.nodes}, and this is no Slurm job; run it by `snakemake --profile slurm`, "
            "in a job of so many nodes, or by `torchrun`"
        )
    nodes, processors = preset.nodes, preset.processors
    tasks = [f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", f"--cpus-per-task={processors}"]
    sys.stdout.flush()
    os.execvp("srun", ["srun", *tasks, "--kill-on-bad-exit=1", sys.executable, "-m", "sprint.cli", *sys.argv[1:]])


def _in_slurm(nodes: int) -> dict:
    """Where the nodes of a Slurm job step meet: at its first."""
    given = os.environ["SLURM_STEP_NUM_NODES"]
    if int(given) != nodes:
        raise UserError(f"the preset's nodes is {nodes}, and this step of a Slurm job has {given}; allowed: {nodes}")
    job, number = int(os.environ["SLURM_JOB_ID"]), int(os.environ["SLURM_NODEID"])
    endpoint = f"{_first_node()}:{PORTS[0] + job % PORTS[1]}"
    return {
        "rdzv_backend": "static",
        "rdzv_endpoint": endpoint,
        "rdzv_configs": {"rank": number},
        "run_id": f"sprint-{job}",
    }


def _first_node() -> str:
    """Name of the step's first node; where names mean nothing, the address that the step was started from."""
    listed = ["scontrol", "show", "hostnames", os.environ["SLURM_STEP_NODELIST"]]
    names = subprocess.run(listed, capture_output=True, text=True, check=False).stdout.split()
    try:
        return socket.gethostbyname(names[0])
    except (OSError, IndexError):
        return os.environ["SLURM_LAUNCH_NODE_IPADDR"]


def _run(devices: int, nodes: int, meeting: dict) -> int:
    """This command in every process of this node; returns the exit status."""
    os.environ.setdefault("LOGLEVEL", "CRITICAL")  # of torchrun: what the processes say themselves is enough
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // devices)))
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="launch-", dir=KEPT) as folder:
        config = LaunchConfig(
            min_nodes=nodes,
            max_nodes=nodes,
            nproc_per_node=devices,
            max_restarts=0,
            logs_specs=DefaultLogsSpecs(log_dir=folder),
            shutdown_timeout=GRACE,
            **meeting,
        )
        try:
            elastic_launch(config, sys.executable)("-m", "sprint.cli", *sys.argv[1:])
        except ChildFailedError as error:
            return _status([failure.exitcode for failure in error.failures.values()])
        except SignalException:
            return distributed.RESUMABLE
    return 0


def _status(codes: list[int]) -> int:
    """One exit status of several: what a process chose to say counts for more than how others ended."""
    for code in codes:
        if code < 0:
            print(f"sprint: a process was killed by signal {-code}; the same command goes on", file=sys.stderr)
    chosen = [code for code in (distributed.RESUMABLE, distributed.REFUSED) if code in codes]
    return chosen[0] if chosen else abs(codes[0])
