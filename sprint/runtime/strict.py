"""From YAML to dataclasses, strictly: no unknown key, no wrong type, nothing missing; errors say what is allowed."""

import dataclasses
import difflib
import math
import re
import reprlib
import types
import typing
from pathlib import Path

import yaml

from sprint.runtime.errors import UserError

LARGEST_FILE = 1 << 16  # bytes; reading takes about a second for as many
LONGEST_TEXT = 1000  # characters of one value
NAMES = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    dict: "a mapping",
    list: "a list",
}


_SHORT = reprlib.Repr()  # which looks at no more than it shows: anchors can make a value of a few lines endless
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 3, 60, 60


# What reads alike in YAML 1.1, which PyYAML speaks, and YAML 1.2: decimal numbers, true and false.
WHOLE = r"[-+]?(0|[1-9][0-9]*)"
DECIMAL = r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?"
AS_IT_LOOKS = {
    "tag:yaml.org,2002:int": re.compile(WHOLE),
    "tag:yaml.org,2002:float": re.compile(rf"{DECIMAL}|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
    "tag:yaml.org,2002:bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "tag:yaml.org,2002:timestamp": re.compile(r"(?!)"),  # no date at all
}


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses a key written twice, and a number or truth that is another than it looks."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, (dict, list, set)):
                raise yaml.constructor.ConstructorError(None, None, "a key is a collection", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is written twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_object(self, node, deep=False):
        try:
            value = super().construct_object(node, deep)
        except (AttributeError, IndexError, KeyError, TypeError) as error:  # of PyYAML, for such as !!bool perhaps
            raise yaml.constructor.ConstructorError(None, None, f"no {node.tag}", node.start_mark) from error
        if isinstance(value, int) and value.bit_length() > 63:
            raise yaml.constructor.ConstructorError(None, None, "a number of more than 63 bits", node.start_mark)
        if (
            isinstance(node, yaml.ScalarNode)
            and (plain := AS_IT_LOOKS.get(node.tag))
            and not plain.fullmatch(node.value)
        ):
            raise UserError(f"line {node.start_mark.line + 1}: {_read_otherwise(node.value, value)}")
        return value


# YAML 1.1 asks for a point in a number with an exponent, and takes 1e-3 for text.
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(rf"^{DECIMAL}$"), list("-+.0123456789"))


def _read_otherwise(written: str, value: object) -> str:
    """What YAML 1.1 makes of what was written, and what to write instead."""
    shown = written[:40]
    if not isinstance(value, bool | int | float):
        return f"{shown} is a date to YAML 1.1; write {shown!r} in quotes where text is meant"
    meant = str(value).lower()
    return f"{shown} is {meant} to YAML 1.1; write {meant}, or {shown!r} in quotes where text is meant"


def read_yaml(path: Path) -> dict:
    """The mapping in a YAML file. Raises UserError when it is missing, too large, not YAML or not a mapping."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UserError(f"{path}: {path.stat().st_size} bytes; allowed: at most {LARGEST_FILE}")
        content = checked(str(path), lambda: yaml.load(path.read_text(encoding="utf-8"), _Loader))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: not valid YAML ({' '.join(str(error).split())[:200]})") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: holds {describe(content)}; allowed: a mapping of keys to values")
    return content


def ranged(
    low: float | None = None,
    high: float | None = None,
    allowed: tuple[str, ...] = (),
    unsaid: bool = False,
    **default,
):
    """A dataclass field with what it may be: from `low` to `high`, both included, or one of `allowed`.

    unsaid: `said` leaves it out where it has its default, so that what was written before there was such a field stays
    the same.
    """
    bounds = None if low is None else (low, high)
    return dataclasses.field(**default, metadata={"range": bounds, "allowed": allowed, "unsaid": unsaid})


def said(instance) -> dict:
    """The fields of a dataclass by name, without those that are not said while they have their default."""
    unsaid = [
        known.name
        for known in dataclasses.fields(instance)
        if known.metadata.get("unsaid") and getattr(instance, known.name) == _default(known)
    ]
    return {key: value for key, value in dataclasses.asdict(instance).items() if key not in unsaid}


def _default(known: dataclasses.Field):
    return known.default_factory() if known.default is dataclasses.MISSING else known.default


def differing(chosen, usual) -> dict:
    """The fields in which one dataclass differs from another."""
    return {key: value for key, value in dataclasses.asdict(chosen).items() if value != getattr(usual, key)}


def text_of(instance) -> str:
    """What repr() says of a dataclass, without what `said` leaves out."""
    fields = ", ".join(f"{name}={getattr(instance, name)!r}" for name in said(instance))
    return f"{type(instance).__qualname__}({fields})"


def derived(default):
    """A dataclass field that follows from others and is never written in a file."""
    return dataclasses.field(default=default, metadata={"derived": True})


def build(cls: type, content: object, location: str):
    """An instance of the dataclass `cls` from a mapping. `location` opens every error: the file, then the key."""
    if not isinstance(content, dict):
        raise UserError(f"{location} is {describe(content)}; allowed: a mapping with {', '.join(_names(cls))}")
    refuse_unknown(content, _names(cls), location)
    hints = typing.get_type_hints(cls)
    values = {}
    for known in dataclasses.fields(cls):
        key = _written(known)
        if key in content:
            values[known.name] = convert(hints[known.name], content[key], inside(location, key))
            _in_range(known, values[known.name], inside(location, key))
        elif known.default is dataclasses.MISSING and known.default_factory is dataclasses.MISSING:
            raise UserError(f"{inside(location, key)} is missing; allowed: {_allowed(hints[known.name])}")
    return cls(**values)


def _in_range(known: dataclasses.Field, value: object, location: str) -> None:
    """Raise UserError unless the value is one that `ranged` allows."""
    bounds, allowed = known.metadata.get("range"), known.metadata.get("allowed")
    if bounds and not bounds[0] <= value <= bounds[1]:
        raise UserError(f"{location} is {describe(value)}; allowed: {bounds[0]:g} to {bounds[1]:g}")
    if allowed and value not in allowed:
        raise UserError(f"{location} is {describe(value)}; allowed: {', '.join(allowed)}")


def convert(kind: object, value: object, location: str):
    """`value` as `kind`: int, float, str, bool, dict, list[...], tuple[...] or a dataclass."""
    if dataclasses.is_dataclass(kind):
        if isinstance(value, dict) and hasattr(kind, "chosen"):  # a contract: the value says which plug-in
            kind, value = checked(location, lambda: kind.chosen(value))
        return build(kind, value, location)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is list and isinstance(value, list):
        return [convert(inner[0], item, f"{location}[{index}]") for index, item in enumerate(value)]
    if origin is tuple and isinstance(value, list) and len(value) == len(inner):
        return tuple(
            convert(part, item, f"{location}[{index}]")
            for index, (part, item) in enumerate(zip(inner, value, strict=True))
        )
    if kind is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53:
        return float(value)
    if kind is str and isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise UserError(f"{location} is {describe(value)}; allowed: at most {LONGEST_TEXT} characters")
    if kind in NAMES and type(value) is kind and not (kind is float and not math.isfinite(value)):
        return value
    raise UserError(f"{location} is {describe(value)}; allowed: {_allowed(kind)}")


def refuse_unknown(content: dict, known: list[str], location: str) -> None:
    """Raise UserError for the first key that is not known, naming the nearest that is."""
    for key in content:
        if key not in known:
            near = difflib.get_close_matches(str(key)[:80], known, 1, 0)
            hint = f" (nearest: {near[0]!r})" if near else ""
            raise UserError(f"{location}: unknown key {describe(key)}{hint}; allowed: {', '.join(known) or 'none'}")


def nearest(known: dict, name: str, what: str):
    """known[name]. Raises UserError naming the nearest where there is none."""
    if name in known:
        return known[name]
    near = difflib.get_close_matches(str(name)[:80], list(known), 1, 0)
    shown = ", ".join(list(known)[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
    raise UserError(
        f"{what} {describe(name)} is unknown{f' (nearest: {near[0]!r})' if near else ''}; known: {shown or 'none'}"
    )


def checked(location: str, check, join: str = ": "):
    """check(), with `location` put before what it refuses."""
    try:
        return check()
    except UserError as error:
        raise UserError(f"{location}{join}{error}") from error


def inside(location: str, key: str) -> str:
    """`location` with a key added: "file: key", then "file: key.inner"."""
    return f"{location}.{key}" if ": " in location else f"{location}: {key}"


def describe(value: object) -> str:
    """A value as an error shows it, cut short."""
    text = _SHORT.repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _names(cls: type) -> list[str]:
    """What may be written in a file."""
    return [_written(known) for known in dataclasses.fields(cls) if not known.metadata.get("derived")]


def _written(known: dataclasses.Field) -> str:
    """What a field is called in a file: its name, unless Python has that word for itself."""
    return known.metadata.get("written", known.name)


def _allowed(kind: object) -> str:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return f"a mapping with {', '.join(_names(kind))}"
    if origin is list:
        return f"a list, each {_allowed(inner[0])}"
    if origin is tuple:
        return f"a list of {len(inner)}, each {_allowed(inner[0])}"
    if isinstance(kind, types.UnionType):
        return " or ".join(_allowed(part) for part in inner)
    return "a finite number" if kind is float else NAMES[kind]
