"""A disk that is full while something is written: one sentence, what was there before intact, and on with it once there
is space."""

import json

import pytest
import trial

FULL_DISK = "cannot be written (No space left on device)"
LEFT = [0, 8192, 40960, *([4096, 16384, 65536, 98304, 131072, 196608, 262144] if trial.FULL else [])]


@pytest.mark.fault(
    "disk full while a checkpoint is written", "one sentence, earlier files intact; with space, the same bits"
)
@pytest.mark.parametrize("left", LEFT)
def test_during_a_checkpoint(left, project, sprint, small_disk, whole, monkeypatch):
    disk = small_disk(project.results)
    trial.interrupt(monkeypatch, 40)
    assert sprint(project.folder, *project.train_command).status == 75
    disk.fill(left)
    told = ("status.json", "config.json", "lock", "ballast")
    before = trial.contents(project.results, *told)
    assert FULL_DISK in sprint(project.folder, *project.train_command).sentence
    after = trial.contents(project.results, *told)
    assert {name: after.get(name) for name in before} == before and "train.json" not in after
    disk.make_space()
    assert sprint(project.folder, *project.train_command).status == 0
    assert trial.weights(project.run_folder) == whole
    assert not [path for path in project.run_folder.rglob(".*") if path.is_file()]


@pytest.fixture
def trained(project, sprint, small_disk) -> tuple[trial.Project, trial.Disk]:
    """A trained run with all that its evaluation needs, on a small disk."""
    disk = small_disk(project.results)
    for command in (project.train_command, ["extractor", "digits-cnn"], ["reference"]):
        preset = [] if "--preset" in command else ["--preset", project.preset]
        done = sprint(project.folder, *command, *preset)
        assert done.status == 0, done
    return project, disk


@pytest.mark.fault(
    "disk full while sampling and measuring", "one sentence, earlier files intact; with space, it goes on"
)
def test_during_sampling(trained, sprint, tried):
    project, disk = trained
    before = trial.contents(project.results)
    command = ["evaluate", project.run.name, "--preset", project.preset]
    for left in LEFT[: trial.times(2, 10)]:
        disk.fill(min(left, 16384))
        assert FULL_DISK in sprint(project.folder, *command).sentence
        after = trial.contents(project.results)
        assert {name: after.get(name) for name in before} == before
        assert not (project.run_folder / "metrics.json").exists()
        disk.make_space()
        for name in after.keys() - before.keys():  # what is whole is kept, and the next try would have less to write
            (project.results / name).unlink(missing_ok=True)
    assert sprint(project.folder, *command).status == 0
    assert json.loads((project.run_folder / "metrics.json").read_text())["state"] == "done"
    tried(len(LEFT[: trial.times(2, 10)]))


@pytest.mark.fault("disk full while a report is written", "one sentence, the report before it intact; with space, anew")
@pytest.mark.parametrize("left", LEFT[: trial.times(2, 5)])
def test_during_the_report(left, project, sprint, small_disk):
    disk = small_disk(project.folder / "reports")
    command = ["report", "--preset", project.preset]
    assert sprint(project.folder, *command).status == 0
    page = project.folder / "reports" / project.preset / "index.html"
    before, pages = page.read_bytes(), sorted(page.parent.rglob("*"))
    disk.fill(min(left, 4096))
    assert FULL_DISK in sprint(project.folder, *command).sentence
    assert page.read_bytes() == before and sorted(page.parent.rglob("*")) == pages
    disk.make_space()
    assert sprint(project.folder, *command).status == 0
