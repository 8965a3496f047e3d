"""A Slurm cluster on one machine: munge, slurmctld and two slurmd, each a node with two pretend GPUs.

    python tests/slurm/cluster.py up        # then sinfo, sbatch, snakemake --profile slurm, ...
    python tests/slurm/cluster.py down

It needs root and Debian's slurmctld, slurmd, slurm-client and munge. The nodes claim eight processors whatever the
machine has; the GPUs are links to /dev/null and /dev/zero, which Slurm counts and hands out like real ones.
The configuration has to lie in /etc/slurm, because the executor's inner srun forgets SLURM_CONF; files of another
cluster there are never touched: then the cluster refuses to start.
"""

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "srun")
LOCK = Path("/tmp/pretend-slurm.lock")  # held as long as the process that brought the cluster up lives
ETC = Path("/etc/slurm")
MARK = "# Written by tests/slurm/cluster.py of sprint-bench; removed by `cluster.py down`.\n"
NODES = ("n1", "n2")
CONFIGURATION = [ETC / name for name in ("slurm.conf", "gres.conf", "cgroup.conf")]
FIRST_PORT = 6818  # slurmctld's is one below

SLURM_CONF = """\
ClusterName=pretend
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=15
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
MinJobAge=3600
KillWait=10
SchedulerParameters=sched_interval=1,batch_sched_delay=0
GresTypes=gpu
{nodes}
PartitionName=gpu Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
PartitionName=cpu Nodes=n1,n2 MaxTime=INFINITE State=UP
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=8 RealMemory=64000 Gres=gpu:2"

held = []


class CannotStart(Exception):
    """Why there can be no cluster on this machine, in a sentence."""


def why_not() -> str:
    """The reason why this machine cannot bring a cluster up, or an empty string."""
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if missing:
        return f"Slurm is not installed here ({', '.join(missing)} missing); as root on Debian `make test` installs it"
    if os.geteuid() != 0:
        return "Slurm's daemons need root here"
    foreign = [path for path in CONFIGURATION if path.exists() and not path.read_text().startswith(MARK)]
    return f"{foreign[0]} belongs to another cluster" if foreign else ""


def up() -> Path:
    """Bring the cluster up, instead of one that is still there; returns the folder with its state and logs."""
    if reason := why_not():
        raise CannotStart(reason)
    hold_lock()
    down()
    folder = Path(tempfile.mkdtemp(prefix="pretend-slurm-", dir="/tmp"))
    configure(folder)
    start_munge(folder)
    start("slurmctld", "-i")
    for node in NODES:
        start("slurmd", "-N", node)
    wait_until(all_nodes_idle, "the two nodes to become idle", folder)
    return folder


def hold_lock() -> None:
    """One cluster on a machine: until this process ends, no other may bring one up."""
    stream = LOCK.open("w")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotStart("another process has its pretend Slurm cluster up on this machine") from None
    held.append(stream)


def down() -> None:
    """Cancel all jobs and stop the daemons that `up` started, by the process ids that they wrote."""
    folder = running_folder()
    if folder is None:
        return
    cancel(ask("squeue", "--noheader", "--format=%A").split())
    stop([folder / f"{name}.pid" for name in (*(f"slurmd-{node}" for node in NODES), "slurmctld", "munge")])
    for path in CONFIGURATION:
        path.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def ask(*command: str) -> str:
    """What a Slurm command prints; nothing where it fails, as it does when the daemons are gone."""
    return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout


def state_of(job: str) -> str:
    """PENDING, RUNNING, COMPLETED, TIMEOUT, CANCELLED, ...; of an array, a line a task."""
    return ask("squeue", "--noheader", "--states=all", f"--jobs={job}", "--format=%T").strip()


def cancel(jobs: list[str]) -> None:
    """Cancel jobs and wait until none is left, so that no process outlives its test."""
    for _ in range(200):
        left = [job for job in jobs if {"PENDING", "RUNNING", "COMPLETING"} & set(state_of(job).split())]
        if not left:
            return
        ask("scancel", "--quiet", *left)
        time.sleep(0.1)


def die(node: str, job: str) -> None:
    """Have a node die on which this job alone runs, as if its power failed: nothing on it can say a last word."""
    daemon = int((running_folder() / f"slurmd-{node}.pid").read_text())
    for pid in (daemon, *processes_of(job)):
        sent(signal.SIGKILL, pid)
    ask("scontrol", "update", f"nodename={node}", "state=down", "reason=died")  # which it learns by itself in minutes


def start_again(node: str) -> None:
    """Bring back a node that died."""
    start("slurmd", "-N", node)
    wait_until(all_nodes_idle, f"{node} to come back", running_folder())


def processes_of(job: str) -> list[int]:
    """The processes of a job: those of Slurm that watch over it, then all that they started."""
    table = [line.split(None, 2) for line in ask("ps", "-eo", "pid=,ppid=,args=").splitlines()]
    found = [pid for pid, _, command in table if command.startswith(f"slurmstepd: [{job}.")]
    for parent in found:  # which grows meanwhile
        found.extend(pid for pid, above, _ in table if above == parent)
    return [int(pid) for pid in found]


def running_folder() -> Path | None:
    """The state folder of the cluster that /etc/slurm describes, if `up` wrote it."""
    conf = CONFIGURATION[0]
    if not conf.exists() or not conf.read_text().startswith(MARK):
        return None
    (line,) = [line for line in conf.read_text().splitlines() if line.startswith("StateSaveLocation=")]
    return Path(line.partition("=")[2]).parent


def configure(folder: Path) -> None:
    """Write /etc/slurm and the folders and pretend devices that it names."""
    host = socket.gethostname().partition(".")[0]
    for name in ("state", *NODES):
        (folder / name).mkdir()
    for name, device in (("gpu0", "/dev/null"), ("gpu1", "/dev/zero")):
        (folder / name).symlink_to(device)
    nodes = [NODE.format(name=name, host=host, port=FIRST_PORT + index) for index, name in enumerate(NODES)]
    settings = {"host": host, "folder": folder, "controller_port": FIRST_PORT - 1, "nodes": "\n".join(nodes)}
    ETC.mkdir(exist_ok=True)
    devices = f"AutoDetect=off\nName=gpu File={folder}/gpu[0-1]\n"
    for path, text in zip(
        CONFIGURATION, (SLURM_CONF.format(**settings), devices, "CgroupPlugin=cgroup/v1\n"), strict=True
    ):
        path.write_text(MARK + text)


def start_munge(folder: Path) -> None:
    """A munged of our own, with its own key and socket, beside whatever the machine runs."""
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o400)
    folder.chmod(0o711)
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    start("munged", "--force", *(f"--{option}={folder}/munge.{suffix}" for option, suffix in files.items()))


def start(*command: str) -> None:
    """Start a daemon, which puts itself into the background."""
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    if result.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed: {(result.stderr or result.stdout).strip()}")


def stop(pid_files: list[Path]) -> None:
    """End the daemons whose process ids the files hold, and wait for them to be gone."""
    pids = {int(file.read_text()) for file in pid_files if file.exists()}
    for number in (signal.SIGTERM, signal.SIGKILL):
        pids = {pid for pid in pids if sent(number, pid)}
        for _ in range(50):
            pids = {pid for pid in pids if sent(0, pid)}
            if not pids:
                return
            time.sleep(0.1)


def sent(number: int, pid: int) -> bool:
    """Send a signal (0 only looks); False if there is no such process."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def all_nodes_idle() -> bool:
    return set(ask("sinfo", "--noheader", "--Node", "--format=%T").split()) == {"idle"}


def wait_until(condition, what: str, folder: Path, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            logs = "\n".join(f"{log.name}: {log.read_text()[-500:]}" for log in sorted(folder.glob("*.log")))
            raise RuntimeError(f"waited {seconds:.0f} s in vain for {what}:\n{logs}")
        time.sleep(0.1)


if __name__ == "__main__":
    if sys.argv[1:] not in (["up"], ["down"]):
        sys.exit(__doc__)
    try:
        if sys.argv[1] == "up":
            print(up())
        else:
            hold_lock()  # another process's cluster is not ours to end
            down()
    except CannotStart as reason:
        sys.exit(f"cluster.py: {reason}")
