"""Names that the shell completes: those that the server holds at this moment."""

from __future__ import annotations

from collections.abc import Callable

import typer

from tickcast._client import Client
from tickcast._errors import TickcastError
from tickcast.cli.reach import session
from tickcast.cli.session import BadUsage

# Whoever presses Tab waits no longer than this for a server that is away.
_PATIENCE = 0.5


def symbols(context: typer.Context) -> list[str]:
    """Symbols that the server holds bars of."""
    return _asked(context, lambda client: {found.symbol for found in client.list_symbols()})


def models(context: typer.Context) -> list[str]:
    """Models, as they may be typed."""
    return _asked(
        context,
        lambda client: {model.name.removeprefix("models/") for model in client.list_models()},
    )


def feature_sets(context: typer.Context) -> list[str]:
    """Feature sets that the server can compute."""
    return _asked(context, lambda client: {found.name for found in client.list_feature_sets()})


def _asked(context: typer.Context, names: Callable[[Client], set[str]]) -> list[str]:
    try:
        with session(context.find_root().params).connect(timeout=_PATIENCE) as client:
            return sorted(names(client))
    except (TickcastError, BadUsage, ValueError):
        # What is printed here ends up on the line that somebody types.
        return []
