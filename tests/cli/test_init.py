"""`sprint init` on pictures of odd sizes: a preset that says what it costs, and runs to a report."""

import re

import numpy as np
import pytest
import yaml
from PIL import Image

from sprint.bench import first_run
from sprint.cli import init as command
from sprint.plan import proposal
from sprint.plan.reading import load_preset
from sprint.runtime.errors import UserError

STUDY = {"title": "Own", "question": "Does it run?", "vary": ["method"], "runs": [{"method": "dense"}]}


@pytest.fixture
def project(workspace, monkeypatch):
    """A project with 24 pictures of two classes, none of one size, on a CPU whose steps take half a second."""
    for number in range(24):
        path = workspace / "my birds" / ("finch", "wren")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        levels = np.random.default_rng(number).integers(0, 256, (9 + number % 5, 11 + number, 3), dtype=np.uint8)
        Image.fromarray(levels).save(path)
    (workspace / "my birds" / "notes.txt").write_text("no class")
    monkeypatch.chdir(workspace)
    monkeypatch.setattr(first_run.clock, "timed", lambda once: once() or 0.5)
    return workspace


def test_what_is_there_decides_what_is_proposed(project, capsys):
    command.init("my birds", "")
    preset, said = load_preset("my-birds"), capsys.readouterr().out
    assert preset.data == {"name": "image_folder", "path": "my birds", "channels": 3}
    assert (preset.image_size, preset.model.patch, preset.seeds, preset.studies) == (8, 1, [0], ["methods"])
    assert preset.evaluate.extractors == ["my-birds-cnn", "my-birds-ssl"]
    assert "24 pictures, colour, smaller side 9 to 13 pixels; 2 classes of 12 to 12" in said
    assert "64 tokens" in said and "took 0.5 s here" in said and "--config preset=my-birds" in said
    header = (project / "workflow/presets/my-birds.yaml").read_text().splitlines()[:5]
    assert [line.split()[1] for line in header] == ["Question:", "Command:", "Hardware:", "Hours:", "Expected:"]


def test_nothing_is_overwritten_and_what_cannot_be_is_refused(project):
    command.init("my birds", "mine")
    before = (project / "workflow/presets/mine.yaml").read_bytes()
    with pytest.raises(UserError, match=r"presets/mine\.yaml is there already; allowed: another --name"):
        command.init("my birds", "mine")
    assert (project / "workflow/presets/mine.yaml").read_bytes() == before
    with pytest.raises(UserError, match=r"--name is '\.\./x'; allowed"):
        command.init("my birds", "../x")
    with pytest.raises(UserError, match="which is no folder"):
        command.init("my brids", "other")
    for path in list((project / "my birds").rglob("*.png"))[:15]:
        path.unlink()
    with pytest.raises(UserError, match=r"holds \d pictures; allowed: at least 10|has no pictures"):
        command.init("my birds", "other")
    assert not (project / "workflow/presets/other.yaml").exists()


@pytest.mark.parametrize(
    "side, graphics, expected", [(500, False, (32, 2)), (500, True, (64, 4)), (17, False, (16, 1))]
)
def test_an_image_is_never_more_than_256_tokens(side, graphics, expected):
    scale = proposal.propose(proposal.Survey("x", {"a": 5000}, [side], False), graphics)
    assert (scale.image_size, scale.patch) == expected and scale.tokens == 256 and scale.steps == proposal.MOST


def test_slow_steps_make_fewer_of_them_and_a_run_of_many_tokens_is_warned_of(project, monkeypatch):
    command.init("my birds", "mine")
    assert load_preset("mine").train.steps == proposal.FEWEST
    preset = load_preset("mine")
    run = first_run.make_run(preset, first_run.Entry("dense"), 0, "test")
    assert first_run.warning(run, preset) == ""  # 64 tokens
    monkeypatch.setattr(first_run, "MANY", 63)
    monkeypatch.setattr(first_run.clock, "timed", lambda once: once() or 30.0)
    said = first_run.warning(run, preset)
    assert re.match(r"64 tokens an image: about \d.* h for a dense run", said) and "model.patch" in said


def test_time_follows_flops(project, monkeypatch):
    """Twice the steps take twice the time of training; the dense run's rate is the timed one."""
    command.init("my birds", "mine")
    preset = load_preset("mine")
    run = first_run.make_run(preset, first_run.Entry("dense"), 0, "test")
    cost = first_run.cost_of(run)
    rate = cost["train_flops_per_image"] * run.train.batch / 0.5
    training = cost["train_flops"] / rate
    assert training == pytest.approx(0.5 * run.train.steps)
    guided = sum({"none": 1, "cfg": 2}[guidance.kind()] for guidance in preset.evaluate.guidance)
    earlier = len(preset.train.milestones) - 1  # which are sampled unguided
    calls = (2 * 8 - 1) * (earlier + guided)  # of Heun's method
    sampling = preset.evaluate.images * calls * 2 * cost["forward_macs"] / rate
    assert first_run.seconds_of(run, preset, rate) == pytest.approx(training + sampling)


def test_from_pictures_to_a_report_titled_after_them(project, snakemake):
    command.init("my birds", "birds")
    path = project / "workflow/presets/birds.yaml"
    content = yaml.safe_load(path.read_text())
    content["train"] |= {"steps": 6, "warmup": 1, "milestones": [1.0], "batch": 8, "finetune_batch": 8}
    content["evaluate"] |= {"images": 12, "sampler": {"kind": "heun", "steps": 1}, "guidance": [{"kind": "none"}]}
    content |= {"extractor_steps": 4, "measure": {"batch": 2, "repeats": 1, "tokens": [64]}, "studies": ["own"]}
    path.write_text(yaml.safe_dump(content))
    for study in (project / "ablations").glob("*.yaml"):
        if study.stem != "published":
            study.unlink()
    (project / "ablations/own.yaml").write_text(yaml.safe_dump(STUDY))
    done = snakemake("own", "--config", "preset=birds", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (project / "reports/birds/own.html").read_text()
    assert "birds-cnn" in page and "digits-cnn" not in page
