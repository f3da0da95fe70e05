"""The connections of one client, used in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from tickcast._methods import methods


class Channels:
    """Channels to the same servers, blocking or of asyncio, with their methods made once."""

    def __init__(self, channels: Sequence[Any]) -> None:
        self._channels = channels
        self._methods = [_methods_of(channel) for channel in channels]
        self._turns = count()

    def method(self, path: str) -> Any:
        """The method at `path`, /service/method, of the channel whose turn it is."""
        return self._methods[next(self._turns) % len(self._methods)][path]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._channels)


def _methods_of(channel: Any) -> dict[str, Any]:
    return {
        path: (channel.unary_stream if method.server_streaming else channel.unary_unary)(
            path, method.serialize, method.parse
        )
        for path, method in methods().items()
    }
