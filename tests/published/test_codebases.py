"""What holds of every codebase, found by listing the folder; and that a deliberate mistake in one is seen."""

from dataclasses import asdict, fields

import pytest
import tiny
import torch
from safetensors.torch import save_file

from sprint.diffusion.denoiser import Model
from sprint.diffusion.parameterization import PARAMETERIZATIONS
from sprint.methods import METHODS
from sprint.published.codebases import CODEBASES, Codebase, Layout
from sprint.published.codebases.maskdit import MaskDiT
from sprint.published.codebases.sit import SiT
from sprint.published.translate import publish, translate
from sprint.runtime.errors import UserError
from sprint.training import checkpoint
from sprint.training.imported import import_checkpoint, open_run

POSITIONS = ("sincos", "rope2d")
over = pytest.mark.parametrize("name", CODEBASES)


def model_of(codebase: type[Codebase], positions: str = "sincos") -> Model:
    """A small network of the codebase's method whose weights have left their initial values; its null label is zero."""
    run = tiny.run(codebase.method, codebase.drop, width=16, depth=6, heads=2, patch=2, positions=positions)
    model = tiny.stirred(run).eval()
    with torch.no_grad():
        model.labels.weight[-1] = 0  # the one null label that every codebase can say
    return model


def refused(codebase: type[Codebase], tensors: dict, model: Model) -> str:
    with pytest.raises(UserError) as caught:
        translate(codebase, tensors, model, "file.pt")
    assert str(caught.value).startswith("file.pt: ") and "\n" not in str(caught.value)
    return str(caught.value)


def speaks_of_itself(codebase: type[Codebase]) -> None:
    assert codebase.title and codebase.cites and codebase.method in METHODS
    assert codebase.parameterization in PARAMETERIZATIONS if codebase.parameterization else codebase.inexpressible
    assert all(isinstance(said, tuple) for said in (codebase.conventions, codebase.inexpressible, codebase.untold))
    assert set(codebase.untold) <= {field.name for field in fields(METHODS[codebase.method].Settings)}


def comes_back_bit_by_bit(codebase: type[Codebase], positions: str) -> None:
    model = model_of(codebase, positions)
    there = publish(codebase, model)
    back = translate(codebase, there, model, "file.pt")
    state = model.state_dict()
    assert back.keys() == state.keys() and all(torch.equal(back[name], state[name]) for name in state)
    assert len(there) == len(state) + len(codebase.constants) * (positions == "sincos")


def refuses_what_does_not_fit(codebase: type[Codebase]) -> None:
    model = model_of(codebase)
    there = publish(codebase, model)
    names = codebase.names(model)
    for name in ("labels.weight", "final.linear.bias", next(name for name in names if name.endswith(".mlp.2.weight"))):
        theirs = names[name]
        assert f"missing: {theirs}" in refused(codebase, {k: v for k, v in there.items() if k != theirs}, model)
        assert f"misshapen: {theirs}" in refused(codebase, {**there, theirs: torch.zeros(3, 1, 2)}, model)
    assert "surplus: odd.weight" in refused(codebase, {**there, "odd.weight": torch.zeros(1)}, model)
    for constant in codebase.constants.keys() & there.keys():
        assert constant in refused(codebase, {**there, constant: there[constant] + 0.1}, model)


@over
def test_a_codebase_speaks_of_itself(name):
    speaks_of_itself(CODEBASES[name])


@over
@pytest.mark.parametrize("positions", POSITIONS)
def test_weights_go_to_a_codebase_and_come_back_bit_by_bit(name, positions):
    comes_back_bit_by_bit(CODEBASES[name], positions)


@over
def test_tensors_that_do_not_fit_are_named_in_one_sentence(name):
    refuses_what_does_not_fit(CODEBASES[name])


@over
def test_a_saved_checkpoint_becomes_the_same_network_or_is_refused_with_the_reason(name, tmp_path):
    codebase = CODEBASES[name]
    model = model_of(codebase, codebase.positions)
    save_file(publish(codebase, model), tmp_path / "saved.safetensors")
    given = {key: value for key, value in asdict(model.config.settings).items() if key in codebase.untold}
    call = (tmp_path / "saved.safetensors", name, "6x16x2/2", tmp_path / "run", 8, given)
    if not codebase.parameterization:
        with pytest.raises(UserError, match=f"'{name}', which has "):
            import_checkpoint(*call)
        return
    said = import_checkpoint(*call)
    assert any(codebase.parameterization in sentence for sentence in said)
    run, config, parameterization = open_run(tmp_path / "run")
    assert parameterization == codebase.parameterization and run.method == codebase.method
    again = Model(config).eval()
    again.load_state_dict(checkpoint.read(checkpoint.path_of(tmp_path / "run" / "milestones", 0), run.hash)[0])
    run = tiny.run(codebase.method, codebase.drop, width=16, depth=6, heads=2, patch=2, positions=codebase.positions)
    with torch.no_grad():
        assert torch.equal(again.image(*tiny.inputs(run)), model.image(*tiny.inputs(run)))


def test_no_two_codebases_claim_the_same_golden_files():
    claimed = [CODEBASES[name].golden for name in CODEBASES if CODEBASES[name].golden]
    assert len(set(claimed)) == len(claimed)


class Transposed(SiT):
    """Its way back is not the inverse of its way there."""

    @classmethod
    def layout(cls, name, shape, model):
        if name != "patches.weight":
            return super().layout(name, shape, model)
        return Layout(tuple(shape), lambda theirs: theirs.flip(1))


class Merged(SiT):
    """Two tensors under one name."""

    inside = {**SiT.inside, ".mlp.2.": ".mlp.fc1."}


class Silent(SiT):
    """Reads checkpoints without saying what they predict."""

    parameterization, inexpressible = "", ()


class Misspelt(MaskDiT):
    """Asks for a setting that its method has not."""

    untold = ("decoder_head",)


@pytest.mark.parametrize(
    ("codebase", "proposition"),
    [
        (Transposed, lambda codebase: comes_back_bit_by_bit(codebase, "sincos")),
        (Merged, lambda codebase: comes_back_bit_by_bit(codebase, "rope2d")),
        (Silent, speaks_of_itself),
        (Misspelt, speaks_of_itself),
    ],
)
def test_a_deliberate_mistake_is_seen(codebase, proposition):
    with pytest.raises((AssertionError, UserError, RuntimeError)):
        proposition(codebase)
