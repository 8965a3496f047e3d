"""README's data set, metric and guidance, whole: added together to a copy, a run is trained, evaluated and reported."""

import json
import re

KINDS = ("sprint/data/sets/", "sprint/metrics/", "sprint/diffusion/guidance/")
PRESET = "workflow/presets/rings.yaml"
CHANGES = {
    "data: {name: digits, held_out: 4}": "data: {name: rings}",
    "held_out: 64": "held_out: 0",
    "extractors: [digits-cnn, digits-ssl]": "extractors: [rings-cnn]",
    "{kind: cfg, scale: 1.5}": "{kind: halfway, scale: 1.5}",
    "images: 40": "images: 20",
}


def examples(readme: str) -> dict[str, str]:
    """Path -> content of README's Python blocks, each under the last file that the text before it names."""
    before, *blocks = readme.split("```python\n")
    found = {}
    for block in blocks:
        content, _, after = block.partition("```")
        found[re.findall(r"`(sprint/[\w/]+\.py)`", before)[-1]] = content
        before = after
    return found


def test_readmes_smallest_data_set_metric_and_guidance_work_as_they_stand(checkout, git, in_one_process):
    readme = (checkout / "README.md").read_text(encoding="utf-8")
    files = {name: text for name, text in examples(readme).items() if name.startswith(KINDS)}
    assert len(files) == len(KINDS) and all(any(name.startswith(kind) for name in files) for kind in KINDS)
    preset = (checkout / "workflow/presets/smoke.yaml").read_text(encoding="utf-8")
    for usual, changed in CHANGES.items():
        assert usual in preset
        preset = preset.replace(usual, changed)
    for name, text in {**files, PRESET: preset}.items():
        (checkout / name).write_text(text, encoding="utf-8")
    page = in_one_process(checkout, "rings")
    (path,) = (checkout / "results/rings/runs").glob("*/metrics.json")
    evaluations = json.loads(path.read_text(encoding="utf-8"))["evaluations"]
    assert {entry["guidance"]["kind"] for entry in evaluations} == {"none", "halfway"}
    assert all(entry["metrics"]["mean_distance/rings-cnn"] > 0 for entry in evaluations)
    assert [text for text in ("mean distance", "halfway 1.5", "FD (rings-cnn)") if text not in page] == []
    assert sorted(git(checkout, "status", "--porcelain").split()) == sorted([*["??"] * 4, *files, PRESET])
