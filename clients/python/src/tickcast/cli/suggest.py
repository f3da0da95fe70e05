"""What somebody may have meant by a name that the server does not know."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from tickcast._client import Client
from tickcast._errors import ModelNotFound, SymbolNotFound, TickcastError

# Less alike than this, and a suggestion is a guess.
_ALIKE = 0.6


def suggestion(client: Client, error: TickcastError) -> str:
    """A question to show after the error; empty when nothing is alike."""
    match error:
        case SymbolNotFound():
            known: Iterable[str] = {found.symbol for found in client.list_symbols()}
            meant = error.metadata.get("symbol", "")
        case ModelNotFound():
            known = [model.name for model in client.list_models()]
            meant = error.metadata.get("model", "")
        case _:
            return ""
    names = closest(meant, known)
    return f"did you mean {' or '.join(names)}?" if names else ""


def closest(name: str, known: Iterable[str]) -> list[str]:
    """Up to three names that are written much alike, in upper or lower case."""
    spelled = {item.casefold(): item for item in sorted(known)}
    return [spelled[found] for found in get_close_matches(name.casefold(), spelled, cutoff=_ALIKE)]
