"""Streams that open their call again when it breaks: what `Client` and `AsyncClient` hand out."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import TracebackType
from typing import Any, Generic, Self

import grpc
import grpc.aio
from google.protobuf.message import Message

from tickcast._connection import StreamCall
from tickcast._errors import ServerUnavailable, TickcastError
from tickcast._listeners import AsyncListener, Listener, OnError
from tickcast._status import from_rpc_error
from tickcast._subscription import Event, Step, Subscription
from tickcast._types import StreamPosition


class EventStream(Iterator[Event], Generic[Event]):
    """Events, for as long as they are read.

    An iterator and a context manager; `close` may be called from another thread and ends it.
    Iterating raises `TickcastError` when the stream cannot be opened, or not again.
    """

    def __init__(
        self, subscription: Subscription[Event], opened: Callable[[Message], StreamCall]
    ) -> None:
        self._subscription = subscription
        self._open = opened
        self._call: StreamCall | None = None
        self._unread: deque[Any] = deque()
        self._closed = threading.Event()

    @property
    def positions(self) -> tuple[StreamPosition, ...]:
        """What to pass as `resume_after` to go on after the last event that was read."""
        return self._subscription.positions

    def __next__(self) -> Event:
        while not self._closed.is_set():
            try:
                message = self._next_message()
            except (grpc.RpcError, StopIteration) as error:
                ended = _ended(error)
                self._drop(ended)
                if not self._closed.is_set():
                    self._closed.wait(_wait_or_raise(self._subscription, ended, error))
                continue
            event = self._subscription.received(message)
            if not isinstance(event, Step):
                return event
            if event is Step.REOPEN:
                # What was not handed out yet comes again.
                self._unread.clear()
                self._drop()
        raise StopIteration

    def subscribe(
        self, on_event: Callable[[Event], object], *, on_error: OnError | None = None
    ) -> Listener[Event]:
        """Has a thread of its own read the stream and call `on_event` with each event, in order.

        The first error, of the stream or of `on_event`, ends it: `on_error` is called with it, or
        else it is reported as uncaught, and raised when the listener is closed.

        >>> closes = queue.SimpleQueue()
        >>> with client.stream_prices("1d", snapshot=True).subscribe(closes.put):
        ...     print(type(closes.get(timeout=30)).__name__)
        StreamStarted
        """
        return Listener(self, on_event, on_error)

    def close(self) -> None:
        """Ends the stream. May be called more than once, and from any thread."""
        self._closed.set()
        self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # A loop that was left with `break` has nobody else to tell the server.
        self.close()

    def _next_message(self) -> Any:
        if not self._unread:
            self._unread.extend(self._subscription.parts(next(self._responses())))
        return self._unread.popleft()

    def _responses(self) -> Any:
        call = self._call
        if call is None:
            call = self._call = self._open(self._subscription.request())
            if self._closed.is_set():
                # Closed by another thread, which saw no call to end.
                call.end()
        return call.responses

    def _drop(self, error: TickcastError | None = None) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.end(error)


class AsyncEventStream(AsyncIterator[Event], Generic[Event]):
    """Events, for as long as they are read.

    An asynchronous iterator and context manager; `close` ends it. Iterating raises `TickcastError`
    when the stream cannot be opened, or not again.
    """

    def __init__(
        self, subscription: Subscription[Event], opened: Callable[[Message], StreamCall]
    ) -> None:
        self._subscription = subscription
        self._open = opened
        self._call: StreamCall | None = None
        self._unread: deque[Any] = deque()
        self._closed = asyncio.Event()

    @property
    def positions(self) -> tuple[StreamPosition, ...]:
        """What to pass as `resume_after` to go on after the last event that was read."""
        return self._subscription.positions

    async def __anext__(self) -> Event:
        while not self._closed.is_set():
            try:
                message = await self._next_message()
            except asyncio.CancelledError:
                self._drop()
                if self._closed.is_set() and not _is_being_cancelled():
                    # It was `close` that cancelled the call, and not somebody this task.
                    break
                raise
            except (grpc.RpcError, StopAsyncIteration) as error:
                ended = _ended(error)
                self._drop(ended)
                await self._pause(_wait_or_raise(self._subscription, ended, error))
                continue
            event = self._subscription.received(message)
            if not isinstance(event, Step):
                return event
            if event is Step.REOPEN:
                # What was not handed out yet comes again.
                self._unread.clear()
                self._drop()
        raise StopAsyncIteration

    def subscribe(
        self,
        on_event: Callable[[Event], Awaitable[object] | object],
        *,
        on_error: OnError | None = None,
    ) -> AsyncListener[Event]:
        """Has a task of its own read the stream and call `on_event` with each event, in order.

        What `on_event` returns is awaited, where it can be. The first error, of the stream or of
        `on_event`, ends it: `on_error` is called with it, or else it is reported as uncaught, and
        raised when the listener is closed.
        """
        return AsyncListener(self, on_event, on_error)

    async def close(self) -> None:
        """Ends the stream. May be called more than once."""
        self._closed.set()
        self._drop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        except TimeoutError:
            return

    async def _next_message(self) -> Any:
        if not self._unread:
            self._unread.extend(self._subscription.parts(await self._read()))
        return self._unread.popleft()

    async def _read(self) -> Any:
        if self._call is None:
            self._call = self._open(self._subscription.request())
        message = await self._call.responses.read()
        if message is grpc.aio.EOF:
            raise StopAsyncIteration
        return message

    def _drop(self, error: TickcastError | None = None) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.end(error)


def _ended(error: grpc.RpcError | StopIteration | StopAsyncIteration) -> TickcastError:
    if isinstance(error, grpc.RpcError):
        return from_rpc_error(error)
    return ServerUnavailable("the stream was ended early", code=grpc.StatusCode.UNAVAILABLE)


def _wait_or_raise(
    subscription: Subscription[Event], ended: TickcastError, cause: Exception
) -> float:
    """Seconds until the call is made again. Raises what ended the stream when it shall not be."""
    wait = subscription.wait_after(ended)
    if wait is None:
        raise ended from cause
    return wait


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
