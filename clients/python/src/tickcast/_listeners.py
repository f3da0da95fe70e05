"""Streams as callbacks: who reads them, and what becomes of an error.

The first error ends the listening, whether the stream raises it or the callback. `on_error` is
given it; without one it is reported at once, as errors are that nobody catches in a thread or a
task, and `wait` and `close` raise it.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeAlias

from tickcast._subscription import Event
from tickcast._types import StreamPosition

if TYPE_CHECKING:
    from tickcast._streams import AsyncEventStream, EventStream

OnError: TypeAlias = Callable[[Exception], object]


class Listener(Generic[Event]):
    """Hands the events of a stream to a callback, in a thread of its own, one after the other.

    A context manager that closes it.
    """

    def __init__(
        self,
        stream: EventStream[Event],
        on_event: Callable[[Event], object],
        on_error: OnError | None,
    ) -> None:
        self._stream = stream
        self._on_event = on_event
        self._on_error = on_error
        self._error: Exception | None = None
        # A program that ends does not wait for the next bar.
        self._thread = threading.Thread(target=self._listen, name="tickcast-listener", daemon=True)
        self._thread.start()

    @property
    def positions(self) -> tuple[StreamPosition, ...]:
        """What to pass as `resume_after` to go on after the last event that was handed over."""
        return self._stream.positions

    def wait(self) -> None:
        """Returns once the listening has ended. Raises what ended it, unless `on_error` was told.

        Returns at once when the callback itself calls it.
        """
        if threading.current_thread() is not self._thread:
            self._thread.join()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Ends the stream, and waits for the callback to be done with its event."""
        self._stream.close()
        self.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _listen(self) -> None:
        try:
            with self._stream:
                for event in self._stream:
                    self._on_event(event)
        except Exception as error:  # noqa: BLE001  # whatever it is, somebody is told
            self._error = _told(error, self._on_error)
        if self._error is not None:
            raise self._error


class AsyncListener(Generic[Event]):
    """Hands the events of a stream to a callback, in a task of its own, one after the other.

    A context manager that closes it.
    """

    def __init__(
        self,
        stream: AsyncEventStream[Event],
        on_event: Callable[[Event], Awaitable[object] | object],
        on_error: OnError | None,
    ) -> None:
        self._stream = stream
        self._on_event = on_event
        self._on_error = on_error
        self._error: Exception | None = None
        self._task = asyncio.create_task(self._listen(), name="tickcast-listener")

    @property
    def positions(self) -> tuple[StreamPosition, ...]:
        """What to pass as `resume_after` to go on after the last event that was handed over."""
        return self._stream.positions

    async def wait(self) -> None:
        """Returns once the listening has ended. Raises what ended it, unless `on_error` was told.

        Returns at once when the callback itself calls it.
        """
        if asyncio.current_task() is not self._task:
            await asyncio.wait([self._task])
        if self._error is not None:
            raise self._error

    async def close(self) -> None:
        """Ends the stream, and waits for the callback to be done with its event."""
        await self._stream.close()
        await self.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _listen(self) -> None:
        try:
            async with self._stream:
                async for event in self._stream:
                    done = self._on_event(event)
                    if inspect.isawaitable(done):
                        await done
        except Exception as error:  # noqa: BLE001  # whatever it is, somebody is told
            self._error = _told(error, self._on_error)
        if self._error is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "listening to a stream has failed", "exception": self._error}
            )


def _told(error: Exception, on_error: OnError | None) -> Exception | None:
    """What is left to report once `on_error` was called with an error, or was not there."""
    if on_error is None:
        return error
    try:
        on_error(error)
    except Exception as another:  # noqa: BLE001  # reported in the place of the first
        return another
    return None
