"""In which order bars are replayed: history first, then step by step as they had closed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from tickcast._types import Bar


class Column(Protocol):
    """A NumPy array, or what can be told as a list like one."""

    def tolist(self) -> Any:
        """The values as Python's own numbers, in lists."""
        ...


class Series(Protocol):
    """The bars of one symbol, as a bar source opens them: columns of equal length.

    Times are integer seconds since the epoch, UTC; `ohlcv` is (n, 5).
    """

    @property
    def symbol(self) -> str:
        """Market symbol."""
        ...

    @property
    def timeframe(self) -> object:
        """Its text is that of the contract, for example 5m."""
        ...

    @property
    def open_time(self) -> Column:
        """Starts of the slots."""
        ...

    @property
    def close_time(self) -> Column:
        """When the bars were known."""
        ...

    @property
    def ohlcv(self) -> Column:
        """Open, high, low, close and volume."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What to send."""

    history: Sequence[Bar]
    """To be sent at once, oldest first for each symbol."""

    steps: Sequence[tuple[datetime, Sequence[Bar]]]
    """The bars that close at each instant, in the order of time."""


def make_schedule(
    series: Iterable[Series],
    *,
    start: datetime | None,
    end: datetime | None,
    history: int,
    held: Mapping[tuple[str, str], datetime],
) -> Schedule:
    """Steps for the bars that close after `start` and not after `end`.

    Of each symbol, the last `history` bars before go ahead of them. Bars up to the close in `held`,
    by symbol and timeframe, are left out.
    """
    before: list[Bar] = []
    steps: defaultdict[datetime, list[Bar]] = defaultdict(list)
    for one in series:
        last_held = held.get((one.symbol, str(one.timeframe)))
        earlier: list[Bar] = []
        for close_time, bar in _bars(one):
            if end is not None and close_time > end:
                continue
            is_early = start is not None and close_time <= start
            if is_early:
                earlier.append(bar)
            elif last_held is None or close_time > last_held:
                steps[close_time].append(bar)
        before += [
            bar
            for bar in earlier[len(earlier) - min(history, len(earlier)) :]
            if last_held is None or bar.close_time is None or bar.close_time > last_held
        ]
    return Schedule(history=before, steps=sorted(steps.items()))


def _bars(series: Series) -> Iterator[tuple[datetime, Bar]]:
    columns = (series.open_time.tolist(), series.close_time.tolist(), series.ohlcv.tolist())
    for open_time, close_time, (open_, high, low, close, volume) in zip(*columns, strict=True):
        closed = datetime.fromtimestamp(close_time, UTC)
        yield (
            closed,
            Bar(
                symbol=series.symbol,
                timeframe=str(series.timeframe),
                open_time=datetime.fromtimestamp(open_time, UTC),
                close_time=closed,
                open=open_,
                high=high,
                low=low,
                close=close,
                volume=volume,
            ),
        )
