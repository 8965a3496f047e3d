"""Our networks agree with published ones, and a file from which that cannot be said is refused with one sentence."""

import json

import pytest
import torch
from published import make_golden
from safetensors import safe_open
from safetensors.torch import save_file

from sprint.diffusion.denoiser import Model, ModelConfig
from sprint.methods.sparsedit import Settings, SparseDiT, layout, pool, sparse_side
from sprint.nn.backbones.dit import DiT
from sprint.nn.layers import Context, grid_places
from sprint.published import parity
from sprint.published.golden import Golden
from sprint.runtime.errors import UserError

SPRINT_SPLIT = {"encoder_depth": 1, "middle_depth": 2, "decoder_depth": 1}
ROUTE = {"start_layer": 1, "end_layer": 3, "end_layer_inclusive": True}
VARIANTS = {
    "dense, patch 4, variance": {"patch_size": 4, "learn_sigma": True},
    "dense, patch 1, narrow MLP": {"patch_size": 1, "input_size": 5, "mlp_ratio": 2.5},
    "dense, rotary, qk-norm": {"pos": "rope2d", "qk_norm": "rms"},
    "dense, one block, one channel": {"depth": 1, "in_channels": 1, "num_heads": 1},
    "tread, end inside": {"method": "tread", "depth": 5, **ROUTE},
    "tread, end outside": {"method": "tread", "depth": 5, **ROUTE, "end_layer_inclusive": False},
    "tread, rotary": {"method": "tread", "depth": 5, **ROUTE, "pos": "rope2d"},
    "sprint, rotary, qk-norm": {"method": "sprint", **SPRINT_SPLIT, "pos": "rope2d", "qk_norm": "rms"},
    "sprint, patch 3, fused by adding": {
        "method": "sprint",
        **SPRINT_SPLIT,
        "patch_size": 3,
        "input_size": 9,
        "fusion": "add",
    },
    "sprint, no dense path": {"method": "sprint", **SPRINT_SPLIT, "fusion": "none"},
    "sprint, 2 channels of variance": {"method": "sprint", **SPRINT_SPLIT, "learn_sigma": True},
}


def altered(source, target, change):
    """A copy of a golden file after `change(tensors, config)`."""
    with safe_open(source, "pt") as content:
        tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
        config = json.loads(content.metadata()["config"])
    change(tensors, config)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, target, {"config": json.dumps(config)})
    return target


def refused(path) -> str:
    """The one sentence with which a file is refused, which names it."""
    with pytest.raises(UserError) as caught:
        parity.check(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


def test_every_golden_tensor_agrees(golden, capsys):
    paths = sorted(golden.glob("*.safetensors"))
    assert len(paths) >= 6
    assert parity.run(paths)
    lines = capsys.readouterr().out.splitlines()
    for path in paths:
        expected = Golden(path).group("expected.")
        assert sum(path.name in line for line in lines) == len(expected)


def test_golden_tensors_agree_to_rounding(golden):
    differences = [difference for path in golden.glob("*.safetensors") for _, difference in parity.check(path)]
    assert max(differences) < 5e-6


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS.keys())
def test_any_shape_agrees_with_an_independent_implementation(config, tmp_path):
    results = parity.check(make_golden(tmp_path / "made.safetensors", **config))
    assert {name for name, _ in results} >= {"full", "full_null"}
    assert max(difference for _, difference in results) < 2e-5


@pytest.mark.parametrize(
    "name", ["blocks.1.attn.qkv.weight", "y_embedder.embedding_table.weight", "final_layer.linear.bias"]
)
def test_one_wrong_weight_is_seen(name, tmp_path, capsys):
    def spoil(tensors, config):
        tensors[f"weights.{name}"] = tensors[f"weights.{name}"] + 0.05

    path = altered(make_golden(tmp_path / "made.safetensors"), tmp_path / "spoilt.safetensors", spoil)
    assert not parity.run([path])
    assert "BEYOND" in capsys.readouterr().out


def test_what_is_not_a_number_never_agrees(tmp_path):
    def spoil(tensors, config):
        tensors["expected.full"][0, 0, 0, 0] = torch.nan

    path = altered(make_golden(tmp_path / "made.safetensors"), tmp_path / "spoilt.safetensors", spoil)
    assert not parity.run([path])


def rename(tensors, config):
    tensors["weights.blocks.0.attn.qvk.weight"] = tensors.pop("weights.blocks.0.attn.qkv.weight")


def reshape(tensors, config):
    tensors["weights.t_embedder.mlp.2.bias"] = torch.zeros(7)


def other_positions(tensors, config):
    tensors["weights.pos_embed"] = tensors["weights.pos_embed"].flip(1)


FAULTS = {
    "renamed tensor": (rename, ["missing: blocks.0.attn.qkv.weight", "surplus: blocks.0.attn.qvk.weight"]),
    "misshapen tensor": (reshape, ["misshapen: t_embedder.mlp.2.bias ([7], allowed [32])"]),
    "other positions": (other_positions, ["pos_embed differs"]),
    "a block too many": (lambda tensors, config: config.update(depth=4), ["missing: blocks.3."]),
    "a block too few": (lambda tensors, config: config.update(depth=2), ["surplus: blocks.2."]),
    "no depth": (lambda tensors, config: config.pop("depth"), ["lacks 'depth'"]),
    "depth in words": (lambda tensors, config: config.update(depth="three"), ["depth is 'three'"]),
    "no heads": (lambda tensors, config: config.update(num_heads=0), ["num_heads 0"]),
    "heads that do not divide": (lambda tensors, config: config.update(num_heads=5), ["num_heads 5"]),
    "patches that do not fit": (lambda tensors, config: config.update(patch_size=3), ["input_size 8"]),
    "unknown method": (lambda tensors, config: config.update(method="vit"), ["method is 'vit'", "sparsedit"]),
    "another method": (lambda tensors, config: config.update(method="tread"), ["lacks 'end_layer'"]),
    "SPRINT by name": (
        lambda tensors, config: config.update(method="sprint", **SPRINT_SPLIT),
        ["missing: ", "surplus: "],
    ),
    "route beyond the depth": (lambda tensors, config: config.update(method="tread", **ROUTE), ["route is '1-3'"]),
    "unknown positions": (lambda tensors, config: config.update(pos="learned"), ["pos is 'learned'"]),
    "unknown norm": (lambda tensors, config: config.update(qk_norm="layer"), ["qk_norm is 'layer'"]),
    "no inputs": (lambda tensors, config: tensors.pop("x"), ["lacks the tensor x"]),
    "nothing expected": (
        lambda tensors, config: [tensors.pop(name) for name in list(tensors) if name.startswith("expected.")],
        ["no expected.* tensors"],
    ),
    "unknown output": (
        lambda tensors, config: tensors.update({"expected.odd": torch.ones(2)}),
        ["expected.odd is unknown"],
    ),
    "label out of range": (lambda tensors, config: tensors.update(y=torch.tensor([0, 9])), ["y holds [0, 9]"]),
    "input of another size": (
        lambda tensors, config: tensors.update(x=torch.zeros(2, 3, 4, 4)),
        ["x has shape [2, 3, 4, 4]"],
    ),
}


@pytest.mark.parametrize("change, named", FAULTS.values(), ids=FAULTS.keys())
def test_a_faulty_file_is_refused_by_name(change, named, tmp_path):
    path = altered(make_golden(tmp_path / "made.safetensors"), tmp_path / "faulty.safetensors", change)
    sentence = refused(path)
    assert all(part in sentence for part in named), sentence


def test_kept_tokens_outside_of_the_grid_are_refused(tmp_path):
    made = make_golden(tmp_path / "made.safetensors", method="tread", depth=5, **ROUTE)
    for ids in (torch.full((2, 3), 16), torch.zeros(2, 3, dtype=torch.int64)):
        path = altered(made, tmp_path / "faulty.safetensors", lambda tensors, _, ids=ids: tensors.update(ids_keep=ids))
        assert "0 to 15" in refused(path)


def test_files_that_are_no_golden_files_are_refused(tmp_path):
    made = make_golden(tmp_path / "made.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(made.read_bytes()[:-100])
    (tmp_path / "head.safetensors").write_bytes(made.read_bytes()[:5])
    (tmp_path / "text.safetensors").write_text("no tensors")
    save_file({"x": torch.ones(1)}, tmp_path / "plain.safetensors")
    for name in ("cut", "head", "text", "plain", "absent"):
        refused(tmp_path / f"{name}.safetensors")
    refused(tmp_path)


def sparsedit(grid=4, drop=0.75, positions="sincos", spread=0, depth=6, qk_norm=False) -> Model:
    """A small SparseDiT whose weights have left their zeros."""
    backbone = DiT(16, depth, 2, 1, positions, qk_norm).on(grid, drop)
    settings = SparseDiT.resolve(Settings(spread=spread), backbone)
    SparseDiT.check(settings, backbone)
    model = Model(ModelConfig(1, grid, 3, backbone, "sparsedit", settings))
    with torch.no_grad():
        for index, parameter in enumerate(model.parameters()):
            parameter += 0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(index))
    return model.eval()


def test_sparsedit_says_the_published_layout():
    assert layout("auto", 28) == layout("2+4x1/3/1/1+2", 28)
    for depth in range(1, 40):
        plan = layout("auto", depth)
        assert plan.bottom + plan.modules * sum(plan.group) + plan.top == depth
        assert layout(plan.text(), depth) == plan


@pytest.mark.parametrize(
    "text", ["", "2+4x1/3/1/1+3", "2+0x1/3/1/1+26", "1+1x1/1/0/1+1", "2+4x1/3/1+2", "-2+4x1/3/1/1+6"]
)
def test_sparsedit_refuses_a_layout_that_does_not_add_up(text):
    with pytest.raises(UserError, match=r"layout is .*2\+4x1/3/1/1\+2"):
        layout(text, 28)


def test_sparsedit_takes_every_grid_that_pools_and_names_them():
    assert [sparse_side(8, 1 - m * m / 64) for m in range(1, 9)] == list(range(1, 9))
    for drop in (0.5, 1.0, -0.1, 0.99):
        with pytest.raises(UserError, match=r"0\.75"):
            sparse_side(8, drop)
    with pytest.raises(UserError, match="spread is 4; allowed: 0 to 3"):
        SparseDiT.check(Settings(spread=4), DiT(16, 6, 2, 1, "sincos", False).on(8, 0.75))


def test_sparsedit_starts_as_its_dense_tokens():
    backbone = DiT(16, 6, 2, 1, "sincos", False).on(4, 0.75)
    model = Model(ModelConfig(1, 4, 3, backbone, "sparsedit", Settings()))
    for module in model.method.middle:
        assert torch.equal(module.recover[0].from_dense.weight, torch.eye(16))
        assert not module.recover[0].from_sparse.weight.any()
    x = torch.randn(2, 16, 16)
    assert torch.allclose(model.method(x, Context(torch.randn(2, 16), None)), x, atol=1e-6)


def test_a_sparse_token_stands_at_the_mean_place_of_its_cell():
    places = pool(grid_places(4).unsqueeze(0), 2)[0]
    assert places.tolist() == [[0.5, 0.5], [0.5, 2.5], [2.5, 0.5], [2.5, 2.5]]


@pytest.mark.parametrize("positions", ["sincos", "rope2d"])
def test_timestep_wise_pruning_is_each_sample_at_its_own_grid(positions):
    model, x, y = sparsedit(8, 0.75, positions, 2, qk_norm=True), torch.randn(5, 1, 8, 8), torch.tensor([0, 1, 2, 3, 0])
    t = torch.tensor([1.0, 0.0, 0.6, 0.26, 0.98])
    together = model.image(x, t, y)
    for index, side in enumerate([2, 6, 4, 5, 2]):
        fixed = sparsedit(8, 1 - side**2 / 64, positions, qk_norm=True)
        fixed.load_state_dict(model.state_dict())
        alone = fixed.image(x[index : index + 1], t[index : index + 1], y[index : index + 1])
        assert torch.allclose(together[index : index + 1], alone, atol=1e-5)
