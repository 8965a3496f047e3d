"""The profile slurm/config.yaml on real Slurm daemons: GPUs, the DAG, many jobs, failures, time limits, interruptions.

All in one file, so that all share one cluster when tests are spread over workers by file.
"""

import fcntl
import json
import os
import re
import shlex
import shutil
import signal

import pytest
import yaml
from project import Project

pytestmark = pytest.mark.slurm

SAY_WHAT_YOU_GOT = """\
localrules: all

rule all:
    input: expand("results/{how}.txt", how=["gpus", "gres", "none"]), expand("results/tasks/{n}", n=[1, 2])

rule say:
    output: "results/{how}.txt"
    log: "results/{how}.log"
    resources:
        gpu=lambda wildcards: 2 if wildcards.how == "gpus" else 0,
        gres=lambda wildcards: "gpu:2" if wildcards.how == "gres" else "",
        cpus_per_task=2,
    shell:
        "(env; echo started) >> results/{wildcards.how}.started 2> {log}; touch {output}"

rule tell:
    output: "results/tasks/{n}"
    resources: gpu=1
    shell: "env > {output}"
"""

TO_SCRATCH = ("--config", "preset=scratch")
SLOW = {"steps": 400, "checkpoint_every": 20}
IN_SHARDS = {"images": 2560, "batch": 256, "guidance": [{"kind": "none"}]}  # five of 512 images
LONGEST_ARGUMENT = 128 * 1024  # of a command on Linux: MAX_ARG_STRLEN


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


@pytest.fixture(scope="module", autouse=True)
def many_jobs(slurm, repository, new_workspace, submit_in_background, on_two_nodes):
    """The same study's metrics by the command that docs/cluster.md gives for many jobs, with its file of partitions.

    It starts once the training on two nodes, which needs all their GPUs, has begun.
    """
    page = (repository / "docs/cluster.md").read_text(encoding="utf-8").partition("\n## Many jobs")[2]
    (command,), (partitions,) = (re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL) for kind in ("bash", "yaml"))
    usual, options = ["snakemake", "--cores", "all", "--profile", "slurm"], shlex.split(command.replace("\\\n", ""))
    assert options[:5] == usual
    project = Project(new_workspace("many-jobs"), {"cluster": {"gpus": 1}})
    (project.folder / "partitions.yaml").write_text(partitions)
    targets = [f"results/scratch/runs/{run}/metrics.json" for run in project.runs]
    return project, submit_in_background(project.folder, "--verbose", *options[5:], *TO_SCRATCH, "--", *targets)


@pytest.fixture(scope="module")
def said(slurm, repository, tmp_path_factory, run_to_end):
    """What jobs said that asked for two GPUs with --gpus, two with --gres, and none."""
    folder = tmp_path_factory.mktemp("say") / "of ümlauts and spaces"
    shutil.copytree(repository / "slurm", folder / "slurm")
    (folder / "Snakefile").write_text(SAY_WHAT_YOU_GOT)
    run_to_end(folder, "--slurm-array-jobs=tell")
    files = [*folder.glob("results/*.started"), *folder.glob("results/tasks/*")]
    return {path.stem: path.read_text().splitlines() for path in files}


@pytest.mark.parametrize("how", ["gpus", "gres"])
def test_a_gpu_job_starts_once_with_all_its_gpus(said, how):
    assert said[how].count("started") == 1
    assert "CUDA_VISIBLE_DEVICES=0,1" in said[how]
    assert "SLURM_CPUS_PER_TASK=2" in said[how]


def test_a_job_that_asks_for_no_gpu_gets_none(said):
    assert said["none"].count("started") == 1
    assert [line for line in said["none"] if line.startswith(("CUDA_VISIBLE_DEVICES", "SLURM_STEP_GPUS"))] == []


def test_each_task_of_an_array_is_told_of_a_gpu_though_srun_does_not_start_the_first(said):
    tasks = [dict(line.split("=", 1) for line in said[name] if "=" in line) for name in ("1", "2")]
    first, second = sorted(tasks, key=lambda told: told["SLURM_ARRAY_TASK_ID"])
    assert first["SLURM_ARRAY_JOB_ID"] == second["SLURM_ARRAY_JOB_ID"]
    assert {first["CUDA_VISIBLE_DEVICES"], second["CUDA_VISIBLE_DEVICES"]} <= {"0", "1"}
    assert "SLURM_STEP_GPUS" in second and "SLURM_STEP_GPUS" not in first


def test_fewer_jobs_at_a_time_than_an_array_has_tasks_are_never_submitted(slurm, workspace, submit, eventually):
    """Why docs/cluster.md asks for so many."""
    project = Project(workspace, {"seeds": [0, 1]})
    options = ("--verbose", "--jobs", "1", "--slurm-array-jobs=train")
    targets = [f"results/scratch/runs/{run}/train.json" for run in project.runs]
    snakemake = submit(project.folder, *options, *TO_SCRATCH, "--", *targets)
    eventually(lambda: "Array job collection incomplete for rule train" in snakemake.text, "the executor to drop one")
    assert snakemake.jobs() == []


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


def of_rule(snakemake, rule: str) -> list[dict[str, str]]:
    """Slurm's records of the jobs of one rule."""
    return [record for record in snakemake.records() if rule in record["Comment"]]


def test_many_trainings_are_tasks_of_one_array_and_evaluations_share_a_job(many_jobs):
    project, snakemake = many_jobs
    assert snakemake.wait() == 0, snakemake.text[-5000:]
    trainings, (evaluations,) = of_rule(snakemake, "rule_train"), of_rule(snakemake, "evaluate")
    assert len({record["ArrayJobId"] for record in trainings}) == 1
    assert sorted(record["ArrayTaskId"] for record in trainings) == ["1", "2"]
    assert len(project.runs) == 2 and "ArrayJobId" not in evaluations
    assert {record["TresPerJob"] for record in (*trainings, evaluations)} == {"gres:gpu:1"}
    assert (evaluations["TimeLimit"], evaluations["MinMemoryNode"]) == ("02:00:00", "4000M")


def test_each_of_many_jobs_is_in_the_partition_of_the_file_that_fits_it(many_jobs):
    _, snakemake = many_jobs
    assert snakemake.wait() == 0, snakemake.text[-5000:]
    with_gpu = {bool(record.get("TresPerJob")): set() for record in snakemake.records()}
    for record in snakemake.records():
        with_gpu[bool(record.get("TresPerJob"))].add(record["Partition"])
    assert with_gpu == {True: {"gpu"}, False: {"cpu"}}  # which is not the default


def test_as_many_tasks_as_the_profile_allows_fit_into_the_command_of_an_array(many_jobs):
    project, snakemake = many_jobs
    assert snakemake.wait() == 0, snakemake.text[-5000:]
    (call,) = re.findall(r"Submitting array job with sbatch call: (.*)", snakemake.text)
    (others,) = re.findall(r"--slurm-jobstep-array-execs=(\S+?)\"", call)
    limit = yaml.safe_load((project.folder / "slurm/config.yaml").read_text())["slurm-array-limit"]
    alone, of_a_task = len(call) - len(others), len(others) / (len(project.runs) - 1)
    assert of_a_task > 1000 and alone + limit * of_a_task < LONGEST_ARGUMENT


def test_many_jobs_give_the_same_numbers(many_jobs, whole_dag):
    numbers = []
    for project, snakemake in (many_jobs, whole_dag):
        assert snakemake.wait() == 0, snakemake.text[-5000:]
        files = [project.results / "runs" / run / "metrics.json" for run in project.runs]
        numbers.append({path.parent.name: path.read_bytes() for path in files})
    assert numbers[0] == numbers[1] and len(numbers[0]) == 2


def test_a_node_that_dies_while_it_samples_loses_one_shard(
    whole_dag, many_jobs, time_limited, on_two_nodes, new_workspace, submit, run_cli, eventually, slurm
):
    for _, other, *_ in (whole_dag, many_jobs, time_limited, on_two_nodes):
        other.wait()  # nothing else is on the node
    dying, alone = (Project(new_workspace(name), {"evaluate": IN_SHARDS}) for name in ("node-dies", "node-lives"))
    for copy in (dying, alone):
        unwanted = shutil.ignore_patterns("metrics*", "evaluations", "samples", "sweeps")
        shutil.copytree(whole_dag[0].results, copy.results, ignore=unwanted)
    metrics = dying.run_folder / "metrics.json"
    snakemake = submit(dying.folder, *TO_SCRATCH, "--", metrics.relative_to(dying.folder))
    (job,) = eventually(snakemake.jobs, "the evaluation to be submitted")
    node = eventually(lambda: slurm.ask("squeue", "--noheader", f"--jobs={job}", "--format=%N").strip(), "a node")
    eventually(lambda: any(dying.run_folder.glob("evaluations/*/*.safetensors")), "the first shard")
    slurm.die(node, job)
    whole = len(list(dying.run_folder.glob("evaluations/*/*.safetensors")))
    assert 0 < whole < 5 and not metrics.exists()
    assert snakemake.wait() == 0, snakemake.text
    (record,) = snakemake.records()
    assert snakemake.jobs() == [job] and record["Restarts"] == "1" and record["NodeList"] != node
    log = (dying.results / f"logs/evaluate-{dying.run}.log").read_text()
    assert f"going on after {whole} of 5 shards" in log
    assert run_cli("evaluate", alone.run, "--preset", "scratch", cwd=alone.folder).returncode == 0
    assert metrics.read_bytes() == (alone.run_folder / "metrics.json").read_bytes()
    slurm.start_again(node)
