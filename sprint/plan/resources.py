"""What the jobs of a preset ask Snakemake, and through it a cluster, for."""

from sprint.plan.schema import Preset


def resources(preset: Preset, shared: bool = True) -> dict[str, int | str]:
    """What a rule asks Snakemake for; `shared` among the preset's processes, or else run by one."""
    cluster = preset.cluster
    asked = {"mem_mb": cluster.memory, "runtime": cluster.minutes}
    asked = {key: value for key, value in asked.items() if value}  # of the others the profile knows
    if not shared:
        return asked | {"gpu": min(1, cluster.gpus)}
    asked |= {"cpus_per_task": processors_of(preset)}
    if preset.nodes == 1:
        return asked | {"gpu": cluster.gpus}
    asked |= {"nodes": preset.nodes, "tasks": preset.nodes, "mpi": "srun"}  # mpi: the command calls srun, not Snakemake
    return asked | ({"slurm_extra": f"--gpus-per-node={cluster.gpus}"} if cluster.gpus else {})


def processors_of(preset: Preset) -> int:
    """Of each node."""
    return preset.cluster.processors or preset.train.threads * preset.devices
