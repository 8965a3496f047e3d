"""One file makes another codebase known: its checkpoint is imported and sampled, its golden file compared."""

import json

from published import make_golden
from safetensors import safe_open
from safetensors.torch import save_file

NAME = "sprint/published/codebases/library.py"
FILE = '''"""A library that calls its blocks layers and embeds patches by a linear layer, channels fastest."""

from sprint.published.codebases import Codebase, Layout


class Library(Codebase):
    title = "a library's DiT"
    cites = "made for a test"
    method = "dense"
    parameterization = "velocity"
    golden = "library"
    outside = {**Codebase.outside, "patches": "embed"}
    sections = {r"blocks\\.\\d+": "layers.{}"}

    @classmethod
    def layout(cls, name, shape, model):
        return Layout(tuple(shape))
'''


def as_the_library_saves(folder):
    """Files with the weights and with the golden tensors of a small network, under the library's names."""
    with safe_open(make_golden(folder / "made.safetensors"), "pt") as content:
        tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
        config = json.loads(content.metadata()["config"]) | {"method": "library"}
    renamed = {
        name.replace("weights.blocks.", "weights.layers.").replace("x_embedder.proj", "embed"): tensor
        for name, tensor in tensors.items()
    }
    renamed["weights.embed.weight"] = renamed["weights.embed.weight"].permute(0, 2, 3, 1).flatten(1)
    renamed = {name: tensor.contiguous() for name, tensor in renamed.items()}
    save_file(renamed, folder / "golden.safetensors", {"config": json.dumps(config)})
    weights = {name.removeprefix("weights."): value for name, value in renamed.items() if name.startswith("weights.")}
    save_file(weights, folder / "checkpoint.safetensors")


def test_a_codebase_is_one_file(checkout, git, run_cli, tmp_path):
    as_the_library_saves(tmp_path)
    (checkout / NAME).write_text(FILE, encoding="utf-8")
    copy = {"cwd": checkout, "env": {"PYTHONPATH": str(checkout)}}
    done = run_cli("parity", tmp_path / "golden.safetensors", **copy)
    assert done.returncode == 0 and "expected.full_null" in done.stdout, done.stdout + done.stderr
    run = ["--from", "library", "--model", "3x32x2/2", "--out", tmp_path / "run"]
    done = run_cli("import", tmp_path / "checkpoint.safetensors", *run, **copy)
    assert done.returncode == 0 and "which predicts velocity" in done.stdout, done.stderr
    drawn = ["--preset", "smoke", "--count", 3, "--out", tmp_path / "drawn"]
    done = run_cli("sample", tmp_path / "run", *drawn, **copy)
    assert done.returncode == 0 and len(list((tmp_path / "drawn").glob("*.png"))) == 3, done.stderr
    assert git(checkout, "status", "--porcelain").split() == ["??", NAME]
