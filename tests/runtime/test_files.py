"""Files appear whole or not at all, with equal bytes for equal content."""

import json
import os
import stat

import pytest

from sprint.runtime import files
from sprint.runtime.errors import UserError
from sprint.runtime.files import read_json, write_bytes, write_json, write_text


def test_json_comes_back_as_it_was_and_equal_content_is_equal_bytes(tmp_path):
    content = {"b": [1, 2.5, None], "a": {"ü": "täxt", "z": True}}
    write_json(tmp_path / "one.json", content)
    write_json(tmp_path / "two.json", dict(reversed(content.items())))
    assert read_json(tmp_path / "one.json") == content
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert (tmp_path / "one.json").read_text(encoding="utf-8").endswith("}\n")


def test_the_folder_is_made_and_nothing_else_is_left(tmp_path):
    write_text(tmp_path / "new" / "folder" / "file.txt", "grüße")
    assert (tmp_path / "new/folder/file.txt").read_bytes() == "grüße".encode()
    assert os.listdir(tmp_path / "new/folder") == ["file.txt"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_have_are_refused_and_the_old_file_stays(tmp_path, value):
    write_json(tmp_path / "file.json", {"old": 1})
    with pytest.raises(ValueError):
        write_json(tmp_path / "file.json", {"new": value})
    assert read_json(tmp_path / "file.json") == {"old": 1}


@pytest.mark.parametrize("broken", ["replace", "fsync"])
def test_a_write_that_fails_leaves_the_old_file_and_no_temporary_one(tmp_path, monkeypatch, broken):
    write_bytes(tmp_path / "file", b"old")

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, broken, fail)
    with pytest.raises(UserError, match=r"file: cannot be written \(No space left on device\).*intact"):
        write_bytes(tmp_path / "file", b"new")
    monkeypatch.undo()
    assert (tmp_path / "file").read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]


def test_an_interruption_in_the_middle_of_a_write_leaves_the_old_file(tmp_path, monkeypatch):
    write_bytes(tmp_path / "file", b"old")
    monkeypatch.setattr(files.os, "fsync", lambda handle: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_bytes(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]


def test_a_file_has_the_rights_that_the_user_asks_for(tmp_path):
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_a_folder_in_the_way_is_refused(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match="cannot be written"):
        write_bytes(tmp_path / "file" / "inner", b"")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", json.dumps([1])[:-1].encode()])
def test_broken_json_is_refused_by_name(tmp_path, content):
    (tmp_path / "broken.json").write_bytes(content)
    with pytest.raises(UserError, match=r"broken\.json: not valid JSON"):
        read_json(tmp_path / "broken.json")


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(UserError, match=r"absent\.json: cannot be read \(No such file"):
        read_json(tmp_path / "absent.json")
