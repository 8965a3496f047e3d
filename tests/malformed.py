"""Presets and studies that are broken on purpose, and what must come of reading them: a plan, or one sentence.

`tests/plan/test_bad_plans.py` tries hundreds of them, `make faults` tens of thousands.
"""

import json
import re
from pathlib import Path

import yaml
from hypothesis import strategies as st

from sprint.plan.reading import load_plan
from sprint.runtime.errors import UserError

ROOT = Path(__file__).resolve().parent.parent
PRESET, STUDY = "workflow/presets/smoke.yaml", "ablations/one.yaml"
RUNS = [
    {"method": "dense", "guidance": [{"kind": ["none", "cfg"], "scale": 2, "interval": [0.1, 0.9]}]},
    {"method": ["sprint", "tokendrop"], "drop": [0, 0.5, 0.75], "train": {"steps": 8}},
    {"method": "sprint", "drop": 0.75, "settings": {"split": "1/*/1", "fusion": "add"}, "subsampling": "random"},
    {"method": "tread", "drop": 0.5, "settings": {"route": "1-2"}, "budget": "flops"},
    {"method": "sparsedit", "drop": 0.75},
]
GOOD = {
    "preset": yaml.safe_load((ROOT / PRESET).read_text()) | {"studies": ["one"]},
    "study": {"title": "One", "question": "What?", "vary": ["method"], "seeds": 1, "runs": RUNS},
}
STRANGE = [
    *(None, True, False, 0, 1, -1, 2, 7, 64, 10**6, 1 << 62, 1 << 80, 0.0, 0.5, 1.0, -0.5, 1e-300, 1e300),
    *(float("inf"), float("-inf"), float("nan"), "", " ", "*", "²", "1/*/1", "1/2/3/4", "*/*/*", "1-", "٣/1/2", "0x10"),
    *(
        "none",
        "pdg",
        "cfg",
        "sprint",
        "dense",
        "image_folder",
        "../..",
        "a/b",
        "a\nb",
        "a\0b",
        "\ud7ff\ue000",
        "9" * 5000,
    ),
    *(
        [],
        [[]],
        [[[1]]],
        [None],
        {},
        {"": 1},
        {"name": "image_folder", "path": ".", "channels": 3},
        {1: 2},
        {None: None},
    ),
    *([0] * 300, {"kind": "heun", "steps": 3}, {"split": ["1/4/1", "2/2/2"]}, [{"kind": "pdg", "scale": 2}]),
]
SCRAPS = [
    *(
        "\t",
        "\0",
        "&a",
        "*a",
        "<<: *a",
        "- ",
        ": ",
        "? ",
        "{",
        "}",
        "[",
        "]",
        "!!int ",
        "!!float ",
        "!!bool ",
        "!!set ",
    ),
    *(
        "!!timestamp ",
        "!!binary ",
        "!!omap ",
        "!!python/name:os.system ",
        "---\n",
        "...\n",
        "#",
        "'",
        '"',
        "|\n",
        ">\n",
    ),
    *("%YAML 9.9\n", "\ufeff", "\u2028", "\x85", "~", ".nan", "1:30:00", "0o17", "1_0", "=", "@", "`", "runs: *a\n"),
]


def folder(path: Path) -> Path:
    """The path, with folders for the two files."""
    for name in (PRESET, STUDY):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
    return path


def places(document: object, inside: tuple = ()) -> list[tuple]:
    """The path of every value in nested mappings and lists."""
    entries = document.items() if isinstance(document, dict) else enumerate(document)
    found = []
    for key, value in entries:
        found.append((*inside, key))
        if isinstance(value, (dict, list)):
            found += places(value, (*inside, key))
    return found


def broken(document: object, at: tuple, how: str, value: object) -> object:
    """A copy of the document with one value replaced, removed, wrapped, renamed or joined by another."""
    if not at:
        return {"replace": value, "wrap": [document], "inner": {"key": document}}.get(how, document)
    copy, key = document.copy(), at[0]
    if len(at) > 1 or how in ("replace", "wrap", "inner"):
        copy[key] = broken(copy[key], at[1:], how, value)
    elif how == "remove":
        copy.pop(key)
    elif isinstance(copy, list):
        copy.append(value)
    else:
        copy[str(value)[:9] if how == "rename" else f"{key}s"] = copy.pop(key) if how == "rename" else value
    return copy


def judged(root: Path, texts: dict[str, bytes]) -> None:
    """Write the files and read the plan: it is sound, or the sentence names a file."""
    (root / PRESET).write_bytes(texts["preset"])
    (root / STUDY).write_bytes(texts["study"])
    try:
        runs = load_plan("smoke", root).runs()
    except UserError as error:
        sentence = str(error)
        assert str(root / PRESET) in sentence or str(root / STUDY) in sentence
        assert "\n" not in sentence and len(sentence) < 3000
        return
    for run in runs.values():
        assert re.fullmatch(r"[A-Za-z0-9._+=,\[\]-]{1,200}", run.name)
        json.dumps(run.document(), allow_nan=False)


EDIT = st.tuples(
    st.randoms(use_true_random=False),
    st.sampled_from(["replace", "replace", "replace", "remove", "wrap", "inner", "rename", "join"]),
    st.sampled_from(STRANGE),
)
FILE = st.sampled_from(["preset", "study"])
EDITS = st.lists(EDIT, min_size=1, max_size=3)
SCRAP = st.tuples(st.floats(0, 1), st.sampled_from([*SCRAPS, "cut", "double"]))
SCRAPPED = st.lists(SCRAP, min_size=1, max_size=4)


def text(document: object) -> bytes:
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False).encode("utf-8", "surrogatepass")


def values_edited(root: Path, which: str, edits: list[tuple]) -> None:
    """Values of one file replaced, removed, wrapped, renamed or joined by others."""
    documents = dict(GOOD)
    for chooser, how, value in edits:
        found = places(documents[which])
        documents[which] = broken(documents[which], chooser.choice(found), how, value) if found else value
        if not isinstance(documents[which], (dict, list)):
            break
    judged(root, {name: text(document) for name, document in documents.items()})


def text_scattered(root: Path, which: str, scraps: list[tuple]) -> None:
    """One file's text cut, doubled and strewn with scraps of YAML."""
    texts = {name: text(document) for name, document in GOOD.items()}
    for place, scrap in scraps:
        content = texts[which]
        at = int(place * len(content))
        line = content.rfind(b"\n", 0, at) + 1
        if scrap == "cut":
            texts[which] = content[:at]
        elif scrap == "double":
            texts[which] = content[:at] + content[line:at] + b"\n" + content[line:]
        else:
            texts[which] = content[:at] + scrap.encode("utf-8") + content[at:]
    judged(root, texts)
