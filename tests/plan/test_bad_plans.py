"""Whatever a preset or a study holds, reading the plan ends in a plan or in one sentence that names the file."""

import random

import malformed
import pytest
from hypothesis import HealthCheck, given, settings
from malformed import GOOD, judged, text

FEW = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return malformed.folder(tmp_path_factory.mktemp("plans"))


@settings(max_examples=250, **FEW)
@given(malformed.FILE, malformed.EDITS)
def test_values_of_every_kind_in_every_place_are_taken_or_refused(root, which, edits):
    malformed.values_edited(root, which, edits)


@settings(max_examples=150, **FEW)
@given(malformed.FILE, malformed.SCRAPPED)
def test_text_broken_in_every_place_is_read_or_refused(root, which, scraps):
    malformed.text_scattered(root, which, scraps)


def test_files_of_random_bytes_are_refused(root):
    generator = random.Random(0)
    for _ in range(30):
        judged(root, {"preset": generator.randbytes(generator.randrange(2000)), "study": text(GOOD["study"])})


def test_the_largest_files_are_read_within_seconds(root):
    """Just under the limit: one long grid, and one preset that is mostly comment."""
    runs = [{"method": "sprint", "drop": 0.75, "train": {"steps": step}} for step in range(1, 900)]
    judged(root, {"preset": text(GOOD["preset"]) + b"# " + b"x" * 60000, "study": text(GOOD["study"] | {"runs": runs})})
