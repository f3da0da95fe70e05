"""Opens streams, and closes them again with all that they hold."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

from tickcast_server.feeds.admission import Admission
from tickcast_server.feeds.fanout import Fanout
from tickcast_server.feeds.stream import BarStream, Event, Ready, StreamQuery
from tickcast_server.store.memory import Memory


class Streams:
    """The streams of one server."""

    def __init__(self, memory: Memory, fanout: Fanout, admission: Admission, *, limit: int) -> None:
        """`limit` is how many bars of one series a reader may be behind."""
        self._memory = memory
        self._fanout = fanout
        self._admission = admission
        self._limit = limit

    @asynccontextmanager
    async def open(
        self,
        query: StreamQuery,
        *,
        client: str,
        connection: str,
        ready: Ready | None = None,
        watching: bool = False,
    ) -> AsyncIterator[tuple[BarStream, AsyncGenerator[Sequence[Event]]]]:
        """One subscriber's stream and its batches.

        It counts among those of its `client` and of its `connection`. Bars wait until they are
        `ready`, which is asked again as bars of the subscribed symbols arrive, or of any of the
        timeframe when the stream is `watching` those. Raises `TooManyStreams` and `ShuttingDown`.
        """
        with self._admission.one(client=client, connection=connection):
            subscription = self._fanout.subscribe(query.timeframe, query.symbols, watching=watching)
            try:
                stream = BarStream(
                    self._memory, subscription, query, limit=self._limit, ready=ready
                )
                async with aclosing(stream.batches()) as batches:
                    yield stream, batches
            finally:
                self._fanout.unsubscribe(subscription)
