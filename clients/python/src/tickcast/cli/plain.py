"""What the client hands out, as values that JSON and CSV have."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from tickcast._errors import TickcastError


def plain(value: object) -> Any:  # noqa: PLR0911  # one for each kind of value
    """Instants in ISO 8601, durations in seconds, dataclasses and errors as mappings."""
    match value:
        case TickcastError():
            return {
                "code": value.code.name,
                "reason": value.reason,
                "message": str(value),
                "violations": plain(value.violations),
            }
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _ if dataclasses.is_dataclass(value):
            names = [field.name for field in dataclasses.fields(value)]
            return {name: plain(getattr(value, name)) for name in names}
        case _:
            return value


def paths(kind: type) -> list[str]:
    """Where the values of a dataclass are: the fields, those inside another with a dot.

    They follow from the types alone, so that one value has the columns of every other.
    """
    return list(_paths(kind, ""))


def at(value: object, path: str) -> object:
    """The value at a path; `None` where one before it is missing."""
    for name in path.split("."):
        if value is None:
            return None
        value = getattr(value, name)
    return value


def _paths(kind: type, prefix: str) -> Iterator[str]:
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        inner = _dataclass_in(hints[field.name])
        if inner is None:
            yield prefix + field.name
        else:
            yield from _paths(inner, f"{prefix}{field.name}.")


def _dataclass_in(hint: Any) -> type | None:
    """The dataclass of a field that holds one, or one or nothing."""
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    found = [item for item in options if dataclasses.is_dataclass(item)]
    return typing.cast("type", found[0]) if found else None
