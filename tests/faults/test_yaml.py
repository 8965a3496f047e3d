"""What tests/test_bad_plans.py does to presets and studies in hundreds of examples, in tens of thousands."""

import pytest
import test_bad_plans as plans
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = 10000
MANY = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
FILE = st.sampled_from(["preset", "study"])
SCRAP = st.tuples(st.floats(0, 1), st.sampled_from([*plans.SCRAPS, "cut", "double"]))
root = plans.root


@pytest.mark.fault(
    "presets and studies with values of every kind in every place", "a plan, or one sentence that names the file"
)
def test_values(root, tried):
    MANY(given(FILE, st.lists(plans.EDIT, min_size=1, max_size=3))(
        lambda which, edits: _values(root, which, edits)
    ))()  # fmt: skip
    tried(EXAMPLES)


@pytest.mark.fault(
    "presets and studies cut, doubled and strewn with scraps of YAML", "a plan, or one sentence that names the file"
)
def test_text(root, tried):
    MANY(given(FILE, st.lists(SCRAP, min_size=1, max_size=4))(lambda which, scraps: _text(root, which, scraps)))()
    tried(EXAMPLES)


def _values(root, which, edits):
    plans.test_values_of_every_kind_in_every_place_are_taken_or_refused.hypothesis.inner_test(root, which, edits)


def _text(root, which, scraps):
    plans.test_text_broken_in_every_place_is_read_or_refused.hypothesis.inner_test(root, which, scraps)
