"""The profile slurm/config.yaml as it stands, on real Slurm daemons, with jobs that only say what they got."""

import shutil

import pytest

SNAKEFILE = """\
localrules: all

rule all:
    input: "results/gpus.txt", "results/gres.txt", "results/none.txt"

rule say:
    output: "results/{how}.txt"
    log: "results/{how}.log"
    resources:
        gpu=lambda wildcards: 2 if wildcards.how == "gpus" else 0,
        gres=lambda wildcards: "gpu:2" if wildcards.how == "gres" else "",
        cpus_per_task=2,
    shell:
        "(env; echo started) >> results/{wildcards.how}.started 2> {log}; touch {output}"
"""


@pytest.fixture(scope="module")
def said(slurm, repository, tmp_path_factory, run_to_end):
    """What jobs said that asked for two GPUs with --gpus, two with --gres, and none."""
    folder = tmp_path_factory.mktemp("say") / "of ümlauts and spaces"
    shutil.copytree(repository / "slurm", folder / "slurm")
    (folder / "Snakefile").write_text(SNAKEFILE)
    run_to_end(folder)
    return {name: (folder / f"results/{name}.started").read_text().splitlines() for name in ("gpus", "gres", "none")}


@pytest.mark.parametrize("how", ["gpus", "gres"])
def test_a_gpu_job_starts_once_with_all_its_gpus(said, how):
    assert said[how].count("started") == 1
    assert "CUDA_VISIBLE_DEVICES=0,1" in said[how]
    assert "SLURM_CPUS_PER_TASK=2" in said[how]


def test_a_job_that_asks_for_no_gpu_gets_none(said):
    assert said["none"].count("started") == 1
    assert [line for line in said["none"] if line.startswith(("CUDA_VISIBLE_DEVICES", "SLURM_STEP_GPUS"))] == []
