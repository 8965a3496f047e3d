"""What is told of preset evening's second run is what today's report makes of the packed results of its runs."""

import pytest
from replication import AGAIN, MADE, page, report


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return report(tmp_path_factory.mktemp("evening"))


@pytest.mark.parametrize("name", MADE)
def test_each_file_is_made_of_the_packed_results(made, name):
    assert (made / name).read_text(encoding="utf-8") == (AGAIN / name).read_text(encoding="utf-8")


def test_the_page_is_not_stale():
    assert page() == (AGAIN / "README.md").read_text(encoding="utf-8")


def test_every_packed_run_is_whole(made):
    runs = made.parent.parent / "results/evening/runs"
    assert {"config.json", "train.json", "metrics.json"} <= set.intersection(
        *({path.name for path in run.iterdir()} for run in runs.iterdir())
    )
