"""Files are data: nothing that one of them holds is executed, in a command or in the report's page."""

import json
import os
import pickle
import re
import zipfile
from pathlib import Path

import pytest
import trial
import yaml

SCRIPT = "<script>alert(1)</script>"


class Payload:
    """What pickle would run: it makes a file."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


TAGS = {
    "object/apply": "!!python/object/apply:os.mkdir ['{mark}']",
    "object/new": "!!python/object/new:os.mkdir ['{mark}']",
    "object/apply of a shell": '!!python/object/apply:subprocess.check_output [[mkdir, "{mark}"]]',
    "name": "!!python/name:os.mkdir",
    "module": "!!python/module:antigravity",
    "merged": "{{<<: !!python/object/apply:os.mkdir ['{mark}']}}",
}


@pytest.mark.fault("Python objects in a preset or study", "refused in a sentence, not executed")
@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("path", ["workflow/presets/scratch.yaml", "ablations/one.yaml"])
def test_yaml_is_not_executed(path, tag, project, sprint, tmp_path):
    text = (project.folder / path).read_text()
    (project.folder / path).write_text(f"{text}\nextra: {TAGS[tag].format(mark=tmp_path / 'executed')}\n")
    sentence = sprint(project.folder, "list", "--preset", project.preset).sentence
    assert sentence.startswith(f"{path}: not valid YAML") and not (tmp_path / "executed").exists()


def zipped(content: bytes, path: Path) -> None:
    """As torch has saved since 1.6: a zip with the pickle in it."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")


@pytest.mark.fault("a payload in a checkpoint given to `sprint import`", "refused in a sentence, not executed")
@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("kind", ["pickle", "zip", "named safetensors"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_payload_is_not_unpickled(wrapped, kind, protocol, project, sprint, tmp_path):
    mark = tmp_path / "executed"
    content = pickle.dumps({"ema": {"weight": Payload(mark)}} if wrapped else Payload(mark), protocol)
    path = tmp_path / ("trap.safetensors" if kind == "named safetensors" else "trap.pt")
    zipped(content, path) if kind == "zip" else path.write_bytes(content)
    out = tmp_path / "imported"
    sentence = sprint(project.folder, "import", path, "--from", "sit", "--model", "XL/2", "--out", out).sentence
    assert "trap" in sentence and not mark.exists() and not out.exists()


@pytest.mark.fault("a payload in the place of trained weights", "refused in a sentence, not executed")
def test_a_payload_among_the_results_is_not_unpickled(project, sprint, tmp_path):
    for command in (project.train_command[:2], ["extractor", "digits-cnn"], ["reference"]):
        assert sprint(project.folder, *command, "--preset", project.preset).status == 0
    for path in [
        *project.results.rglob("extractors/*.safetensors"),
        *project.results.rglob("milestones/*.safetensors"),
    ]:
        whole = path.read_bytes()
        path.write_bytes(pickle.dumps(Payload(tmp_path / "executed")))
        sentence = sprint(project.folder, "evaluate", project.run.name, "--preset", project.preset).sentence
        assert path.name in sentence and not (tmp_path / "executed").exists()
        path.write_bytes(whole)


@pytest.mark.fault("a script in every text of a study, its name included", "escaped in the report, never executed")
def test_scripts_are_escaped_in_the_report(project, sprint):
    project.write("ablations/one.yaml", trial.STUDY | {"title": SCRIPT, "question": f'"{SCRIPT}'})
    name = "<script>alert(1)<" + "script>"  # a file's name holds no slash
    (project.folder / "ablations/one.yaml").rename(project.folder / f"ablations/{name}.yaml")
    preset = project.folder / "workflow/presets/scratch.yaml"
    preset.write_text(yaml.safe_dump(yaml.safe_load(preset.read_text()) | {"studies": [name]}))
    status = project.run_folder / "status.json"
    status.parent.mkdir(parents=True)
    status.write_text(json.dumps({"state": "failed", "reason": SCRIPT}))
    for command in (["report"], ["report", name]):
        done = sprint(project.folder, *command, "--preset", project.preset)
        assert done.status == 0, done
    told = 0
    for page in (project.folder / "reports").rglob("*.html"):
        text = page.read_text()
        assert "<script>alert" not in text and not re.search(r"<[^>]*<script", text)
        told += text.count("&lt;script&gt;alert(1)")
    assert told >= 9
