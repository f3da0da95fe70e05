"""The connections of one client, used in turn, and more of them for more streams than they take."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from tickcast._errors import TooManyStreams
from tickcast._methods import methods

# What a server takes by default; the refusal of one that takes fewer tells how many.
_STREAMS_OF_CONNECTION = 100


class Channels:
    """Channels to the same servers, blocking or of asyncio.

    `opened` opens another one; unary calls keep to the first `calls_on`. Shared by threads.
    """

    def __init__(self, opened: Callable[[], Any], *, calls_on: int) -> None:
        self._opened = opened
        self._calls_on = calls_on
        self._channels = [_Channel(opened()) for _ in range(calls_on)]
        self._most_streams = _STREAMS_OF_CONNECTION
        self._turns = count()
        self._choosing = threading.Lock()

    def method(self, path: str) -> Any:
        """The unary method at `path`, /service/method, of the channel whose turn it is."""
        return self._channels[next(self._turns) % self._calls_on].methods[path]

    @contextmanager
    def stream(self, path: str) -> Iterator[Any]:
        """The streaming method at `path` of a channel with room, for as long as it is used."""
        place = object()
        channel = self._with_room_for(place)
        try:
            yield channel.methods[path]
        except TooManyStreams as error:
            self._most_streams = error.most_of_connection or self._most_streams
            raise
        finally:
            # Without the lock: the garbage collector ends streams in the midst of anything.
            channel.streams.discard(place)

    def _with_room_for(self, place: object) -> _Channel:
        with self._choosing:
            turn = next(self._turns) % len(self._channels)
            in_turn = self._channels[turn:] + self._channels[:turn]
            room = (channel for channel in in_turn if len(channel.streams) < self._most_streams)
            channel = next(room, None)
            if channel is None:
                channel = _Channel(self._opened())
                self._channels.append(channel)
            channel.streams.add(place)
            return channel

    def __iter__(self) -> Iterator[Any]:
        return (channel.itself for channel in self._channels)


class _Channel:
    """One channel, its methods made once, and the streams that are open on it."""

    def __init__(self, itself: Any) -> None:
        self.itself = itself
        self.methods = {
            path: (itself.unary_stream if method.server_streaming else itself.unary_unary)(
                path, method.serialize, method.parse
            )
            for path, method in methods().items()
        }
        self.streams: set[object] = set()
