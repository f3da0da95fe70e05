"""How a client reaches its servers: what both clients are given, checked once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import Message

from tickcast._channel import channel_options, default_timeout
from tickcast._channels import Channels
from tickcast._errors import TickcastError
from tickcast._hedging import Hedges, Hedging
from tickcast._interceptors import Interceptor, OutgoingCall
from tickcast._target import parse_target
from tickcast._tls import Tls, channel_credentials
from tickcast._token import Token, authorization

Metadata: TypeAlias = tuple[tuple[str, str], ...]


class Connection:
    """What every call of a client needs to know. Raises `ValueError` for what cannot be used."""

    def __init__(
        self,
        target: str | None,
        *,
        credentials: grpc.ChannelCredentials | None,
        tls: Tls | None,
        token: Token | None,
        insecure_token: bool,
        timeout: float | None,
        channels: int,
        hedging: Hedging | None,
        interceptors: Sequence[Interceptor],
    ) -> None:
        if credentials is not None and tls is not None:
            raise ValueError("credentials, tls: were both given, needed one of them or neither")
        if channels < 1:
            raise ValueError(f"channels: was {channels}, needed 1 or more")
        self.target = parse_target(target)
        self.hedges = None if hedging is None else Hedges(hedging)
        self._credentials = credentials if tls is None else channel_credentials(tls)
        self._server_name = None if tls is None else tls.server_name
        self._timeout = _checked(timeout)
        # The second call of a hedge goes over another connection.
        self._count = channels if hedging is None else max(channels, 2)
        self._token = token
        self._interceptors = interceptors
        if self._credentials is None and not (token is None or insecure_token or self.target.local):
            raise ValueError(
                f"token: would be sent to {self.target.given} in plain text, needed tls=Tls(), "
                "a target on this machine, or insecure_token=True"
            )

    def open(self, library: Any) -> Channels:
        """Channels of `grpc` or `grpc.aio`."""
        options = channel_options(
            balanced=self.target.balanced,
            server_name=self._name_to_check(),
        )
        uri, credentials = self.target.uri, self._credentials

        def opened() -> Any:
            if credentials is None:
                return library.insecure_channel(uri, options)
            return library.secure_channel(uri, credentials, options)

        return Channels(opened, calls_on=self._count)

    def timeout(self, asked: float | None, path: str) -> float:
        """Seconds that a call of the method at `path` has."""
        return _checked(asked) or self._timeout or default_timeout(path)

    @contextmanager
    def outgoing(self, path: str, *, streaming: bool) -> Iterator[Metadata]:
        """What a call is made within: gives its metadata, and tells interceptors how it ended."""
        token = () if self._token is None else (authorization(self._token),)
        service, _, method = path.removeprefix("/").partition("/")
        call = OutgoingCall(
            service=service, method=method, streaming=streaming, target=self.target.given
        )
        with ExitStack() as stack:
            for interceptor in self._interceptors:
                stack.enter_context(interceptor(call))
            yield (*call.metadata.items(), *token)

    def _name_to_check(self) -> str | None:
        """The name that the server's certificate must have, where gRPC cannot tell."""
        target = self.target
        if self._server_name or self._credentials is None or target.uri == target.given:
            return self._server_name
        hosts = set(target.hosts)
        if len(hosts) > 1:
            raise ValueError(
                f"tls.server_name: was not given, needed the name in the certificates of all of "
                f"{', '.join(sorted(hosts))}"
            )
        return hosts.pop()


class StreamCall:
    """One call of a stream, from its opening to its end."""

    def __init__(
        self, connection: Connection, channels: Channels, path: str, request: Message
    ) -> None:
        self._leaving = ExitStack()
        metadata = self._leaving.enter_context(connection.outgoing(path, streaming=True))
        try:
            method = self._leaving.enter_context(channels.stream(path))
            self.responses = method(request, metadata=metadata)
        except BaseException as error:
            self._leave(error)
            raise

    def end(self, error: TickcastError | None = None) -> None:
        """Cancels the call, and says what ended it: nothing, when its reader has had enough."""
        self.responses.cancel()
        self._leave(error)

    def _leave(self, error: BaseException | None) -> None:
        self._leaving.__exit__(type(error) if error else None, error, None)


def _checked(timeout: float | None) -> float | None:
    if timeout is not None and not timeout > 0:
        raise ValueError(f"timeout: was {timeout}, needed more than 0 seconds")
    return timeout
