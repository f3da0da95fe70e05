"""The catalogue of errors is complete: mapped, reachable and documented."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from tickcast.v1 import error_reason_pb2
from tickcast_server import errors
from tickcast_server.rpc.status import TABLE

ROOT = Path(__file__).parents[2]
REASONS = {
    name.removeprefix("ERROR_REASON_")
    for name in error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name
} - {"UNSPECIFIED"}


def concrete(tree: type[errors.TickcastError]) -> set[type[errors.TickcastError]]:
    children = tree.__subclasses__()
    return {tree} if not children else set().union(*map(concrete, children))


def test_every_error_has_a_code_and_a_reason() -> None:
    assert concrete(errors.TickcastError) - {errors.InvalidRequest} == set(TABLE)


def test_every_reason_is_in_the_contract_and_used() -> None:
    source = "".join(
        path.read_text() for path in (ROOT / "server/src/tickcast_server").rglob("*.py")
    )
    mapped = {reason for _, reason in TABLE.values()}
    assert mapped <= REASONS
    unused = {reason for reason in REASONS if f'"{reason}"' not in source}
    assert not unused


def test_every_reason_is_documented() -> None:
    documented = (ROOT / "docs/errors.md").read_text()
    assert not {reason for reason in REASONS if reason not in documented}


def test_the_tree_is_drawn_as_it_is() -> None:
    drawn = set(
        re.findall(r"(?:\|-- |`-- |^    )([A-Z]\w+)", inspect.getdoc(errors) or "", re.MULTILINE)
    )
    drawn |= set(re.findall(r"(?:\|-- |`-- )(\w+)", errors.__doc__ or ""))
    defined = {
        name
        for name, item in vars(errors).items()
        if inspect.isclass(item) and issubclass(item, errors.TickcastError)
    }
    assert defined == drawn | {"TickcastError"}
