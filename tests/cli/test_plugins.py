"""`sprint plugins` says of every contract what is in its folder, from one table, as the classes say it themselves."""

import ast
import importlib
import json
import sys
from pathlib import Path

import pytest

from sprint.cli import main as cli
from sprint.runtime import contracts as listing
from sprint.runtime.errors import UserError

FOUND = listing.every_plugin()


def test_every_package_that_finds_plugins_is_in_the_table():
    finding = set()
    for path in (listing.ROOT / "sprint").rglob("__init__.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        if any(getattr(call.func, "id", "") == "find" for call in calls):
            finding.add(".".join(path.parent.relative_to(listing.ROOT).parts))
    assert {listing.CONTRACTS[name] for name in FOUND} == finding


@pytest.mark.parametrize("contract", FOUND)
def test_the_list_is_the_folder(contract):
    folder = listing.ROOT.joinpath(*listing.CONTRACTS[contract].split("."))
    files = {path.relative_to(listing.ROOT).as_posix() for path in folder.glob("*.py")}
    listed = {about["file"] for about in FOUND[contract].values()}
    assert listed == files - {f"{folder.relative_to(listing.ROOT)}/__init__.py"} and listed
    for name, about in FOUND[contract].items():
        assert about.keys() == {"title", "cites", "file"} and about["title"]
        assert Path(about["file"]).stem.replace("_", "-") == name.replace("_", "-")


@pytest.mark.parametrize("contract", FOUND)
def test_what_is_read_from_the_source_is_what_the_classes_say(contract):
    package = importlib.import_module(listing.CONTRACTS[contract])
    (plugins,) = {id(value): value for value in vars(package).values() if type(value).__name__ == "Plugins"}.values()
    assert list(plugins) == list(FOUND[contract])
    for name, plugin in plugins.items():
        assert FOUND[contract][name]["title"] == plugin.title
        assert FOUND[contract][name]["cites"] == getattr(plugin, "cites", "")


def test_a_class_whose_title_is_computed_is_asked(tmp_path, monkeypatch):
    package = tmp_path / "shop" / "wares"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "from sprint.runtime.plugins import find\nclass Ware:\n    title = ''\n    cites = 'none'\n"
        "WARES = find('shop.wares', Ware)\n"
    )
    (package / "plain.py").write_text("from shop.wares import Ware\nclass Plain(Ware):\n    title = 'a ' 'ware'\n")
    (package / "made.py").write_text("from shop.wares import Ware\nclass Made(Ware):\n    title = 'w'.upper()\n")
    monkeypatch.setattr(listing, "ROOT", tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = listing.Contract.of("shop.wares").plugins()
    assert found["plain"] == {"title": "a ware", "cites": "none", "file": "shop/wares/plain.py"}
    assert found["made"] == {"title": "W", "cites": "none", "file": "shop/wares/made.py"}
    (package / "broken.py").write_text("class")
    with pytest.raises(UserError, match=r"broken\.py: not Python"):
        listing.Contract.of("shop.wares").plugins()


def test_the_command_prints_them_as_json_and_as_lines(monkeypatch, capsys):
    for arguments in (["--json"], []):
        monkeypatch.setattr(sys, "argv", ["sprint", "plugins", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr().out
        assert ended.value.code in (0, None)
        assert json.loads(printed) == FOUND if arguments else all(f"\n  {name} " in printed for name in FOUND["method"])
