"""A message about a bar is made once, however many streams ask for it and whenever they leave."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from tickcast_server.errors import NotEnoughBars, TickcastError
from tickcast_server.feeds.stream import ClosedBar, Position
from tickcast_server.rpc.published import Message, Outcome, Published
from tickcast_server.store.store import BarRow, SeriesKey

MODEL = "models/m/versions/1"


def bar(sequence: int, symbol: str = "AAPL") -> ClosedBar:
    return ClosedBar(
        key=SeriesKey(symbol, "1d"),
        position=Position("epoch", sequence),
        bar=BarRow(sequence, sequence + 1, 1.0, 1.0, 1.0, 1.0, 1.0),
    )


class Counts:
    """What an operator would see."""

    def __init__(self) -> None:
        self.made = 0
        self.shared = 0

    def messages_made(self, count: int) -> None:
        self.made += count

    def messages_shared(self, count: int) -> None:
        self.shared += count


class Maker:
    """Makes messages when a test lets it."""

    def __init__(self, error: TickcastError | None = None) -> None:
        self.calls: list[list[int]] = []
        self.may_go_on = asyncio.Event()
        self._error = error

    async def __call__(self, bars: Sequence[ClosedBar]) -> list[Outcome]:
        self.calls.append([one.position.sequence for one in bars])
        await self.may_go_on.wait()
        return [self._error or Message(str(one.position.sequence).encode()) for one in bars]


@pytest.fixture
def counts() -> Counts:
    return Counts()


async def test_those_who_ask_meanwhile_wait_for_the_same_one(counts: Counts) -> None:
    published, make = Published(most=10, observer=counts), Maker()
    asked = [
        asyncio.create_task(
            published.about([bar(one) for one in range(first, 4)], of=MODEL, source=1, make=make)
        )
        for first in (1, 2, 0)
    ]
    await asyncio.sleep(0)
    make.may_go_on.set()
    answers = await asyncio.gather(*asked)
    assert [len(answer) for answer in answers] == [3, 2, 4]
    assert make.calls == [[1, 2, 3], [0]]
    assert answers[2] == [Message(b"0"), Message(b"1"), Message(b"2"), Message(b"3")]
    assert (counts.made, counts.shared) == (4, 5)


async def test_the_one_who_asked_first_can_leave(counts: Counts) -> None:
    published, make = Published(most=10, observer=counts), Maker()
    first, second = (
        asyncio.create_task(published.about([bar(1)], of=MODEL, source=1, make=make))
        for _ in range(2)
    )
    await asyncio.sleep(0)
    first.cancel()
    make.may_go_on.set()
    assert await second == [Message(b"1")]
    assert len(make.calls) == 1


async def test_an_error_is_told_to_all_who_wait_and_not_kept(counts: Counts) -> None:
    error = NotEnoughBars("AAPL", "1d", held=1, needed=2)
    published, make = Published(most=10, observer=counts), Maker(error)
    make.may_go_on.set()
    for _ in range(2):
        assert await published.about([bar(1)], of=MODEL, source=1, make=make) == [error]
    assert len(make.calls) == 2


async def test_a_model_that_was_replaced_under_its_name_makes_its_own(counts: Counts) -> None:
    published, make = Published(most=10, observer=counts), Maker()
    make.may_go_on.set()
    before, after = object(), object()
    for source in (before, before, after, after):
        await published.about([bar(1)], of=MODEL, source=source, make=make)
    assert len(make.calls) == 2


async def test_no_more_are_kept_than_may_be(counts: Counts) -> None:
    published, make = Published(most=3, observer=counts), Maker()
    make.may_go_on.set()
    for sequence in (1, 2, 3, 1, 4, 1, 2):
        await published.about([bar(sequence)], of=MODEL, source=1, make=make)
    # The second one was asked for longest ago when the fourth came.
    assert make.calls == [[1], [2], [3], [4], [2]]


async def test_a_price_is_encoded_once(counts: Counts) -> None:
    published = Published(most=10, observer=counts)
    made = [
        published.each([bar(1), bar(2)], of="", make=lambda one: Message(repr(one).encode()))
        for _ in range(3)
    ]
    assert made[0] == made[1] == made[2]
    assert (counts.made, counts.shared) == (2, 4)
