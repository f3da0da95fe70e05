"""Appends that come while others are under way are stored together, each with its own outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest
from tickcast_server.errors import StoreUnavailable
from tickcast_server.store.group_commit import Batch, GroupCommit, Results
from tickcast_server.store.store import AppendResult, AppendStatus, BarRow, SeriesKey


def batch(symbol: str, *sequences: int) -> Batch:
    bars = [BarRow(one, one + 1, 1.0, 1.0, 1.0, 1.0, 1.0) for one in sequences]
    return SeriesKey(symbol, "1d"), bars


class Disk:
    """Stores what it is given when a test lets it."""

    def __init__(self) -> None:
        self.groups: list[list[tuple[str, int]]] = []
        self.may_go_on = asyncio.Event()
        self.fails = False

    async def append(self, batches: Sequence[Batch]) -> Results:
        self.groups.append([(key.symbol, row.open_time) for key, rows in batches for row in rows])
        await self.may_go_on.wait()
        if self.fails:
            raise StoreUnavailable("a test")
        return [
            [AppendResult(status=AppendStatus.STORED, sequence=row.open_time) for row in rows]
            for _, rows in batches
        ]


@pytest.fixture
def disk() -> Disk:
    return Disk()


class Tasks:
    """Runs what is spawned."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.create_task(work))

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()


@pytest.fixture
def tasks() -> Tasks:
    return Tasks()


@pytest.fixture
def commits(disk: Disk, tasks: Tasks) -> GroupCommit:
    return GroupCommit(disk.append, tasks.spawn, apart=0)


def sequences(results: Results) -> list[list[int]]:
    return [[one.sequence for one in batch] for batch in results]


async def asked(commits: GroupCommit, *batches: Batch) -> asyncio.Task[Results]:
    task = asyncio.create_task(commits.append(batches))
    await asyncio.sleep(0)
    return task


async def test_what_comes_meanwhile_is_one_group_and_each_gets_its_own(
    disk: Disk, commits: GroupCommit
) -> None:
    tasks = [await asked(commits, batch("A", number), batch("B", number)) for number in range(6)]
    disk.may_go_on.set()
    results = await asyncio.gather(*tasks)
    assert [sequences(one) for one in results] == [[[number], [number]] for number in range(6)]
    assert [len(group) for group in disk.groups] == [2, 10]


async def test_bars_of_a_series_stay_in_the_order_in_which_they_came(
    disk: Disk, commits: GroupCommit
) -> None:
    tasks = [await asked(commits, batch("A", number)) for number in range(9)]
    disk.may_go_on.set()
    await asyncio.gather(*tasks)
    stored = [sequence for group in disk.groups for _, sequence in group]
    assert stored == list(range(9))


async def test_no_more_than_so_many_bars_wait_for_each_other(
    disk: Disk, commits: GroupCommit
) -> None:
    tasks = [await asked(commits, batch("A", *range(400))) for _ in range(6)]
    disk.may_go_on.set()
    await asyncio.gather(*tasks)
    assert [len(group) for group in disk.groups] == [400, 800, 800, 400]


async def test_a_large_request_neither_waits_nor_is_waited_for(
    disk: Disk, commits: GroupCommit
) -> None:
    tasks = [await asked(commits, batch("A", *range(count))) for count in (1, 2_000, 1)]
    assert [len(group) for group in disk.groups] == [1, 2_000]
    disk.may_go_on.set()
    await asyncio.gather(*tasks)
    assert [len(group) for group in disk.groups] == [1, 2_000, 1]


async def test_a_failure_is_told_to_all_of_its_group_and_the_next_goes_on(
    disk: Disk, commits: GroupCommit
) -> None:
    disk.fails = True
    tasks = [await asked(commits, batch("A", number)) for number in range(4)]
    disk.may_go_on.set()
    failed = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, StoreUnavailable) for one in failed)
    disk.fails = False
    assert sequences(await commits.append([batch("A", 7)])) == [[7]]


async def test_a_caller_that_leaves_takes_nothing_from_the_others(
    disk: Disk, commits: GroupCommit
) -> None:
    tasks = [await asked(commits, batch("A", number)) for number in range(5)]
    tasks[0].cancel()
    tasks[3].cancel()
    disk.may_go_on.set()
    results = await asyncio.gather(*(tasks[number] for number in (1, 2, 4)))
    assert [sequences(one) for one in results] == [[[1]], [[2]], [[4]]]


async def test_a_group_that_had_to_wait_gathers_what_comes_a_little_later(
    disk: Disk, tasks: Tasks
) -> None:
    commits = GroupCommit(disk.append, tasks.spawn, apart=0.5)
    first, second = [await asked(commits, batch("A", number)) for number in (1, 2)]
    disk.may_go_on.set()
    await first
    third = await asked(commits, batch("A", 3))
    await asyncio.gather(second, third)
    assert [len(group) for group in disk.groups] == [1, 2]


async def test_a_sender_that_waits_for_each_answer_is_not_held_up(disk: Disk, tasks: Tasks) -> None:
    commits = GroupCommit(disk.append, tasks.spawn, apart=86_400)
    disk.may_go_on.set()
    for number in range(3):
        await commits.append([batch("A", number)])
    assert [len(group) for group in disk.groups] == [1, 1, 1]


async def test_a_stop_leaves_nobody_waiting_for_a_group_that_does_not_begin(
    disk: Disk, tasks: Tasks
) -> None:
    commits = GroupCommit(disk.append, tasks.spawn, apart=86_400)
    first, second = [await asked(commits, batch("A", number)) for number in (1, 2)]
    disk.may_go_on.set()
    await first
    await asyncio.sleep(0)
    tasks.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
