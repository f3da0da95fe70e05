"""Strict JSON: frozen dataclasses to JSON and back, where every key and type must be as declared.

A key that is unknown, missing or given twice, or a value of another type, raises InvalidManifest
with its path, such as ``$.evaluation.scores[1].rmse``. Only a key whose default is None may be left
out, and is left out when it is None.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from tickcast_modelkit.errors import InvalidManifest, InvalidTimeframe
from tickcast_modelkit.timeframe import Timeframe

T = TypeVar("T")

_LONGEST_SHOWN = 80
_INFINITIES = (math.inf, -math.inf)  # what json makes of 1e999
_EXACT = 2**53  # greatest integer below which float64 holds every one


def encode(value: object) -> str:
    """Return the JSON text of a dataclass. Raises ValueError for a number that is not finite."""
    return json.dumps(_plain(value), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def parse(text: bytes) -> object:
    """Read JSON text into plain values.

    Raises InvalidManifest.
    """
    try:
        document: object = json.loads(
            text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant
        )
    except InvalidManifest:
        raise
    except (ValueError, RecursionError) as error:
        raise InvalidManifest(
            "$", was=f"{len(text)} bytes ({error})", needed="one JSON document in UTF-8"
        ) from error
    return document


def read(kind: type[T], document: object) -> T:
    """Make a dataclass of plain values.

    Raises InvalidManifest.
    """
    result: T = _read(kind, document, "$")
    return result


def _plain(value: object) -> object:
    if isinstance(value, Timeframe):
        return str(value)
    if dataclasses.is_dataclass(value):
        held = {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
        absent = {name for name in _optional(value) if held[name] is None}
        return {name: _plain(item) for name, item in held.items() if name not in absent}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


# A hint is whatever typing makes of an annotation, and what is read has the type that it states.
def _read(hint: Any, value: object, path: str) -> Any:
    if hint is Timeframe:
        return _read_timeframe(value, path)
    if dataclasses.is_dataclass(hint):
        return _read_dataclass(hint, value, path)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return _read_array(arguments[0], value, path)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        members = _expect(dict, value, path, "an object")
        return {key: _read(arguments[1], item, f"{path}.{key}") for key, item in members.items()}
    if origin in (types.UnionType, typing.Union):
        return _read_union(arguments, value, path)
    return _read_scalar((hint,), value, path)


def _read_array(hint: Any, value: object, path: str) -> tuple[Any, ...]:
    items = _expect(list, value, path, "an array")
    # Most of a manifest is rows of numbers: each is looked at only where one of them is wrong.
    if hint in _SCALAR_NAMES and set(map(type, items)) <= {hint} and _are_finite(items):
        return tuple(items)
    return tuple(_read(hint, item, f"{path}[{i}]") for i, item in enumerate(items))


def _are_finite(items: list[Any]) -> bool:
    return not any(infinity in items for infinity in _INFINITIES)


def _read_union(hints: tuple[Any, ...], value: object, path: str) -> Any:
    inner = [hint for hint in hints if dataclasses.is_dataclass(hint)]
    if inner and value is not None:
        return _read_dataclass(inner[0], value, path)
    return _read_scalar(hints, value, path)


def _read_dataclass(hint: Any, value: object, path: str) -> Any:
    members = _expect(dict, value, path, "an object")
    hints = _hints_of(hint)
    names = [item.name for item in dataclasses.fields(hint)]
    for name in names:
        if name not in members and name not in _optional(hint):
            raise InvalidManifest(f"{path}.{name}", was="missing", needed="a value")
    for name in members:
        if name not in names:
            raise InvalidManifest(
                f"{path}.{name}", was="unknown", needed=f"one of {', '.join(names)}"
            )
    return hint(
        **{name: _read(hints[name], item, f"{path}.{name}") for name, item in members.items()}
    )


@cache
def _hints_of(kind: Any) -> Mapping[str, Any]:
    # Half of the time that a manifest takes, where they are worked out for each object.
    return typing.get_type_hints(kind)


def _optional(kind: Any) -> set[str]:
    return {item.name for item in dataclasses.fields(kind) if item.default is None}


def _read_timeframe(value: object, path: str) -> Timeframe:
    text = _expect(str, value, path, "a string")
    try:
        return Timeframe.parse(text)
    except InvalidTimeframe as error:
        raise InvalidManifest(path, was=repr(text), needed="a timeframe such as 1d") from error


def _read_scalar(kinds: tuple[Any, ...], value: object, path: str) -> object:
    # bool is a subclass of int, so types are compared, not instances.
    if type(value) in kinds and value not in _INFINITIES:
        return value
    if type(value) is int and float in kinds and abs(value) <= _EXACT:
        return float(value)
    names = [_SCALAR_NAMES[kind] for kind in kinds]
    raise InvalidManifest(path, was=_shown(value), needed=" or ".join(names))


_SCALAR_NAMES = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


def _expect(kind: type[T], value: object, path: str, needed: str) -> T:
    if not isinstance(value, kind):
        raise InvalidManifest(path, was=_shown(value), needed=needed)
    return value


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InvalidManifest(f"$..{twice}", was="given twice", needed="each key once")
    return members


def _refuse_constant(text: str) -> object:
    raise InvalidManifest("$", was=text, needed="finite numbers")
