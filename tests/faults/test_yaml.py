"""What tests/plan/test_bad_plans.py does to presets and studies in hundreds of examples, in tens of thousands."""

import malformed
import pytest
from hypothesis import HealthCheck, given, settings

EXAMPLES = 10000
MANY = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return malformed.folder(tmp_path_factory.mktemp("plans"))


@pytest.mark.fault(
    "presets and studies with values of every kind in every place", "a plan, or one sentence that names the file"
)
def test_values(root, tried):
    edited = given(malformed.FILE, malformed.EDITS)
    MANY(edited(lambda which, edits: malformed.values_edited(root, which, edits)))()
    tried(EXAMPLES)


@pytest.mark.fault(
    "presets and studies cut, doubled and strewn with scraps of YAML", "a plan, or one sentence that names the file"
)
def test_text(root, tried):
    MANY(
        given(malformed.FILE, malformed.SCRAPPED)(lambda which, scraps: malformed.text_scattered(root, which, scraps))
    )()
    tried(EXAMPLES)
