"""What a check found, as `tickcast doctor` takes it."""

from __future__ import annotations

from typing import Literal, NamedTuple

State = Literal["ok", "warning", "problem"]


class Finding(NamedTuple):
    """One sentence, and what to do about it."""

    check: str
    """What was looked at, in a word or two."""

    state: State
    says: str
    """What is so."""

    do: str = ""
    """What would mend it; empty where nothing is to be done."""
