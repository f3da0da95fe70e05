"""A stream as a callback: every event in order, no error lost, and an end that is one."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import pytest
from tickcast import (
    AsyncClient,
    AsyncListener,
    Bar,
    Client,
    InvalidRequest,
    Listener,
    PriceStreamEvent,
    StreamPosition,
    StreamStarted,
)
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.testing import eventually

from tests.sdk_bars import sdk_bars


@dataclass(frozen=True)
class Held:
    """What the server holds."""

    bars: list[Bar]
    position: StreamPosition

    def after(self, bars: int) -> list[StreamPosition]:
        return [replace(self.position, sequence=bars)]


@pytest.fixture(scope="module")
async def held(shared_server: App) -> Held:
    async with AsyncClient(shared_server.address) as client:
        await client.ingest_bars(sdk_bars(random_walk_bars(80, symbol="AAPL")))
        (summary,) = await client.list_symbols()
        return Held(await client.list_bars("AAPL", "1d"), summary.position)


AnyListener: TypeAlias = Listener[PriceStreamEvent] | AsyncListener[PriceStreamEvent]
Subscribe: TypeAlias = Callable[..., AnyListener]


@pytest.fixture(params=[Client, AsyncClient])
async def subscribe(request: pytest.FixtureRequest, shared_server: App) -> AsyncIterator[Subscribe]:
    """Subscribes with the one client, then in another run with the other."""
    client = request.param(shared_server.address)

    def subscribed(
        on_event: Callable[[PriceStreamEvent], Any],
        *,
        on_error: Callable[[Exception], Any] | None = None,
        timeframe: str = "1d",
        **options: Any,
    ) -> AnyListener:
        stream = client.stream_prices(timeframe, **options)
        listener: AnyListener = stream.subscribe(on_event, on_error=on_error)
        return listener

    yield subscribed
    await done(client.close)


async def done(method: Callable[[], Any]) -> None:
    """Calls a method of either client, from outside the event loop where it would block that."""
    if inspect.iscoroutinefunction(method):
        await method()
    else:
        await asyncio.to_thread(method)


@pytest.fixture
async def uncaught(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[BaseException | None]]:
    """What would have been printed as the uncaught error of a thread or a task."""
    errors: list[BaseException | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda found: errors.append(found.exc_value))
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, found: errors.append(found["exception"]))
    yield errors
    loop.set_exception_handler(None)


def fail(_: PriceStreamEvent) -> None:
    raise KeyError("a fault of the callback")


async def test_the_callback_gets_every_event_in_order(subscribe: Subscribe, held: Held) -> None:
    events: list[Any] = []
    listener = subscribe(events.append, resume_after=held.after(70))
    await eventually(lambda: len(events) == 11)
    await done(listener.close)
    assert isinstance(events[0], StreamStarted)
    assert [event.bar for event in events[1:]] == held.bars[70:]
    assert listener.positions == (held.position,)


async def test_what_the_callback_returns_is_awaited(shared_server: App, held: Held) -> None:
    under_way, most, seen = 0, 0, 0

    async def take(_: PriceStreamEvent) -> None:
        nonlocal under_way, most, seen
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        seen += 1

    async with (
        AsyncClient(shared_server.address) as client,
        client.stream_prices("1d", resume_after=held.after(70)).subscribe(take),
    ):
        await eventually(lambda: seen == 11)
    assert most == 1


async def test_closing_waits_for_the_callback_to_return(shared_server: App, held: Held) -> None:
    entered, leave, left = threading.Event(), threading.Event(), threading.Event()

    def take(_: PriceStreamEvent) -> None:
        entered.set()
        leave.wait()
        left.set()

    with Client(shared_server.address) as client:
        listener = client.stream_prices("1d").subscribe(take)
        await asyncio.to_thread(entered.wait)
        closing = asyncio.create_task(asyncio.to_thread(listener.close))
        assert not left.is_set()
        leave.set()
        await closing
        assert left.is_set()
        assert "tickcast-listener" not in {thread.name for thread in threading.enumerate()}


async def test_the_callback_may_close_its_own_listener(subscribe: Subscribe, held: Held) -> None:
    seen = []
    ready = threading.Event()

    def take(event: PriceStreamEvent) -> Any:
        seen.append(event)
        if threading.current_thread() is not threading.main_thread():
            ready.wait()
        return listener.close()

    listener = subscribe(take, resume_after=held.after(70))
    ready.set()
    await done(listener.wait)
    await done(listener.close)
    assert len(seen) == 1


async def test_an_error_of_the_callback_goes_to_on_error(subscribe: Subscribe, held: Held) -> None:
    errors: list[Exception] = []
    listener = subscribe(fail, on_error=errors.append)
    await done(listener.wait)
    assert [type(error) for error in errors] == [KeyError]
    await done(listener.close)


async def test_an_error_of_the_stream_goes_to_on_error(subscribe: Subscribe, held: Held) -> None:
    errors: list[Exception] = []
    listener = subscribe(fail, on_error=errors.append, timeframe="7 days")
    await done(listener.wait)
    assert [type(error) for error in errors] == [InvalidRequest]


async def test_without_on_error_it_is_reported_at_once_and_raised_at_the_end(
    subscribe: Subscribe, held: Held, uncaught: list[BaseException | None]
) -> None:
    listener = subscribe(fail)
    await eventually(lambda: len(uncaught) == 1)
    for end in (listener.wait, listener.close, listener.close):
        with pytest.raises(KeyError, match="a fault of the callback"):
            await done(end)
    assert isinstance(uncaught[0], KeyError)
    assert len(uncaught) == 1


async def test_an_error_of_on_error_itself_is_not_lost(
    subscribe: Subscribe, held: Held, uncaught: list[BaseException | None]
) -> None:
    def fail_again(error: Exception) -> None:
        raise LookupError("a fault of on_error") from error

    listener = subscribe(fail, on_error=fail_again)
    await eventually(lambda: len(uncaught) == 1)
    assert isinstance(uncaught[0], LookupError)
    with pytest.raises(LookupError, match="a fault of on_error"):
        await done(listener.close)
