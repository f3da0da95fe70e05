"""Every way in which the server refuses or fails, as its core sees it.

    TickcastError
    |-- InvalidRequest              fields are wrong; carries every violation
    |-- NotFound
    |   |-- SymbolNotFound
    |   |-- TimeframeNotFound
    |   |-- ModelNotFound
    |   |-- ModelVersionNotFound
    |   `-- FeatureSetNotFound
    |-- FailedPrecondition
    |   |-- NotEnoughBars
    |   |-- CrossSectionIncomplete
    |   |-- PredictionOutdated
    |   |-- ModelVersionNotReady
    |   |-- ModelWithoutManifest
    |   |-- UnloadRefused
    |   |-- BarOutOfOrder
    |   `-- BarNotClosed
    |-- BarConflict
    |-- PrecedingBarRefused
    |-- OutOfRange
    |   |-- PositionExpired
    |   |-- PositionAhead
    |   `-- BarBeforeRetention
    |-- Unavailable                 carries a delay after which to try again
    |   |-- StoreUnavailable
    |   `-- ShuttingDown
    |-- SlowReader
    |-- TooManyStreams
    `-- ServerOverloaded

No class here knows gRPC: `rpc.status` has the one table from these classes to codes and reasons.
`metadata` holds every value that the message shows, under the names that the contract promises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One field that is wrong."""

    field: str
    """Path from the request, for example `bars[17].high`."""

    description: str
    """What was found and what is needed."""

    reason: str
    """Name in `tickcast.v1.ErrorReason`, without the prefix."""


class TickcastError(Exception):
    """Base of the tree."""

    def __init__(self, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = metadata


class InvalidRequest(TickcastError):
    """The request contradicts the contract. Sending it again cannot succeed."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        first = violations[0]
        more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        super().__init__(f"{first.field}: {first.description}{more}", field=first.field)
        self.violations = tuple(violations)

    @classmethod
    def of(cls, field: str, description: str, reason: str = "FIELD_INVALID") -> InvalidRequest:
        """What to raise for one wrong field."""
        return cls([Violation(field=field, description=description, reason=reason)])

    def under(self, prefix: str) -> InvalidRequest:
        """The same error with every path put below `prefix`, as for an item of a batch."""
        return InvalidRequest(
            [
                Violation(
                    field=f"{prefix}.{violation.field}",
                    description=violation.description,
                    reason=violation.reason,
                )
                for violation in self.violations
            ]
        )


class NotFound(TickcastError):
    """Something named in the request is not held. `resource_type` and `resource` say what."""

    resource_type: str
    resource: str


class SymbolNotFound(NotFound):
    resource_type = "symbol"

    def __init__(self, symbol: str) -> None:
        super().__init__(
            f"symbol: no bars of {symbol!r} are held, needed one that ListSymbols lists",
            symbol=symbol,
        )
        self.resource = symbol


class TimeframeNotFound(NotFound):
    resource_type = "timeframe"

    def __init__(self, symbol: str, timeframe: str, held: Sequence[str]) -> None:
        super().__init__(
            f"timeframe: no {timeframe!r} bars of {symbol!r} are held, "
            f"needed one of {', '.join(held)}",
            symbol=symbol,
            timeframe=timeframe,
            heldTimeframes=",".join(held),
        )
        self.resource = f"{symbol} {timeframe}"


class ModelNotFound(NotFound):
    resource_type = "tickcast.v1.Model"

    def __init__(self, model: str, known: Sequence[str]) -> None:
        listed = (
            ", ".join(f"models/{name}" for name in known[:10]) or "none: the repository is empty"
        )
        super().__init__(
            f"model: models/{model} is not in the repository, which has {listed}",
            model=f"models/{model}",
        )
        self.resource = f"models/{model}"


class ModelVersionNotFound(NotFound):
    resource_type = "tickcast.v1.ModelVersion"

    def __init__(self, model: str, version: str, known: Sequence[str]) -> None:
        super().__init__(
            f"model: models/{model} has no version or alias {version!r}, "
            f"it has {', '.join(known) or 'none'}",
            model=f"models/{model}",
            version=version,
        )
        self.resource = f"models/{model}/versions/{version}"


class FeatureSetNotFound(NotFound):
    resource_type = "tickcast.v1.FeatureSet"

    def __init__(self, feature_set: str, known: Sequence[str]) -> None:
        super().__init__(
            f"feature_set: {feature_set!r} is not known, "
            f"needed one of {', '.join(f'featureSets/{name}' for name in known)}",
            featureSet=feature_set,
        )
        self.resource = feature_set


class FailedPrecondition(TickcastError):
    """The request is well-formed, but the server is not in a state to honour it."""


class NotEnoughBars(FailedPrecondition):
    def __init__(self, symbol: str, timeframe: str, *, held: int, needed: int) -> None:
        super().__init__(
            f"{held} {timeframe} bars of {symbol!r}, {needed} needed",
            symbol=symbol,
            timeframe=timeframe,
            held=str(held),
            needed=str(needed),
        )


class CrossSectionIncomplete(FailedPrecondition):
    def __init__(
        self, symbol: str, timeframe: str, *, as_of_time: str, present: int, needed: int
    ) -> None:
        super().__init__(
            f"{present} symbols of the universe of {symbol!r} have a {timeframe} bar that closed "
            f"at {as_of_time}, {needed} needed to rank them: send the bars of the others",
            symbol=symbol,
            timeframe=timeframe,
            asOfTime=as_of_time,
            present=str(present),
            needed=str(needed),
        )


class PredictionOutdated(FailedPrecondition):
    def __init__(self, symbol: str, timeframe: str, *, age: float, limit: float) -> None:
        super().__init__(
            f"the last {timeframe} bar of {symbol!r} closed {age:.0f} s ago, needed at most "
            f"{limit:.0f} s for this model: send newer bars",
            symbol=symbol,
            timeframe=timeframe,
            ageSeconds=f"{age:.0f}",
            limitSeconds=f"{limit:.0f}",
        )


class ModelVersionNotReady(FailedPrecondition):
    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"model: {name} is not ready: {why}", modelVersion=name, why=why)


class ModelWithoutManifest(FailedPrecondition):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"model: {name} was a graph without a manifest, needed a package of tickcast train; "
            "inference.GRPCInferenceService serves it",
            modelVersion=name,
        )


class UnloadRefused(FailedPrecondition):
    def __init__(self, model: str) -> None:
        super().__init__(
            f"model: models/{model} was to be unloaded by one of several processes, needed by all: "
            "remove its folder from the repository",
            model=f"models/{model}",
        )


class BarOutOfOrder(FailedPrecondition):
    def __init__(self, *, open_time: str, last_open_time: str) -> None:
        super().__init__(
            f"open_time: was {open_time}, needed one after {last_open_time}, "
            "the last stored bar's: history is not filled in behind it",
            openTime=open_time,
            lastOpenTime=last_open_time,
        )


class BarNotClosed(FailedPrecondition):
    def __init__(self, *, close_time: str, server_time: str) -> None:
        super().__init__(
            f"close_time: was {close_time}, needed one not after the server's clock, {server_time}",
            closeTime=close_time,
            serverTime=server_time,
        )


class BarConflict(TickcastError):
    """Another bar is stored under the same key."""

    def __init__(self, *, open_time: str, stored: str, sent: str) -> None:
        super().__init__(
            f"a bar opening at {open_time} is stored with other values: "
            f"stored {stored}, sent {sent}",
            openTime=open_time,
            stored=stored,
            sent=sent,
        )


class PrecedingBarRefused(TickcastError):
    def __init__(self, *, preceding: str) -> None:
        super().__init__(
            f"{preceding} of the same symbol and timeframe was refused; "
            "correct it and send both again",
            precedingBar=preceding,
        )


class OutOfRange(TickcastError):
    """A position or time lies outside what is retained."""


class PositionExpired(OutOfRange):
    def __init__(self, symbol: str, timeframe: str, *, sequence: int, oldest: int) -> None:
        super().__init__(
            f"resume_after: was {sequence} for {symbol!r} {timeframe}, needed {oldest} or later",
            symbol=symbol,
            timeframe=timeframe,
            sequence=str(sequence),
            oldestSequence=str(oldest),
        )


class PositionAhead(OutOfRange):
    def __init__(self, symbol: str, timeframe: str, *, sequence: int, last: int) -> None:
        super().__init__(
            f"resume_after: was {sequence} for {symbol!r} {timeframe}, needed {last} or earlier",
            symbol=symbol,
            timeframe=timeframe,
            sequence=str(sequence),
            lastSequence=str(last),
        )


class BarBeforeRetention(OutOfRange):
    def __init__(self, *, open_time: str, oldest_open_time: str) -> None:
        super().__init__(
            f"open_time: was {open_time}, needed {oldest_open_time} or later, "
            "the oldest retained bar's",
            openTime=open_time,
            oldestOpenTime=oldest_open_time,
        )


class Unavailable(TickcastError):
    """The same request can succeed later, after `retry_after` seconds."""

    retry_after: float = 1.0


class StoreUnavailable(Unavailable):
    def __init__(self, what: str) -> None:
        super().__init__(f"the store cannot be reached: {what}")


class ShuttingDown(Unavailable):
    def __init__(self) -> None:
        super().__init__("the server is shutting down")


class SlowReader(TickcastError):
    """The reader of a stream is further behind than the server waits for."""

    def __init__(self, symbol: str, timeframe: str, *, behind: int, limit: int) -> None:
        super().__init__(
            f"the reader is {behind} bars of {symbol!r} {timeframe} behind, needed at most {limit}",
            symbol=symbol,
            timeframe=timeframe,
            behind=str(behind),
            limit=str(limit),
        )


class TooManyStreams(TickcastError):
    """As many streams are open as may be."""

    def __init__(self, *, of: str, limit: int, another: str = "") -> None:
        """`another` is what the caller can open one more of, which has room again."""
        advice = ["close one", "subscribe to several symbols in one stream"]
        advice += [f"open another {another}"] if another else []
        super().__init__(
            f"the {of} has {limit} streams open, needed fewer: {', '.join(advice[:-1])}"
            f" or {advice[-1]}",
            of=of,
            limit=str(limit),
        )


class ServerOverloaded(TickcastError):
    """As many calls wait as may."""

    retry_after = 0.1

    def __init__(self, *, waiting: int, limit: int) -> None:
        super().__init__(
            f"{waiting} calls wait for the store, needed fewer than {limit}",
            waiting=str(waiting),
            limit=str(limit),
        )
