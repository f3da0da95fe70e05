"""Calls that others have come behind are answered together, each as if it were alone."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest
from tickcast_server.rpc.gathering import Arrivals, Gathering
from tickcast_server.turn import Stage, Turn


class Answers:
    """Answers with the request, refuses `b"bad"`, leaves `b"slow"` to others; notes the order."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def answer(self, data: bytes, _turn: Turn) -> bytes | None:
        self.asked.append(data)
        if data == b"bad":
            raise ValueError("bad")
        return None if data == b"slow" else data


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def arrivals() -> Arrivals:
    return Arrivals()


@pytest.fixture
def gathering(answers: Answers, arrivals: Arrivals) -> Gathering:
    return Gathering(answers.answer, arrivals=arrivals)


def arrive(arrivals: Arrivals, calls: int) -> list[Turn]:
    turns = [Turn() for _ in range(calls)]
    for turn in turns:
        arrivals.add(turn)
    return turns


async def test_a_call_that_is_alone_is_answered_at_once(
    gathering: Gathering, arrivals: Arrivals
) -> None:
    (turn,) = arrive(arrivals, 1)
    waiting = gathering.answer(b"a", turn)

    with pytest.raises(StopIteration) as ended:
        waiting.send(None)

    assert ended.value.value == b"a"


async def test_calls_that_come_one_behind_the_other_are_answered_in_one_go(
    gathering: Gathering, answers: Answers, arrivals: Arrivals
) -> None:
    seen = []

    async def call(name: bytes, turn: Turn) -> None:
        assert await gathering.answer(name, turn) == name
        seen.append(len(answers.asked))

    names = [b"%d" % number for number in range(5)]
    turns = arrive(arrivals, len(names))
    await asyncio.gather(*map(call, names, turns))

    assert answers.asked == names
    assert seen == [5] * 5


async def test_each_call_gets_its_own_error_or_nothing(
    gathering: Gathering, arrivals: Arrivals
) -> None:
    names = [b"a", b"bad", b"slow", b"b"]
    turns = arrive(arrivals, len(names))

    found = await asyncio.gather(*map(gathering.answer, names, turns), return_exceptions=True)

    assert [str(one) if isinstance(one, Exception) else one for one in found] == [
        *(b"a", "bad", None, b"b")
    ]


async def test_a_call_that_was_cancelled_meanwhile_is_not_answered(
    gathering: Gathering, answers: Answers, arrivals: Arrivals
) -> None:
    turns = arrive(arrivals, 3)
    calls = [
        asyncio.ensure_future(gathering.answer(name, turn))
        for name, turn in zip([b"a", b"b", b"c"], turns, strict=True)
    ]
    await asyncio.sleep(0)
    calls[1].cancel()

    found = await asyncio.gather(*calls, return_exceptions=True)

    assert answers.asked == [b"a", b"c"]
    assert isinstance(found[1], asyncio.CancelledError)


async def test_the_time_of_waiting_for_others_is_that_of_the_queue() -> None:
    arrivals, ticks = Arrivals(), count()
    gathering = Gathering(lambda data, _: data, arrivals=arrivals)
    turn = Turn(timer=lambda: float(next(ticks)))
    for one in (turn, Turn()):
        arrivals.add(one)

    await gathering.answer(b"a", turn)

    assert turn.seconds[Stage.QUEUE] == 1.0
    assert sum(turn.seconds) == 1.0
