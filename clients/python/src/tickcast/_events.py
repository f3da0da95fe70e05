"""Events of streams.

A stream of predictions yields `StreamStarted`, `PredictionEvent`, `Refusal`, `Gap` and `Heartbeat`;
a stream of prices yields `StreamStarted`, `BarEvent`, `Gap` and `Heartbeat`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from tickcast._errors import TickcastError
from tickcast._types import Bar, Prediction, StreamPosition


class StreamStartMode(StrEnum):
    """How the first event of a symbol in a stream was chosen."""

    LIVE = "live"
    """From the next bar that closes."""

    RESUMED = "resumed"
    """After the position that the request gave."""

    SNAPSHOT = "snapshot"
    """From the last closed bar."""

    UNKNOWN = "unknown"
    """A way that this client does not know yet."""


class SlowReaderPolicy(StrEnum):
    """What becomes of a stream whose reader is slower than the bars."""

    CLOSE = "close"
    """The call ends, and the stream goes on with another from where it was: nothing is missed."""

    LATEST = "latest"
    """It goes on with the latest bar of each symbol, after a `Gap` that says what was left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStart:
    """Where the events of one symbol begin."""

    position: StreamPosition
    """The last bar before the first event."""

    mode: StreamStartMode
    """How the position was chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStarted:
    """The stream is open. Comes first, and again each time that it was resumed."""

    starts: tuple[StreamStart, ...]
    """One for each symbol that holds bars, in alphabetical order."""

    symbols_without_bars: tuple[str, ...]
    """Symbols that were asked for by name and hold no bar of the timeframe yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionEvent:
    """A bar closed; this is the prediction made from it."""

    prediction: Prediction
    """The prediction."""

    position: StreamPosition
    """The bar that closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BarEvent:
    """A bar was stored."""

    bar: Bar
    """The bar."""

    position: StreamPosition
    """Its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A bar closed from which no prediction can be made. The stream goes on."""

    symbol: str
    """Symbol."""

    error: TickcastError
    """Why, for example `TooFewBars`."""

    position: StreamPosition
    """The bar that closed."""


class GapReason(StrEnum):
    """Why events were left out of a stream."""

    CONFLATED = "conflated"
    """The reader was slower than the bars: prices in between were replaced by the latest."""

    EPOCH_CHANGED = "epoch_changed"
    """The store was replaced by another one; all bars that it holds follow."""

    UNKNOWN = "unknown"
    """A reason that this client does not know yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Events of one symbol were left out, instead of being left out in silence."""

    symbol: str
    """Symbol."""

    timeframe: str
    """Timeframe."""

    from_sequence: int
    """First sequence that was left out, inclusive."""

    to_sequence: int
    """Last sequence that was left out, inclusive. Less than from_sequence when it is not known what
    was left out, as after a change of epoch."""

    reason: GapReason
    """Why."""

    position: StreamPosition
    """Where the stream goes on: after this bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Nothing happened, and the stream is alive."""

    server_time: datetime
    """The server's clock, UTC."""

    positions: tuple[StreamPosition, ...]
    """Position of each symbol in the first heartbeat of a stream, then of those that moved."""


PredictionStreamEvent: TypeAlias = StreamStarted | PredictionEvent | Refusal | Gap | Heartbeat
PriceStreamEvent: TypeAlias = StreamStarted | BarEvent | Gap | Heartbeat
