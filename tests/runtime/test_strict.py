"""YAML becomes dataclasses strictly: what is not right is refused with its place and what is allowed."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sprint.runtime.errors import UserError
from sprint.runtime.strict import LARGEST_FILE, build, convert, nearest, read_yaml, refuse_unknown


@dataclass(frozen=True)
class Inner:
    size: int
    share: float = 0.5


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    flags: list[bool] = field(default_factory=list)
    interval: tuple[float, float] = (0.0, 1.0)
    extra: dict = field(default_factory=dict)


def refusal(call, *arguments) -> str:
    with pytest.raises(UserError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_mapping_becomes_a_dataclass_with_its_defaults():
    content = {"name": "x", "inner": {"size": 3, "share": 1}, "flags": [True], "interval": [0, 0.5]}
    assert build(Outer, content, "file") == Outer("x", Inner(3, 1.0), [True], (0.0, 0.5))
    assert type(build(Outer, content, "file").inner.share) is float


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ([], "file is []; allowed: a mapping with name, inner, flags, interval, extra"),
        ({"name": "x"}, "file: inner is missing; allowed: a mapping with size, share"),
        ({"name": 1, "inner": {"size": 1}}, "file: name is 1; allowed: text"),
        ({"name": "x", "inner": {"size": 1.0}}, "file: inner.size is 1.0; allowed: a whole number"),
        ({"name": "x", "inner": {"size": True}}, "file: inner.size is True; allowed: a whole number"),
        ({"name": "x", "inner": {"size": None}}, "file: inner.size is None; allowed: a whole number"),
        ({"name": "x", "inner": {"size": 1, "share": "1"}}, "file: inner.share is '1'; allowed: a finite number"),
        ({"name": "x", "inner": {"size": 1, "share": float("nan")}}, "share is nan; allowed: a finite number"),
        ({"name": "x", "inner": {"size": 1}, "flags": [True, 0]}, "file: flags[1] is 0; allowed: true or false"),
        ({"name": "x", "inner": {"size": 1}, "flags": "yes"}, "flags is 'yes'; allowed: a list, each true or false"),
        ({"name": "x", "inner": {"size": 1}, "interval": [1]}, "allowed: a list of 2, each a finite number"),
        ({"name": "x", "inner": {"size": 1, "shaer": 1}}, "file: inner: unknown key 'shaer' (nearest: 'share')"),
        ({"nmae": "x", "inner": {"size": 1}}, "file: unknown key 'nmae' (nearest: 'name'); allowed: name, inner"),
    ],
)
def test_what_is_not_right_is_refused_with_its_place_and_what_is_allowed(content, sentence):
    assert sentence in refusal(build, Outer, content, "file")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), st.lists))
@settings(max_examples=100, deadline=None)
def test_any_value_is_taken_as_its_type_or_refused(value):
    for kind in (int, float, str, bool, list[int], tuple[float, float], dict):
        try:
            taken = convert(kind, value, "file: key")
        except UserError as error:
            assert str(error).startswith("file: key")
        else:
            assert taken == value or list(taken) == value


def test_long_values_are_cut_short():
    assert len(refusal(convert, int, "x" * 10_000, "file: key")) < 150


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: 2\na: 3\n", "key 'a' is written twice"),
        ("a: {b: 1, b: 2}\n", "key 'b' is written twice"),
        ("? [1]\n: x\n", "a key is a collection"),
        ("a: [1\n", "not valid YAML"),
        ("a: !!python/object/apply:os.getcwd []\n", "not valid YAML"),
        ("- 1\n", "holds [1]; allowed: a mapping of keys to values"),
        ("", "holds None; allowed: a mapping of keys to values"),
        ("a: " + "[" * 20_000, "not valid YAML"),
        ("#" * (LARGEST_FILE + 1), f"{LARGEST_FILE + 1} bytes; allowed: at most {LARGEST_FILE}"),
    ],
    ids=lambda value: value[:12],
)
def test_a_file_that_is_not_a_plain_mapping_is_refused_by_name(text, sentence, tmp_path):
    (tmp_path / "file.yaml").write_text(text)
    assert f"{tmp_path / 'file.yaml'}: " in (said := refusal(read_yaml, tmp_path / "file.yaml")) and sentence in said


def test_files_that_are_missing_or_not_text_are_refused(tmp_path):
    assert "cannot be read (No such file" in refusal(read_yaml, tmp_path / "file.yaml")
    (tmp_path / "file.yaml").write_bytes(b"\xff\xfe\x00")
    assert "not valid YAML" in refusal(read_yaml, tmp_path / "file.yaml")


def test_unknown_names_are_refused_with_the_nearest():
    known = {"drop_ratio": 1, "methods": 2}
    assert nearest(known, "methods", "study") == 2
    assert refusal(nearest, known, "drop_ration", "study") == (
        "study 'drop_ration' is unknown (nearest: 'drop_ratio'); known: drop_ratio, methods"
    )
    assert "known: none" in refusal(nearest, {}, "x", "study")
    assert "unknown key 'a'; allowed: none" in refusal(refuse_unknown, {"a": 1}, [], "file")


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("010", "line 2: 010 is 8 to YAML 1.1; write 8, or '010' in quotes where text is meant"),
        ("1:30", "line 2: 1:30 is 90 to YAML 1.1; write 90, or '1:30'"),
        ("1:30.5", "1:30.5 is 90.5 to YAML 1.1; write 90.5"),
        ("0b11", "0b11 is 3 to YAML 1.1; write 3"),
        ("0x10", "0x10 is 16 to YAML 1.1; write 16"),
        ("1_000", "1_000 is 1000 to YAML 1.1; write 1000"),
        ("1_0.5", "1_0.5 is 10.5 to YAML 1.1; write 10.5"),
        ("!!int '010'", "010 is 8 to YAML 1.1"),
        ("01.5", "01.5 is 1.5 to YAML 1.1; write 1.5"),
        *((word, f"{word} is true to YAML 1.1; write true") for word in ("yes", "Yes", "on", "ON")),
        *((word, f"{word} is false to YAML 1.1; write false") for word in ("no", "NO", "off", "Off")),
        ("2026-11-25", "2026-11-25 is a date to YAML 1.1; write '2026-11-25' in quotes where text is meant"),
        ("{no: 1}", "no is false to YAML 1.1; write false, or 'no' in quotes"),
        ("[1, {deep: off}]", "off is false"),
    ],
)
def test_what_yaml_would_read_as_another_value_is_refused_with_what_to_write(written, sentence, tmp_path):
    (tmp_path / "file.yaml").write_text(f"first: 1\nkey: {written}\n")
    said = refusal(read_yaml, tmp_path / "file.yaml")
    assert said.startswith(f"{tmp_path / 'file.yaml'}: line 2: ") and sentence in said


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *((text, int(text)) for text in ("0", "7", "-3", "+4", "1000000")),
        *((text, float(text)) for text in ("0.5", ".5", "2.", "-1.25", "4.0e-3", "1e-3", "1E3", "+1.5e+2", "0e0")),
        ("true", True),
        ("false", False),
        *((text, text) for text in ("1/*/1", "1-4", "sprint", "400k", "1.2.3", "e5", "yesterday", "0o7", "+-1")),
        *((f"'{text}'", text) for text in ("010", "yes", "off", "2026-11-25", "1:30", "1e-3")),
    ],
)
def test_plain_decimal_numbers_true_false_and_text_are_read_as_they_look(written, value, tmp_path):
    (tmp_path / "file.yaml").write_text(f"key: {written}\n")
    found = read_yaml(tmp_path / "file.yaml")["key"]
    assert found == value and type(found) is type(value)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(1 << 62), 1 << 62))
@settings(max_examples=200, deadline=None)
def test_every_number_that_python_writes_is_read_back(tmp_path_factory, number):
    path = tmp_path_factory.getbasetemp() / "number.yaml"
    path.write_text(f"key: {number!r}\n")
    assert read_yaml(path) == {"key": number} and type(read_yaml(path)["key"]) is type(number)
