"""What every command shares: the way to the server, and the names of models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tickcast._client import Client
from tickcast._errors import NotFound, TickcastError
from tickcast.cli.suggest import suggestion


class BadUsage(Exception):
    """The command line is wrong; the text says what would be right."""


@dataclass(frozen=True, slots=True)
class Session:
    """The options that come before the command."""

    target: str | None

    @contextmanager
    def connect(self) -> Iterator[Client]:
        """A connection. What the server does not know is raised with what may have been meant."""
        with Client(self.target) as client:
            try:
                yield client
            except NotFound as error:
                with suppress(TickcastError):
                    error.add_note(suggestion(client, error))
                raise


def model_name(client: Client, given: str | None) -> str:
    """The resource name of the model that was asked for, or of the only one that there is.

    "daily-ridge" is short for "models/daily-ridge". Raises `BadUsage`.
    """
    if given:
        return given if given.startswith("models/") else f"models/{given}"
    names = [model.name for model in client.list_models()]
    if len(names) == 1:
        return names[0]
    if not names:
        raise BadUsage("--model: the server holds no model, needed one: tickcast train --help")
    raise BadUsage(f"--model: was not given, needed one of {', '.join(names)}")
