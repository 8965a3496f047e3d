"""Each proposition about methods catches a mistake, legitimate methods pass all, training asks the cheapest."""

import subprocess
import sys

import pytest
import tiny

from sprint.cli.answers.checking import check_method
from sprint.methods import METHODS
from sprint.runtime.errors import UserError
from sprint.training import contract
from sprint.training.contract import PROPOSITIONS, Broken
from sprint.training.loop import train

NAME = "planted"
HEAD = """'''A method of a test.'''
import torch
from torch import nn
from sprint.methods import Method
from sprint.nn.layers import Blocks
from sprint.nn.tokens import put_back, take
"""
LATE_DROP = """
class Planted(Method):
    title = "planted"
    {attributes}

    def __init__(self, backbone, settings):
        super().__init__(backbone)
        self.first = backbone.blocks(0, backbone.depth // 2)
        self.second = backbone.blocks(backbone.depth // 2, backbone.depth)
        {init}

    def forward(self, x_BND, context, keep_BK=None, skip=False):
        {before}
        x_BND = self.first(x_BND, context)
        kept = take(x_BND, keep_BK)
        for block in self.second:
            kept = block(kept, context.at(keep_BK))
        x_BND = put_back(kept, keep_BK, x_BND)
        {after}
        return x_BND

    {more}
"""
MERGING = """
from sprint.methods.sparsedit import pool, upsample


class Merging(Method):
    '''2 x 2 tokens are merged to their mean in the middle third of the blocks.'''

    title = "merging"
    subsampling = ""

    def __init__(self, backbone, settings):
        super().__init__(backbone)
        third = backbone.depth // 3
        self.side = backbone.grid // 2 if backbone.drop else backbone.grid
        self.first, self.last = backbone.blocks(0, third), backbone.blocks(2 * third, backbone.depth)
        self.middle = backbone.blocks(third, 2 * third)

    def forward(self, x_BND, context, keep_BK=None, skip=False):
        x_BND = self.first(x_BND, context)
        places = context.places_BL2
        merged = context if places is None else context.standing(pool(places, self.side)[0])
        before = pool(x_BND, self.side)
        x_BND = x_BND + upsample(self.middle(before, merged) - before, x_BND.shape[1])
        return self.last(x_BND, context)
"""
PLAIN_LIST = {"init": "blocks = [*self.second]; del self.second; self.second = blocks"}
WRONG_NUMBERS = "Blocks(backbone.block(number + 9) for number in range(backbone.depth // 2, backbone.depth))"
MISTAKES = {  # by proposition: what is changed in LATE_DROP
    "parameters_are_registered": PLAIN_LIST,
    "all_tokens_and_a_loss_per_sample_come_out": {"after": "return kept"},
    "it_is_cheaper_than_dense_where_it_drops": {"before": "keep_BK = None"},
    "outputs_are_finite_and_differ_by_place": {"after": "x_BND = x_BND.mean(1, keepdim=True).expand_as(x_BND)"},
    "every_trained_parameter_gets_a_gradient": {"init": "self.spare = nn.Linear(4, 4)"},
    "keeping_every_token_equals_not_choosing": {"after": "x_BND = x_BND * (1 if keep_BK is None else -1)"},
    "samples_do_not_see_each_other": {"after": "x_BND = x_BND - x_BND.mean(0, keepdim=True).abs().flip(1)"},
    "a_seed_fixes_every_initial_bit": {"init": "self.register_buffer('dice', torch.randn(4))"},
    "initial_values_are_shared_with_the_dense_network": {"init": f"self.second = {WRONG_NUMBERS}"},
    "on_all_tokens_the_loss_is_the_mean_squared_error": {
        "more": "def loss(self, *given):\n        return 2 * super().loss(*given)"
    },
    "another_choice_of_tokens_gives_another_result": {
        "before": "keep_BK = keep_BK if keep_BK is None else torch.arange(keep_BK.shape[1]).expand_as(keep_BK)"
    },
    "each_sample_skips_or_not_for_itself": {"attributes": "can_skip = True"},
}


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """planted(source): a file of sprint/methods for as long as the test lasts."""
    contract.on_meta.cache_clear()

    def plant(source: str) -> None:
        (tmp_path / "planted_method.py").write_text(HEAD + source)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setitem(METHODS.files, NAME, "planted_method")

    yield plant
    contract.on_meta.cache_clear()
    sys.modules.pop("planted_method", None)


def late_drop(**changes: str) -> str:
    return LATE_DROP.format(**dict.fromkeys(("attributes", "init", "before", "after", "more"), "") | changes)


@pytest.mark.parametrize("source", [late_drop(), MERGING], ids=["late drop", "merging"])
def test_a_legitimate_method_passes(planted, source, capsys):
    planted(source)
    for drop in (0.0, 0.75):
        for proposition in PROPOSITIONS:
            proposition(tiny.run(NAME, drop, depth=6))
    assert check_method(tiny.smoke(), NAME, 0.75)
    said = capsys.readouterr().out
    assert said.count("\nok") == len(PROPOSITIONS) and "WRONG" not in said and "parameters" in said


def test_every_proposition_has_its_mistake():
    assert list(MISTAKES) == [proposition.__name__ for proposition in PROPOSITIONS]


@pytest.mark.parametrize("proposition", PROPOSITIONS, ids=lambda one: one.__name__)
def test_a_method_with_a_mistake_is_caught(planted, proposition):
    planted(late_drop(**MISTAKES[proposition.__name__]))
    with pytest.raises(Broken):
        proposition(tiny.run(NAME, 0.75, depth=6))


def test_the_check_of_a_method_with_a_mistake_says_which(planted, capsys):
    planted(late_drop(**PLAIN_LIST))
    assert not check_method(tiny.smoke(), NAME, 0.75)
    said = capsys.readouterr().out
    assert f"WRONG {PROPOSITIONS[0].__doc__}: at drop 0, " in said and "costs: not told" in said


def test_blocks_in_a_plain_list_are_refused_before_any_step(planted, tmp_path):
    planted(late_drop(**PLAIN_LIST))
    said = r"method 'planted': [\d,]+ parameters .* not registered.*\(sprint check planted"
    with pytest.raises(UserError, match=said):
        train(tiny.run(NAME, 0.75, depth=6), tmp_path / "run")
    assert not list((tmp_path / "run").rglob("*.safetensors"))


def test_a_mistake_that_raises_is_told_too(planted, capsys):
    planted(late_drop(after="x_BND = x_BND @ torch.ones(3)"))
    assert not check_method(tiny.smoke(), NAME, 0.75)
    assert "it raises RuntimeError" in capsys.readouterr().out


def test_the_command_says_it(repository):
    """In a process of its own, as a user runs it."""
    command = [sys.executable, "-m", "sprint.cli", "check", "tread", "--preset", "smoke"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.count("\nok") == len(PROPOSITIONS), done.stderr
