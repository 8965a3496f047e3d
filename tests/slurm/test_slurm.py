"""The profile slurm/config.yaml on real Slurm daemons: GPUs, the DAG, failures, time limits, interruptions.

All in one file, so that all share one cluster when tests are spread over workers by file.
"""

import fcntl
import json
import os
import shutil
import signal
from pathlib import Path

import pytest
import yaml

from sprint.plan.reading import load_plan

pytestmark = pytest.mark.slurm

SAY_WHAT_YOU_GOT = """\
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


class Project:
    """A scratch project folder with one preset, and one run of it that tests train and interrupt."""

    def __init__(self, folder: Path, scale: dict | None = None, **training):
        self.folder = folder
        preset = yaml.safe_load((folder / "workflow/presets/smoke.yaml").read_text())
        preset["studies"] = ["guidance"]
        preset["train"] |= training
        preset |= scale or {}
        (folder / "workflow/presets/scratch.yaml").write_text(yaml.safe_dump(preset))
        plan = load_plan("scratch", folder)
        self.run = next(run.name for run in plan.studies["guidance"].runs if run.method == "sprint")
        self.run_folder = folder / "results/scratch/runs" / self.run
        self.target = self.run_folder.relative_to(folder) / "train.json"

    def weights(self) -> dict[str, bytes]:
        """The averaged weights of every milestone."""
        return {path.name: path.read_bytes() for path in sorted(self.run_folder.glob("milestones/*.safetensors"))}

    def checkpointed(self) -> bool:
        return any(self.run_folder.glob("checkpoints/*.json"))

    def trainer(self) -> int:
        """The process that holds the run."""
        return json.loads((self.run_folder / "lock").read_text())["pid"]

    def pause(self) -> int:
        """Stop the training as a hanging file system would; SIGCONT lets it go on."""
        os.kill(self.trainer(), signal.SIGSTOP)
        return self.trainer()


TO_SCRATCH = ("--config", "preset=scratch")
SLOW = {"steps": 400, "checkpoint_every": 20}


@pytest.fixture
def project(slurm, workspace) -> Project:
    return Project(workspace, **SLOW)


@pytest.fixture(scope="module")
def uninterrupted(new_workspace, run_cli) -> dict[str, bytes]:
    """The weights of the run that other tests interrupt, trained by hand from start to end."""
    project = Project(new_workspace("uninterrupted"), **SLOW)
    result = run_cli("train", project.run, "--preset", "scratch", cwd=project.folder)
    assert result.returncode == 0, result.stderr
    return project.weights()


@pytest.fixture(scope="module", autouse=True)
def whole_dag(slurm, new_workspace, submit_in_background):
    """A study from data to report; it waits for Slurm more than it computes, and so runs while the other tests do."""
    project = Project(new_workspace("whole-dag"))
    return project, submit_in_background(project.folder, *TO_SCRATCH)


@pytest.fixture(scope="module", autouse=True)
def time_limited(slurm, new_workspace, submit_in_background, eventually):
    """A training that hangs, and will hit its time limit of a minute while the other tests run."""
    project = Project(new_workspace("time-limited"), **SLOW)
    arguments = ("--set-resources", "train:runtime=1", "--retries", "9", "--", project.target)
    snakemake = submit_in_background(project.folder, *TO_SCRATCH, *arguments)
    eventually(project.checkpointed, "the first checkpoint")
    project.pause()
    return project, snakemake


@pytest.fixture(scope="module", autouse=True)
def on_two_nodes(slurm, new_workspace, submit_in_background, eventually):
    """A training by a process on each of two nodes, which is asked to stop on the way, as at a time limit."""
    scale = {"nodes": 2, "cluster": {"gpus": 2, "memory": 2000, "minutes": 20}}
    project = Project(new_workspace("two-nodes"), scale, steps=60, checkpoint_every=5)
    snakemake = submit_in_background(project.folder, *TO_SCRATCH, "--", project.target)
    eventually(project.checkpointed, "the first checkpoint")
    trainer, (job,) = project.pause(), snakemake.jobs()
    got = slurm.ask("squeue", "--noheader", f"--jobs={job}", "--format=%N %D %b")
    slurm.ask("scancel", "--signal=TERM", job)
    os.kill(trainer, signal.SIGCONT)
    return project, snakemake, got


@pytest.fixture(scope="module")
def said(slurm, repository, tmp_path_factory, run_to_end):
    """What jobs said that asked for two GPUs with --gpus, two with --gres, and none."""
    folder = tmp_path_factory.mktemp("say") / "of ümlauts and spaces"
    shutil.copytree(repository / "slurm", folder / "slurm")
    (folder / "Snakefile").write_text(SAY_WHAT_YOU_GOT)
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


def test_the_last_lines_of_a_failed_job_reach_the_terminal_and_there_is_one_writer(project, submit):
    project.run_folder.mkdir(parents=True)
    with open(project.run_folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        snakemake = submit(project.folder, *TO_SCRATCH, "--retries", "0", "--", project.target)
        assert snakemake.wait() != 0
    assert f"{project.run}: another process is working on this run; wait for it or stop it" in snakemake.text
    assert not (project.folder / project.target).exists()


def test_control_c_cancels_the_jobs(project, submit, eventually, slurm):
    """Between two questions about the jobs: one that Slurm is just being asked about is missed (docs/cluster.md)."""
    unasked = ("--slurm-init-seconds-before-status-checks", "600")
    snakemake = submit(project.folder, *TO_SCRATCH, *unasked, "--", project.target)
    eventually(project.checkpointed, "the first checkpoint")
    project.pause()  # so that it cannot end before it is cancelled
    (job,) = snakemake.jobs()
    snakemake.send(signal.SIGINT)
    eventually(lambda: slurm.state_of(job) == "CANCELLED", "the job to be cancelled")
    assert not (project.folder / project.target).exists()


def test_after_kill_9_there_are_never_two_writers_and_the_result_is_the_same(
    project, submit, run_to_end, eventually, slurm, uninterrupted
):
    killed = submit(project.folder, *TO_SCRATCH, "--", project.target)
    eventually(project.checkpointed, "the first checkpoint")
    orphan = project.pause()
    (job,) = killed.jobs()
    killed.send(signal.SIGKILL)
    killed.wait()
    second = submit(project.folder, *TO_SCRATCH, "--retries", "0", "--", project.target)
    assert second.wait() != 0
    assert f"process {orphan} on" in second.text and "is working on this run" in second.text
    os.kill(orphan, signal.SIGCONT)
    eventually(lambda: slurm.state_of(job) == "COMPLETED", "the orphan to end")
    run_to_end(project.folder, *TO_SCRATCH, "--", project.target)
    assert project.weights() == uninterrupted


def test_a_job_that_hits_its_time_limit_is_resubmitted_and_ends_with_the_same_bits(time_limited, slurm, uninterrupted):
    project, snakemake = time_limited
    assert snakemake.wait() == 0, snakemake.text
    *interrupted, last = map(slurm.state_of, snakemake.jobs())
    assert set(interrupted) == {"TIMEOUT"} and last == "COMPLETED"
    assert project.weights() == uninterrupted


def test_a_training_on_two_nodes_stops_when_asked_and_ends_as_one_process_does(
    on_two_nodes, new_workspace, run_cli, slurm
):
    project, snakemake, got = on_two_nodes
    assert snakemake.wait() == 0, snakemake.text
    assert got.split() == ["n[1-2]", "2", "gres:gpu:2"]
    assert [slurm.state_of(job) for job in snakemake.jobs()] == ["FAILED", "COMPLETED"]
    alone = Project(new_workspace("one-node"), steps=60, checkpoint_every=5)
    assert run_cli("train", alone.run, "--preset", "scratch", cwd=alone.folder).returncode == 0
    shared, expected = (json.loads((of.run_folder / "train.json").read_text()) for of in (project, alone))
    assert shared["processes"] == 2 and len(shared["losses"]) == 60
    assert dict(shared["losses"]) == pytest.approx(dict(expected["losses"]), rel=1e-5)


def test_the_dag_runs_to_its_report(whole_dag):
    project, snakemake = whole_dag
    assert snakemake.wait() == 0, snakemake.text
    assert "<html" in (project.folder / "reports/scratch/index.html").read_text()
    assert json.loads((project.run_folder / "metrics.json").read_text())["state"] == "done"
