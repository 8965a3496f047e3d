"""Bad input ends within seconds, before any compute, in one sentence that names file, key, value and what is allowed.

Every refusal here is of the command that a user types: most by calling its `main` in this process, one of each kind in
a process of its own, and what the workflow must refuse through snakemake.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from PIL import Image

from sprint.cli import main as cli

PRESET, STUDY = "workflow/presets/smoke.yaml", "ablations/drop_ratio.yaml"
SAID_OF_A_RUN = ("lock", "status.json")  # who works on it, and why it could not go on
DENSE = {"method": "dense"}
SPRINT = {"method": "sprint", "drop": 0.75}


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file below a folder with its bytes and time, so that nothing can be written or changed unseen."""
    return {
        str(path.relative_to(folder)): f"{path.stat().st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".snakemake" not in path.parts and path.name not in SAID_OF_A_RUN
    }


@pytest.fixture
def project(workspace, monkeypatch) -> Path:
    """A scratch project, entered, with a result that must outlive every refusal."""
    kept = workspace / "results" / "smoke" / "runs" / "kept" / "metrics.json"
    kept.parent.mkdir(parents=True)
    kept.write_text('{"state": "done"}\n')
    monkeypatch.chdir(workspace)
    return workspace


@pytest.fixture
def refused(project, monkeypatch, capsys):
    """refused("list", ...): the sentence with which the command is refused; holds it to all that a refusal must be."""

    def call(*arguments: str, seconds: float = 10) -> str:
        monkeypatch.setattr(sys, "argv", ["sprint", *arguments])
        before, began = fingerprint(project), time.process_time()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        assert ended.value.code == 2, printed
        assert time.process_time() - began < seconds
        assert fingerprint(project) == before
        assert printed.out == ""
        return one_sentence(printed.err)

    return call


def one_sentence(stderr: str) -> str:
    """The one line on stderr, without the name of the program."""
    assert re.fullmatch(r"sprint: [^\n]+\n", stderr), stderr
    assert len(stderr) < 2000
    return stderr.removeprefix("sprint: ").rstrip()


def edit(path: str, change) -> None:
    """Rewrite a YAML file by change(document)."""
    document = yaml.safe_load(Path(path).read_text())
    change(document)
    Path(path).write_text(yaml.safe_dump(document, sort_keys=False))


def put(path: str, dotted: str, value: object) -> None:
    """Set one key, given as outer.inner, of a YAML file."""

    def change(document: dict) -> None:
        *outer, last = dotted.split(".")
        for key in outer:
            document = document[key]
        document[last] = value

    edit(path, change)


PRESET_FAULTS = [  # key, value, what the sentence must hold
    ("sedes", [0], ["unknown key 'sedes'", "nearest: 'seeds'", "allowed: name, data, image_size"]),
    ("model.widht", 16, ["model: unknown key 'widht'", "nearest: 'width'", "allowed: width, depth"]),
    ("model.width", "16", ["model.width is '16'", "a whole number"]),
    ("model.width", 18, ["model.width is 18", "multiple of 4 x heads = 8"]),
    ("model.width", 1 << 70, ["a number of more than 63 bits"]),
    ("model.width", 1 << 20, ["model.width is 1048576", "allowed: 4 to 65536"]),
    ("model.depth", 0, ["model.depth is 0", "allowed: 1 to"]),
    ("model.depth", True, ["model.depth is True", "a whole number"]),
    ("model.heads", 2.0, ["model.heads is 2.0", "a whole number"]),
    ("model.patch", 3, ["model.patch is 3", "divisor of image_size 8"]),
    ("model.positions", "rope", ["model.positions is 'rope'", "allowed: sincos, rope2d"]),
    ("model.qk_norm", 1, ["model.qk_norm is 1", "true or false"]),
    ("model", None, ["model is None", "a mapping with width, depth"]),
    ("data.name", "digit", ["data", "'digit'", "digits", "image_folder"]),
    ("data.path", "pictures", ["data", "unknown key 'path'"]),
    ("image_size", 16, ["image_size is 16", "allowed for digits: 8"]),
    ("train.steps", -1, ["train.steps is -1", "allowed: 1 to"]),
    ("train.finetune", 1.5, ["train.finetune is 1.5", "allowed: 0 to 1"]),
    ("train.learning_rate", float("nan"), ["train.learning_rate is nan", "a finite number"]),
    ("train.precision", "float16", ["train.precision is 'float16'", "allowed: float32, bfloat16"]),
    ("train.milestones", [0.5], ["train.milestones is [0.5]", "end in 1"]),
    ("train.milestones", [0.5, "1"], ["train.milestones[1] is '1'", "a finite number"]),
    ("evaluate.sampler.kind", "dpm", ["evaluate.sampler", "'dpm'", "heun"]),
    ("evaluate.sampler.steps", 0, ["evaluate.sampler", "0", "allowed"]),
    ("evaluate.images", 1, ["evaluate.images is 1", "allowed: 2 to"]),
    ("evaluate.extractors", ["digits_cnn"], ["evaluate.extractors", "'digits_cnn'", "digits-cnn"]),
    ("evaluate.extractors", [], ["evaluate.extractors", "[]", "allowed"]),
    ("evaluate.guidance", [{"kind": "apg"}], ["evaluate.guidance", "'apg'", "known: auto, cfg, none, pdg"]),
    ("evaluate.guidance", [{"kind": "pdg", "scale": 2}], ["evaluate.guidance", "'pdg'", "'dense'", "none, cfg"]),
    ("evaluate.guidance", [], ["evaluate.guidance", "[]", "allowed"]),
    ("seeds", [], ["seeds is []", "one or more different"]),
    ("seeds", [1, 1], ["seeds is [1, 1]", "different"]),
    ("studies", ["drop_rato"], ["studies", "'drop_rato'", "nearest: 'drop_ratio'"]),
    ("studies", [], ["studies", "[]", "allowed"]),
    ("methods", {"sprnt": {}}, ["methods.sprnt", "'sprnt'", "sprint"]),
    ("methods", {"sprint": {"splt": "1/*/1"}}, ["methods.sprint", "unknown key 'splt'", "nearest: 'split'"]),
    ("name", "smoke", ["unknown key 'name'"]),
    ("extractor_steps", 0, ["extractor_steps is 0", "allowed: 1 to"]),
    ("train.warmup", 6, ["train.warmup is 6", "allowed: at most 5", "fine-tuning"]),
    ("train.warmup", 21, ["train.warmup is 21", "allowed: at most 20"]),
    ("studies", ["methods", "drop_ratio", "methods"], ["studies", "'methods'", "twice"]),
    ("train.milestones", [n / 3000 for n in range(1, 3001)], ["train.milestones", "3000", "at most 100"]),
    ("train.milestones", [0.96, 0.97, 1.0], ["train.milestones", "0.96 and 0.97", "step 20"]),
]


@pytest.mark.parametrize("key, value, expected", PRESET_FAULTS, ids=lambda part: str(part)[:40])
def test_what_is_wrong_in_a_preset_is_named(refused, key, value, expected):
    put(PRESET, key, value)
    sentence = refused("list", "--preset", "smoke")
    assert PRESET in sentence
    assert [part for part in expected if part not in sentence] == [], sentence


STUDY_FAULTS = [  # entries of `runs`, what the sentence must hold
    ([{"metod": "dense"}], ["runs[0]", "unknown key 'metod'", "nearest: 'method'", "allowed: method, drop"]),
    ([{"method": "dens"}], ["runs[0].method", "'dens'", "dense"]),
    ([{"drop": 0.5}], ["runs[0].method is missing"]),
    ([DENSE, "dense"], ["runs[1] is 'dense'", "a mapping"]),
    ([{**SPRINT, "drop": 0.6}], ["runs[0].drop", "drop is 0.6", "0.5625, 0.625", "1 - k/n^2", "4 x 4"]),
    ([{**SPRINT, "drop": 0.6, "subsampling": "random"}], ["runs[0].drop", "drop is 0.6", "0.5625, 0.625", "k/16"]),
    ([{**SPRINT, "drop": 1}], ["runs[0].drop", "drop is 1", "such as", "0.9375"]),
    ([{"method": "tokendrop", "drop": 1.0}], ["runs[0].drop", "drop is 1", "k/16", "0.9375"]),
    ([{**SPRINT, "drop": -0.25}], ["runs[0].drop", "drop is -0.25", "such as 0"]),
    ([{**SPRINT, "drop": "75%"}], ["runs[0].drop", "'75%'", "a finite number"]),
    ([{"method": "dense", "drop": 0.5}], ["runs[0]", "drop is 0.5", "allowed: 0"]),
    ([{"method": "sparsedit", "drop": 0.6}], ["runs[0]", "drop is 0.6", "0.75"]),
    ([{"method": "sparsedit", "drop": 1}], ["runs[0]", "drop is 1", "0.75"]),
    ([{"method": "tread", "drop": 0.5, "settings": {"route": "1-6"}}], ["runs[0]", "'1-6'", "last < 6"]),
    ([{"method": "tread", "drop": 0.5, "settings": {"route": "²-3"}}], ["runs[0]", "'²-3'", "last < 6"]),
    ([{**SPRINT, "settings": {"split": "2/3/2"}}], ["runs[0]", "split is '2/3/2'", "adding up to the depth 6"]),
    ([{**SPRINT, "settings": {"split": "0/6/0"}}], ["runs[0]", "split is '0/6/0'", "at least 1 each"]),
    ([{**SPRINT, "settings": {"split": "²/2/2"}}], ["runs[0]", "split is '²/2/2'", "adding up"]),
    ([{**SPRINT, "settings": {"spilt": "1/*/1"}}], ["runs[0].settings", "unknown key 'spilt'", "nearest: 'split'"]),
    ([{**SPRINT, "settings": {"fusion": "sum"}}], ["runs[0]", "fusion is 'sum'", "concat_linear, add, none"]),
    ([{**SPRINT, "settings": {"path_drop": 2}}], ["runs[0]", "path_drop is 2", "0 to 1"]),
    ([{**SPRINT, "settings": ["split"]}], ["runs[0].settings", "allowed: a mapping"]),
    ([{**SPRINT, "subsampling": "structurd"}], ["runs[0]", "'structurd'", "random, structured"]),
    ([{**DENSE, "subsampling": "random"}], ["runs[0].subsampling is 'random'", "leave it out"]),
    ([{**DENSE, "train": {"stepz": 3}}], ["runs[0].train", "unknown key 'stepz'", "nearest: 'steps'"]),
    ([{**DENSE, "train": {"steps": -3}}], ["runs[0].train", "steps is -3", "allowed: 1 to"]),
    ([{**DENSE, "train": {"warmup": 21}}], ["runs[0].train.warmup is 21", "allowed: at most 20"]),
    ([{**DENSE, "train": {"steps": 1, "warmup": 1}}], ["runs[0].train.milestones", "0.5 and 1", "step 1"]),
    ([{**DENSE, "train": {"finetune": 1.5}}], ["runs[0].train", "finetune is 1.5", "allowed: 0 to 1"]),
    ([{**DENSE, "train": {"precision": "fp8"}}], ["runs[0].train", "precision is 'fp8'", "float32, bfloat16"]),
    ([{**DENSE, "guidance": [{"kind": "pdg", "scale": 2}]}], ["runs[0].guidance[0]", "'pdg'", "'dense'", "none, cfg"]),
    ([{**SPRINT, "guidance": [{"kind": "pdq"}]}], ["runs[0].guidance[0]", "'pdq'", "nearest: 'pdg'"]),
    ([{**SPRINT, "guidance": [{"kind": "cfg", "scale": -1}]}], ["runs[0].guidance[0]", "-1", "at least 0"]),
    ([{**SPRINT, "guidance": [{"kind": "cfg", "interval": [1, 0]}]}], ["guidance[0]", "interval", "low < high"]),
    ([{**SPRINT, "guidance": {"kind": "cfg"}}], ["runs[0].guidance is", "a list"]),
    ([{**DENSE, "drop": []}], ["runs makes no run", "at least one"]),
    ([], ["runs makes no run", "at least one"]),
    (
        [{**DENSE, "train": {"steps": list(range(1, 200)), "batch": list(range(1, 200))}}],
        ["runs[0]", "39601", "allowed"],
    ),
]


@pytest.mark.parametrize("runs, expected", STUDY_FAULTS, ids=lambda part: str(part)[:70])
def test_what_is_wrong_in_a_study_is_named(refused, runs, expected):
    put(STUDY, "runs", runs)
    sentence = refused("list", "--preset", "smoke")
    assert STUDY in sentence
    assert [part for part in expected if part not in sentence] == [], sentence


@pytest.mark.parametrize(
    "key, value, expected",
    [
        ("vary", ["metod"], ["vary", "'metod'", "method"]),
        ("vary", ["settings.splt"], ["vary", "'settings.splt'", "settings.split"]),
        ("vary", "method", ["vary is 'method'", "a list"]),
        ("seeds", -1, ["seeds is -1", "allowed"]),
        ("seeds", 0, ["seeds is 0", "allowed: 1 to"]),
        ("titel", "x", ["unknown key 'titel'", "nearest: 'title'"]),
        ("question", 3, ["question is 3", "text"]),
        ("show_impossible", "yes", ["show_impossible is 'yes'", "true or false"]),
    ],
    ids=lambda part: str(part)[:40],
)
def test_what_is_wrong_at_the_head_of_a_study_is_named(refused, key, value, expected):
    put(STUDY, key, value)
    sentence = refused("list", "--preset", "smoke")
    assert STUDY in sentence
    assert [part for part in expected if part not in sentence] == [], sentence


BROKEN_FILES = {
    "empty": (b"", "None"),
    "a list": (b"- 1\n- 2\n", "a mapping"),
    "not UTF-8": (b"title: \xff\xfe\n", "not valid YAML"),
    "not YAML": (b"title: [1, 2\n", "not valid YAML"),
    "a key twice": (b"title: a\ntitle: b\n", "key 'title' is written twice"),
    "an inner key twice": (b"runs:\n  - {method: dense, drop: 0, drop: 0}\n", "key 'drop' is written twice"),
    "a key that is no text": (b"1: 2\n", "unknown key 1"),
    "an object": (b"title: !!python/object/apply:os.system [exit]\n", "not valid YAML"),
    "a truth that is none": (b"title: !!bool perhaps\n", "not valid YAML"),
    "a date that is none": (b"title: !!timestamp today\n", "not valid YAML"),
    "a number that is none": (b'title: !!int ""\n', "not valid YAML"),
    "a number without end": (b"title: 0x" + b"f" * 9000 + b"\n", "title"),
    "too deep": (b"title: " + b"[" * 9000 + b"\n", "not valid YAML"),
    "too large": (b"# " + b"x" * (1 << 21) + b"\n", "bytes; allowed: at most"),
    "laughs": (
        b"".join(b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1) if n else b"lol"] * 9)) for n in range(12)),
        "a0",
    ),
    "a long key": (b"? " + b"k" * 20000 + b"\n: 1\n", "unknown key"),
    "a circle": (b"title: &a [*a]\n", "title"),
}


@pytest.mark.parametrize("content, expected", BROKEN_FILES.values(), ids=BROKEN_FILES)
@pytest.mark.parametrize("path", [PRESET, STUDY], ids=["preset", "study"])
def test_a_file_that_is_no_configuration_is_named(refused, path, content, expected):
    Path(path).write_bytes(content)
    sentence = refused("list", "--preset", "smoke")
    assert sentence.startswith(f"{path}")
    if path == STUDY or "title" not in expected:
        assert expected in sentence


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["list", "--preset", "digit"], ["preset 'digit' is unknown", "nearest: 'digits'", "smoke"]),
        (["list", "--preset", "../presets/smoke"], ["preset '../presets/smoke' is unknown", "known:"]),
        (["list", "--preset", ""], ["preset '' is unknown", "known:"]),
        (["cost", "drop_rato", "--preset", "smoke"], ["study 'drop_rato' is unknown", "nearest: 'drop_ratio'"]),
        (["bench", "study", "published", "--preset", "smoke"], ["study 'published' is unknown", "known:"]),
        (["bench", "train", "--model", "Q/2"], ["'Q/2'", "S, B, L, XL"]),
        (["bench", "train", "--method", "dnse"], ["'dnse'", "dense"]),
        (["bench", "train", "--drop", "0.3", "--method", "sprint"], ["drop is 0.3", "0.30078125"]),
        (["bench", "sample", "--resolution", "100"], ["100", "multiple of 16"]),
        (["bench", "evaluate", "--preset", "smoke"], ["digits-cnn"]),
        (["bench", "train", "--out", "ablations"], ["'ablations'", "a JSON file"]),
        (["report", "drop_rato", "--preset", "smoke"], ["study 'drop_rato' is unknown", "nearest: 'drop_ratio'"]),
        (["show", "dense-sed0", "--preset", "smoke"], ["'dense-sed0' is unknown", "nearest: 'dense-seed0-"]),
        (["train", "dense-seed7-00000000", "--preset", "smoke"], ["run of preset 'smoke'", "nearest: 'dense-seed0-"]),
        (["train", "../../elsewhere", "--preset", "smoke"], ["'../../elsewhere' is unknown", "known:"]),
        (["sample", "nothing", "--preset", "smoke"], ["'nothing' is unknown", "known:"]),
        (["evaluate", "nothing", "--preset", "smoke"], ["'nothing' is unknown", "known:"]),
        (["extractor", "digits-cmm", "--preset", "smoke"], ["'digits-cmm'", "digits-cnn"]),
        (["reference", "--preset", "smoke"], ["digits-cnn"]),
        (["parity", "absent.safetensors"], ["absent.safetensors"]),
        (["import", "absent.pt", "--from", "sit", "--model", "XL/2", "--out", "run"], ["absent.pt"]),
    ],
    ids=" ".join,
)
def test_unknown_names_are_met_with_the_nearest(refused, arguments, expected):
    sentence = refused(*arguments)
    assert [part for part in expected if part not in sentence] == [], sentence


def test_a_run_that_was_not_trained_is_not_sampled_or_evaluated(refused):
    from sprint.plan.reading import load_plan

    plan = load_plan("smoke")
    (dense,) = [run.name for run in plan.study("methods").runs if run.method == "dense"]
    for command in (["sample", dense], ["evaluate", dense], ["evaluate", dense, "--sweep", "guidance"]):
        assert f"sprint train {dense} --preset smoke" in refused(*command, "--preset", "smoke")


def test_outside_a_project_the_command_says_where_to_go(refused, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert "run from the root of the repository" in refused("list")


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["--preset"], "command"),
        (["nonsense"], "'nonsense'"),
        (["list", "--bogus"], "--bogus"),
        (["train"], "run"),
        (["train", "a", "b"], "b"),
        (["sample", "a", "--count", "0"], "--count"),
        (["sample", "a", "--scale", "much"], "--scale"),
        (["bench", "study", "methods", "--threads", "-1"], "--threads"),
        (["bench", "methods"], "'methods'"),
        (["bench", "train", "--batch", "0"], "--batch"),
        (["import", "a.pt"], "--from"),
        (["parity"], "files"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_nonsense_flags_are_named_beside_the_usage(project, monkeypatch, capsys, arguments, expected):
    monkeypatch.setattr(sys, "argv", ["sprint", *arguments])
    before = fingerprint(project)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    assert ended.value.code == 2 and printed.out == ""
    (sentence,) = re.findall(r"^Error: (.+)$", printed.err, re.M)
    assert printed.err.startswith("Usage: ") and "--help" in printed.err
    assert expected in sentence or expected == "command"
    assert fingerprint(project) == before


def picture_preset(project: Path, folder: str = "pictures") -> Path:
    """A preset of a folder of pictures: two classes with one picture each."""
    document = deepcopy(yaml.safe_load((project / PRESET).read_text()))
    document["data"] = {"name": "image_folder", "path": folder, "channels": 3}
    document["evaluate"]["held_out"] = 0
    (project / "workflow/presets/mine.yaml").write_text(yaml.safe_dump(document))
    for name in ("cats", "dogs"):
        (project / "pictures" / name).mkdir(parents=True)
        Image.effect_noise((20, 12), 50).save(project / "pictures" / name / "one.png")
    return project / "pictures"


def test_an_image_folder_that_is_whole_is_taken(project, monkeypatch, capsys):
    picture_preset(project)
    monkeypatch.setattr(sys, "argv", ["sprint", "list", "--preset", "mine"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0 and "drop_ratio" in capsys.readouterr().out


def test_an_image_folder_that_is_missing_or_empty_is_named(project, refused):
    pictures = picture_preset(project, "pictuers")
    sentence = refused("list", "--preset", "mine")
    assert (
        "presets/mine.yaml: data" in sentence and "path is 'pictuers'" in sentence and "allowed: a folder" in sentence
    )
    put("workflow/presets/mine.yaml", "data.path", "pictures")
    (pictures / "birds").mkdir()
    sentence = refused("list", "--preset", "mine")
    assert "class 'birds' of 'pictures' has no pictures" in sentence and ".png" in sentence
    for name in ("cats", "dogs", "birds"):
        shutil.rmtree(pictures / name)
    assert "'pictures' has no class folders" in refused("list", "--preset", "mine")
    put("workflow/presets/mine.yaml", "data.channels", 4)
    assert "channels is 4; allowed: 1 (grey) or 3 (colour)" in refused("list", "--preset", "mine")
    edit("workflow/presets/mine.yaml", lambda document: document["data"].pop("path"))
    assert "path is missing" in refused("list", "--preset", "mine")


def broken_pictures(whole: Path) -> dict[str, bytes]:
    """Files that end in .png or .jpg and are no pictures."""
    png, jpeg = whole.read_bytes(), whole.with_suffix(".jpg")
    Image.open(whole).convert("RGB").resize((200, 200)).save(jpeg)
    cut = jpeg.read_bytes()[:-2000]
    jpeg.unlink()
    flipped = bytearray(png)
    flipped[len(png) // 2] ^= 255
    return {
        "empty.png": b"",
        "text.png": b"no picture",
        "cut.png": png[: len(png) // 2],
        "flipped.png": bytes(flipped),
        "cut.jpg": cut,
        "head.jpg": cut[:20],
        "head.tif": b"II*\x00\xff\xff\xff\xff",
        "head.webp": b"RIFF\x00\x00\x00\x00WEBPVP8 ",
        "head.bmp": b"BM" + b"\x00" * 12 + b"\x28\x00\x00\x00" + b"\xff" * 36,
        "huge.ppm": b"P6 60000 60000 255\n",
    }


def test_a_broken_picture_is_named_before_any_training(project, refused):
    from sprint.plan.reading import load_plan

    pictures = picture_preset(project)
    (run, *_) = load_plan("mine").runs()
    broken = broken_pictures(pictures / "cats" / "one.png")
    for name, content in broken.items():
        path = pictures / "dogs" / name
        path.write_bytes(content)
        for command in (["extractor", "digits-cnn"], ["train", run]):  # `sprint list` opens none
            sentence = refused(*command, "--preset", "mine")
            assert f"pictures/dogs/{name}" in sentence and "repair or remove it" in sentence
        path.unlink()


def test_a_results_folder_that_cannot_be_written_is_named(project, refused):
    """A file where the folder should be: what no user, root included, can write into."""
    from sprint.plan.reading import load_plan

    (run, *_) = load_plan("smoke").runs()
    shutil.rmtree("results")
    Path("results").write_text("not a folder\n")
    for command in (["train", run], ["extractor", "digits-cnn"]):
        sentence = refused(*command, "--preset", "smoke")
        assert sentence.startswith("results/smoke/") and "cannot be written" in sentence


def powerless() -> list[str]:
    """A prefix under which even root minds the modes of files."""
    return ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"] if os.geteuid() == 0 else []


@pytest.fixture
def read_only(project):
    """The project with results that may be read but not written, and the prefix of commands that must mind it."""
    if powerless() and not shutil.which("setpriv"):
        pytest.skip("as root without setpriv (util-linux), no folder is read-only")
    folders = [project / "results", *(path for path in (project / "results").rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    tried = subprocess.run([*powerless(), "touch", str(project / "results" / "new")], capture_output=True)
    if tried.returncode == 0:
        pytest.skip("this user writes into read-only folders")
    yield powerless()
    for folder in folders:
        folder.chmod(0o755)


def in_a_process(prefix: list[str], module: str, *arguments: str, project: Path, environment) -> tuple[int, str]:
    """Status and all output of a real command; holds it to show no traceback."""
    command = [*prefix, sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True, timeout=300)
    output = done.stdout + done.stderr
    assert "Traceback" not in output and 'File "' not in output, output
    return done.returncode, output


def test_a_read_only_results_folder_is_named_and_left_alone(project, read_only, command_environment):
    from sprint.plan.reading import load_plan

    (run, *_) = load_plan("smoke").runs()
    before = fingerprint(project)
    options = {"project": project, "environment": command_environment}
    status, output = in_a_process(read_only, "sprint.cli", "train", run, "--preset", "smoke", **options)
    assert status == 2 and f"results/smoke/runs/{run}" in one_sentence(output)
    assert "cannot be written (Permission denied)" in output
    status, output = in_a_process(
        read_only, "snakemake", "--cores", "2", "--config", "preset=smoke", "--", "drop_ratio", **options
    )
    assert status == 2 and "results/smoke" in output and "cannot be written" in output
    assert "rule train" not in output and "rule extractor" not in output
    assert fingerprint(project) == before


def test_the_real_command_refuses_in_a_process_of_its_own(project, run_cli):
    put(STUDY, "runs", [{**SPRINT, "drop": 0.6}])
    done = run_cli("list", "--preset", "smoke", cwd=project)
    assert done.returncode == 2 and done.stdout == ""
    assert "drop is 0.6" in one_sentence(done.stderr)


@pytest.mark.parametrize(
    "arguments, change, status, expected",
    [
        (["--config", "preset=smok"], None, 2, "sprint: preset 'smok' is unknown (nearest: 'smoke')"),
        (["--config", "preset=smoke"], ("drop", 0.6), 2, f"sprint: {STUDY}: runs[0].drop: drop is 0.6"),
        (
            ["--config", "preset=smoke", "--", "drop_rato"],
            None,
            2,
            "target 'drop_rato' is unknown (nearest: 'drop_ratio')",
        ),
    ],
    ids=["preset", "study", "target"],
)
def test_the_workflow_refuses_before_any_job(project, snakemake, arguments, change, status, expected):
    if change:
        put(STUDY, "runs", [{**SPRINT, change[0]: change[1]}])
    before = fingerprint(project)
    done = snakemake(*arguments, cwd=project)
    assert done.returncode == status and expected in done.stderr
    assert "Traceback" not in done.stderr and "rule train" not in done.stderr
    assert fingerprint(project) == before
