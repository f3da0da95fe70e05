"""What every command shares: the way to the server, and the names of models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tickcast._async_client import AsyncClient
from tickcast._client import Client
from tickcast._connection import Connection
from tickcast._errors import NotFound, TickcastError
from tickcast._target import Target, parse_target
from tickcast._tls import Tls
from tickcast._token import Token
from tickcast.cli.suggest import suggestion


class BadUsage(Exception):
    """The command line is wrong; the text says what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The options that come before the command."""

    given_target: str | None = None
    tls: Tls | None = None
    token: Token | None = None
    insecure_token: bool = False

    @property
    def target(self) -> Target:
        """Where the server is."""
        return parse_target(self.given_target)

    @contextmanager
    def connect(self, *, timeout: float | None = None) -> Iterator[Client]:
        """A connection. What the server does not know is raised with what may have been meant."""
        with Client(
            self.given_target,
            tls=self.tls,
            token=self.token,
            insecure_token=self.insecure_token,
            timeout=timeout,
        ) as client:
            try:
                yield client
            except NotFound as error:
                with suppress(TickcastError):
                    error.add_note(suggestion(client, error))
                raise

    def connect_async(self, *, timeout: float, channels: int) -> AsyncClient:
        """A client of asyncio, to be closed by the caller."""
        return AsyncClient(
            self.given_target,
            tls=self.tls,
            token=self.token,
            insecure_token=self.insecure_token,
            timeout=timeout,
            channels=channels,
        )

    def connection(self) -> Connection:
        """What calls of services other than ours are made over."""
        return Connection(
            self.given_target,
            credentials=None,
            tls=self.tls,
            token=self.token,
            insecure_token=self.insecure_token,
            timeout=None,
            channels=1,
            hedging=None,
            interceptors=(),
        )


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
