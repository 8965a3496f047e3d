"""What a run falls over is told: in its status.json or train.json, by the command, and in the report."""

import json
import resource
import shutil

import pytest
import trial
from PIL import Image


def report(project: trial.Project, sprint) -> str:
    """What the report says once it is written anew."""
    done = sprint(project.folder, "report", "--preset", project.preset)
    assert done.status == 0, done
    return trial.page_text(project.folder / "reports" / project.preset / "report.html")


def told(project: trial.Project) -> dict:
    """The state and reason that the run's status.json gives."""
    found = json.loads((project.run_folder / "status.json").read_text())
    return {key: found[key] for key in ("state", "reason")}


@pytest.mark.fault(
    "a loss that is not finite", "state diverged with its reason in train.json, metrics.json and the report"
)
def test_loss_not_finite(workspace, sprint):
    wild = {"learning_rate": 10.0, "finetune_learning_rate": 10.0, "weight_decay": 10.0, "warmup": 0, "clip": 1e12}
    project = trial.Project(workspace, train=wild)
    done = sprint(project.folder, *project.train_command)
    assert done.status == 0 and "diverged after" in done.out, done
    ended = json.loads((project.run_folder / "train.json").read_text())
    assert ended["state"] == "diverged" and "at step" in ended["reason"]
    assert told(project) == {"state": "diverged", "reason": ended["reason"]}
    for command in (["extractor", "digits-cnn"], ["reference"], ["evaluate", project.run.name]):
        assert sprint(project.folder, *command, "--preset", project.preset).status == 0
    assert json.loads((project.run_folder / "metrics.json").read_text())["reason"] == ended["reason"]
    assert ended["reason"] in report(project, sprint)


@pytest.mark.fault(
    "out of memory (an address space that is too small)",
    "one sentence, exit status 2, reason in status.json and the report",
)
@pytest.mark.parametrize("spare", trial.times([1], [1, 2, 4, 8]))
def test_out_of_memory(spare, workspace, sprint):
    project = trial.Project(workspace, train={"batch": 1 << 17, "finetune_batch": 1 << 17})
    limit = (1 << 30) + (spare << 28)
    done = trial.ended(project.start(*project.train_command, limits={resource.RLIMIT_AS: (limit, limit)}))
    assert "out of memory (" in done.sentence and "take a smaller batch or model" in done.sentence
    assert told(project)["state"] == "failed" and told(project)["reason"] == done.sentence
    assert "out of memory (" in report(project, sprint)


@pytest.mark.fault(
    "a process killed by the system, as one out of memory is", "told as killed by `sprint list` and the report"
)
def test_killed_without_a_word(project, sprint):
    process = project.start(*project.train_command)
    assert project.wait_for(1, process)
    process.kill()
    trial.ended(process)
    assert told(project)["state"] == "running"  # it had no time to say otherwise
    assert "interrupted" in sprint(project.folder, "list", "--preset", project.preset).out
    assert "killed; the same command goes on from its last checkpoint" in report(project, sprint)


@pytest.fixture
def pictures(workspace) -> trial.Project:
    """A project whose data are pictures: two classes of twelve."""
    for name in ("cats", "dogs"):
        (workspace / "pictures" / name).mkdir(parents=True)
        for number in range(12):
            Image.effect_noise((9, 8), 50 + number).save(workspace / "pictures" / name / f"{number}.png")
    return trial.Project(workspace, data={"name": "image_folder", "path": "pictures", "channels": 1})


@pytest.mark.fault("a picture that vanishes between two sittings", "refused with the reason; put back, the same bits")
def test_a_picture_vanishes(pictures, sprint, monkeypatch, tmp_path):
    monkeypatch.chdir(pictures.folder)
    whole = pictures.undisturbed(tmp_path / "undisturbed")
    trial.interrupt(monkeypatch, 20)
    assert sprint(pictures.folder, *pictures.train_command).status == 75
    shutil.move("pictures/dogs/3.png", "3.png")
    refused = sprint(pictures.folder, *pictures.train_command).sentence
    assert "begun with 24 images of image_folder pictures, where there are now 23" in refused
    assert told(pictures) == {"state": "failed", "reason": refused}
    assert "begun with 24 images of image_folder pictures" in report(pictures, sprint)
    shutil.move("3.png", "pictures/dogs/3.png")
    assert sprint(pictures.folder, *pictures.train_command).status == 0
    assert trial.weights(pictures.run_folder) == whole


@pytest.mark.fault(
    "a picture that vanishes while it is read", "one sentence that names it; reason in status.json and the report"
)
def test_a_picture_vanishes_while_it_is_read(pictures, sprint, monkeypatch):
    from sprint.data.sets import image_folder

    read = image_folder.read_picture

    def gone(path, *rest):
        (pictures.folder / "pictures" / "dogs" / "7.png").unlink(missing_ok=True)
        return read(path, *rest)

    monkeypatch.setattr(image_folder, "read_picture", gone)
    refused = sprint(pictures.folder, *pictures.train_command).sentence
    assert "pictures/dogs/7.png: not a readable picture" in refused
    assert told(pictures) == {"state": "failed", "reason": refused}
    assert "pictures/dogs/7.png: not a readable picture" in report(pictures, sprint)


@pytest.mark.fault(
    "all pictures of a begun run vanish", "one sentence that names the folder; reason in status.json and the report"
)
def test_all_pictures_vanish(pictures, sprint, monkeypatch):
    trial.interrupt(monkeypatch, 20)
    assert sprint(pictures.folder, *pictures.train_command).status == 75
    shutil.move(pictures.folder / "pictures", pictures.folder / "elsewhere")
    refused = sprint(pictures.folder, *pictures.train_command).sentence
    assert "path is 'pictures', which is no folder" in refused
    assert told(pictures) == {"state": "failed", "reason": refused}
    assert "which is no folder" in report(pictures, sprint)


@pytest.mark.fault("kept or reference features that are truncated", "said so; made anew, the same numbers")
def test_truncated_features(project, sprint):
    preset = ("--preset", project.preset)
    evaluate = ["evaluate", project.run.name, *preset]
    for command in (project.train_command, ["extractor", "digits-cnn", *preset], ["reference", *preset], evaluate):
        assert sprint(project.folder, *command).status == 0
    numbers, reference = project.run_folder / "metrics.json", project.results / "reference/features.safetensors"
    before, kept = numbers.read_bytes(), next(project.run_folder.glob("evaluations/*.safetensors"))
    kept.write_bytes(kept.read_bytes()[:-9])
    done = sprint(project.folder, *evaluate)
    assert done.status == 0 and f"{kept.name}: cannot be read" in done.err and "sampling anew" in done.err
    assert numbers.read_bytes() == before
    reference.write_bytes(reference.read_bytes()[:-9])
    assert "reference/features.safetensors: cannot be read" in sprint(project.folder, *evaluate).sentence
    assert sprint(project.folder, "reference", *preset).status == 0
    assert sprint(project.folder, *evaluate).status == 0 and numbers.read_bytes() == before


@pytest.mark.fault("a reader that leaves early (`sprint list` into `head -1`)", "no traceback")
def test_a_reader_that_leaves_early(project):
    process = project.start("list", "--preset", project.preset)
    process.stdout.close()
    assert "Traceback" not in process.stderr.read().decode()
    assert process.wait(60) in (0, 1)
