"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence, and what to do about it."""

    check: str
    """What was looked at, in a word or two."""

    state: State
    says: str
    """What is so."""

    do: str = ""
    """What would mend it, a command where there is one; empty where nothing is to be done."""


def ok(check: str, says: str) -> Finding:
    """All is well."""
    return Finding(check, State.OK, says)


def warning(check: str, says: str, do: str) -> Finding:
    """It works, and may not be what was meant."""
    return Finding(check, State.WARNING, says, do)


def problem(check: str, says: str, do: str) -> Finding:
    """It does not work."""
    return Finding(check, State.PROBLEM, says, do)
