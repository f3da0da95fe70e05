"""Messages about closed bars: each is made and encoded once, for every stream that sends it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from tickcast_server.errors import TickcastError
from tickcast_server.feeds.stream import ClosedBar, Position
from tickcast_server.store.store import SeriesKey

_Subject = tuple[str, SeriesKey, Position]


class SharingObserver(Protocol):
    """Counts messages of streams."""

    def messages_made(self, count: int) -> None: ...

    def messages_shared(self, count: int) -> None: ...


class Message(NamedTuple):
    """What is sent about a bar."""

    content: bytes
    """The response, encoded."""

    move: float = 0.0
    """Size of the return that it tells, as a natural logarithm."""


Outcome = Message | TickcastError
Make = Callable[[Sequence[ClosedBar]], Awaitable[Sequence[Outcome]]]
"""Makes the outcome of each bar, in order."""


class Published:
    """The last messages, as many as are kept at most. Used by one event loop."""

    def __init__(self, *, most: int, observer: SharingObserver) -> None:
        self._most = most
        self._observer = observer
        self._kept: OrderedDict[_Subject, tuple[object, Message]] = OrderedDict()
        self._making: dict[_Subject, asyncio.Task[dict[_Subject, Outcome]]] = {}

    async def about(
        self, bars: Sequence[ClosedBar], *, of: str, source: object, make: Make
    ) -> list[Outcome]:
        """The outcome for each bar, in order, under a name and from the very `source` given.

        What is kept or being made by somebody else is not made again; errors are not kept.
        """
        subjects = [(of, bar.key, bar.position) for bar in bars]
        found: dict[_Subject, Outcome] = {
            subject: message
            for subject in subjects
            if (message := self._find(subject, source)) is not None
        }
        if len(found) < len(bars):
            missing = {
                subject: bar
                for subject, bar in zip(subjects, bars, strict=True)
                if subject not in found
            }
            found |= await self._missing(missing, source, make)
        return [found[subject] for subject in subjects]

    def each(
        self, bars: Sequence[ClosedBar], *, of: str, make: Callable[[ClosedBar], Message]
    ) -> list[Message]:
        """The message about each bar, in order, where making one needs no wait."""
        messages = []
        for bar in bars:
            subject = (of, bar.key, bar.position)
            message = self._find(subject, None)
            if message is None:
                message = make(bar)
                self._keep(subject, None, message)
            messages.append(message)
        return messages

    def _find(self, subject: _Subject, source: object) -> Message | None:
        kept = self._kept.get(subject)
        if kept is None or kept[0] is not source:
            return None
        self._kept.move_to_end(subject)
        self._observer.messages_shared(1)
        return kept[1]

    def _keep(self, subject: _Subject, source: object, message: Message) -> None:
        self._observer.messages_made(1)
        self._kept[subject] = (source, message)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    async def _missing(
        self, missing: dict[_Subject, ClosedBar], source: object, make: Make
    ) -> dict[_Subject, Outcome]:
        new = {subject: bar for subject, bar in missing.items() if subject not in self._making}
        self._observer.messages_shared(len(missing) - len(new))
        if new:
            # A task of its own: that one reader leaves must not take it from the others.
            task = asyncio.create_task(self._make(new, source, make))
            self._making |= dict.fromkeys(new, task)
        tasks = {self._making[subject] for subject in missing}
        await asyncio.wait(tasks)
        made = {subject: item for task in tasks for subject, item in task.result().items()}
        return {subject: made[subject] for subject in missing}

    async def _make(
        self, new: dict[_Subject, ClosedBar], source: object, make: Make
    ) -> dict[_Subject, Outcome]:
        try:
            made = dict(zip(new, await make(list(new.values())), strict=True))
        finally:
            for subject in new:
                del self._making[subject]
        for subject, outcome in made.items():
            if isinstance(outcome, Message):
                self._keep(subject, source, outcome)
        return made
