"""A preset's processes: started by the command itself with torchrun's machinery, and asked for in a cluster.

sprint train RUN --preset NAME                             starts the preset's `devices` processes on this node
srun --ntasks-per-node=1 sprint train RUN --preset NAME    in a Slurm job of the preset's `nodes`: on each of them
torchrun --nproc-per-node 4 -m sprint.cli train RUN --preset NAME    any number, by hand
"""

import os
import socket
import subprocess
import sys
import tempfile

from sprint import devices
from sprint.config import Preset
from sprint.errors import UserError

GRACE = 3600  # seconds that processes have to write a checkpoint once asked to stop; a cluster gives them fewer
PORTS = (20000, 20000)  # the first, and how many: a Slurm job's number chooses one


def resources(preset: Preset, shared: bool = True) -> dict[str, int | str]:
    """What a rule asks Snakemake for; `shared` among the preset's processes, or else run by one."""
    cluster, alone = preset.cluster, not shared or preset.nodes == 1
    asked = {"mem_mb": cluster.memory, "runtime": cluster.minutes}
    asked = {key: value for key, value in asked.items() if value}  # of the others the profile knows
    if not shared:
        return asked | {"gpu": min(1, cluster.gpus)}
    processors = cluster.processors or preset.train.threads * preset.devices
    asked |= {"cpus_per_task": processors, "launcher": ""}
    if alone:
        return asked | {"gpu": cluster.gpus}
    nodes = preset.nodes
    starter = f"srun --nodes={nodes} --ntasks={nodes} --ntasks-per-node=1 --cpus-per-task={processors}"
    asked |= {"nodes": nodes, "tasks": nodes, "mpi": "srun", "launcher": f"{starter} --kill-on-bad-exit=1 "}
    return asked | ({"slurm_extra": f"--gpus-per-node={cluster.gpus}"} if cluster.gpus else {})


def over_devices(preset: Preset) -> None:
    """Return in a process that works; otherwise start the preset's processes, wait for them, and exit as they do."""
    if devices.launched() or preset.devices * preset.nodes == 1:
        return
    meeting = _on_one_node() if preset.nodes == 1 else _in_slurm(preset.nodes)
    raise SystemExit(_run(preset, meeting))


def _on_one_node() -> dict:
    return {"rdzv_backend": "c10d", "rdzv_endpoint": "localhost:0", "run_id": f"sprint-{os.getpid()}"}


def _in_slurm(nodes: int) -> dict:
    """Where the nodes of a Slurm job step meet: at its first."""
    given = os.environ.get("SLURM_STEP_NUM_NODES", "0")
    if int(given) != nodes:
        raise UserError(
            f"the preset's nodes is {nodes}, and this is no step of a Slurm job on {nodes} nodes; run it by "
            f"`snakemake --profile slurm`, or in such a job by `srun --ntasks-per-node=1`"
        )
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


def _run(preset: Preset, meeting: dict) -> int:
    """This command in every process of this node; returns the exit status."""
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // preset.devices)))
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    with tempfile.TemporaryDirectory(prefix="sprint-") as folder:
        config = LaunchConfig(
            min_nodes=preset.nodes,
            max_nodes=preset.nodes,
            nproc_per_node=preset.devices,
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
            return devices.RESUMABLE
    return 0


def _status(codes: list[int]) -> int:
    """One exit status of several: what a process chose to say counts for more than how others ended."""
    chosen = [code for code in (devices.RESUMABLE, devices.REFUSED) if code in codes]
    return chosen[0] if chosen else abs(codes[0])
