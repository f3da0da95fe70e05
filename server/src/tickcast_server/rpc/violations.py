"""Collects everything that is wrong with a request, so that the caller learns it at once."""

from __future__ import annotations

from tickcast_server.errors import InvalidRequest, Violation


class Violations:
    """Wrong fields, with their paths from the request."""

    def __init__(self) -> None:
        self._found: list[Violation] = []

    def add(self, field: str, description: str, reason: str = "FIELD_INVALID") -> None:
        """Notes one wrong field."""
        self._found.append(Violation(field=field, description=description, reason=reason))

    def required(self, field: str, needed: str) -> None:
        """Notes a required field that is empty."""
        self.add(field, f"was empty, needed {needed}", "FIELD_REQUIRED")

    def __bool__(self) -> bool:
        return bool(self._found)

    def error(self) -> InvalidRequest:
        """All of them as one error. There must be some."""
        return InvalidRequest(self._found)

    def check(self) -> None:
        """Raises `InvalidRequest` when any field is wrong."""
        if self._found:
            raise self.error()
