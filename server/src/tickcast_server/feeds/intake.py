"""Takes closed bars in: checks, stores, acknowledges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from tickcast_server.errors import (
    BarBeforeRetention,
    BarConflict,
    BarNotClosed,
    BarOutOfOrder,
    InvalidRequest,
    PrecedingBarRefused,
    TickcastError,
)
from tickcast_server.store.memory import Memory
from tickcast_server.store.store import AppendResult, AppendStatus, BarRow, SeriesKey


# What is made for every bar is a named tuple: a frozen dataclass takes twice as long to make.
class OfferedBar(NamedTuple):
    """A bar that reads well on its own."""

    place: str
    """Its path in the request, for example `bars[17]`."""

    key: SeriesKey
    bar: BarRow


class UnreadableBar(NamedTuple):
    """A bar that contradicts the contract."""

    place: str
    """Its path in the request."""

    key: SeriesKey | None
    """Its series, when that much can be read."""

    error: InvalidRequest


class Stored(NamedTuple):
    """Acknowledges a bar: it is in the store."""

    key: SeriesKey
    epoch: str
    sequence: int
    duplicate: bool


Outcome = Stored | TickcastError


class Intake:
    """Stores what can be stored, and says of every bar what became of it."""

    def __init__(self, memory: Memory, *, now: Callable[[], float]) -> None:
        self._memory = memory
        self._now = now

    async def ingest(self, bars: Sequence[OfferedBar | UnreadableBar]) -> list[Outcome]:
        """One outcome for each bar, in order.

        Raises `StoreUnavailable` when the store does not answer: any bar may then be stored or
        not, and sending all of them again settles it.
        """
        outcomes: dict[int, Outcome] = {}
        batches = self._batches(bars, outcomes)
        results = await self._memory.append(
            [(key, [bar.bar for _, bar in offered]) for key, offered in batches.items()]
        )
        epoch = self._memory.epoch
        for (key, offered), result in zip(batches.items(), results, strict=True):
            for (index, bar), one in zip(offered, result, strict=True):
                outcomes[index] = _outcome(key, bar.bar, one, epoch)
        return [outcomes[index] for index in range(len(bars))]

    def _batches(
        self, bars: Sequence[OfferedBar | UnreadableBar], outcomes: dict[int, Outcome]
    ) -> dict[SeriesKey, list[tuple[int, OfferedBar]]]:
        now = self._now()
        refused: dict[SeriesKey, str] = {}
        batches: dict[SeriesKey, list[tuple[int, OfferedBar]]] = {}
        for index, bar in enumerate(bars):
            error = bar.error if isinstance(bar, UnreadableBar) else _refusal(bar, refused, now)
            if error is not None:
                outcomes[index] = error
                if bar.key is not None:
                    refused.setdefault(bar.key, bar.place)
            elif isinstance(bar, OfferedBar):
                batches.setdefault(bar.key, []).append((index, bar))
        return batches


def _refusal(bar: OfferedBar, refused: Mapping[SeriesKey, str], now: float) -> TickcastError | None:
    if bar.key in refused:
        # Storing it would leave a hole that could never be filled: history only grows at its end.
        return PrecedingBarRefused(preceding=refused[bar.key])
    if bar.bar.close_time > now:
        return BarNotClosed(close_time=_instant(bar.bar.close_time), server_time=_instant(now))
    return None


def _outcome(key: SeriesKey, bar: BarRow, result: AppendResult, epoch: str) -> Outcome:
    if result.status in (AppendStatus.STORED, AppendStatus.DUPLICATE):
        return Stored(
            key=key,
            epoch=epoch,
            sequence=result.sequence,
            duplicate=result.status is AppendStatus.DUPLICATE,
        )
    other = bar if result.other is None else result.other
    if result.status is AppendStatus.CONFLICT:
        return BarConflict(
            open_time=_instant(bar.open_time), stored=_values(other), sent=_values(bar)
        )
    if result.status is AppendStatus.BEFORE_RETENTION:
        return BarBeforeRetention(
            open_time=_instant(bar.open_time), oldest_open_time=_instant(other.open_time)
        )
    return BarOutOfOrder(
        open_time=_instant(bar.open_time), last_open_time=_instant(other.open_time)
    )


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


def _values(bar: BarRow) -> str:
    prices = f"open={bar.open} high={bar.high} low={bar.low} close={bar.close}"
    return f"{prices} volume={bar.volume} close_time={_instant(bar.close_time)}"
