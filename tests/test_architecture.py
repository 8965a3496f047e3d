"""docs/architecture.md says what the imports say."""

import architecture
from test_repository import FLOORS


def test_the_list_of_plugins_is_not_stale():
    assert architecture.LIST.read_text(encoding="utf-8") == architecture.plugins_page(), (
        "docs/plugins.md is stale: `python tests/architecture.py` writes it anew"
    )


def test_the_list_in_the_readme_is_not_stale():
    assert architecture.README.read_text(encoding="utf-8") == architecture.readme(), (
        "README's list is stale: `python tests/architecture.py` writes it anew"
    )


def test_the_page_is_not_stale():
    assert architecture.PAGE.read_text(encoding="utf-8") == architecture.page(), (
        "docs/architecture.md is stale: `python tests/architecture.py` writes it anew"
    )


def test_every_arrow_leads_down_and_the_picture_leaves_out_only_what_follows():
    found = architecture.arrows()
    assert all(FLOORS[other] < FLOORS[name] for name, others in found.items() for other in others)
    drawn = {name: set(others) for name, others in architecture.shown(found).items()}
    assert all(architecture.below(name, drawn) == architecture.below(name, found) for name in found)


def test_every_contract_is_on_the_page_with_an_example():
    listed = architecture.contracts()
    text = architecture.page()
    assert len(listed) >= 7 and all(files and f"| {base} | " in text for base, _, files in listed)
