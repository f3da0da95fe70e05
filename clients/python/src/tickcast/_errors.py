"""Everything that a call can fail with.

    TickcastError
    |-- InvalidRequest              the request contradicts the contract; has violations
    |   |-- InvalidBar
    |   |-- FeatureCountMismatch
    |   |-- BatchTooLarge
    |   |-- InvalidPageToken
    |   `-- TimeframeMismatch
    |-- NotFound                    something named is not held
    |   |-- SymbolNotFound
    |   |-- TimeframeNotFound
    |   |-- ModelNotFound
    |   |-- ModelVersionNotFound
    |   `-- FeatureSetNotFound
    |-- FailedPrecondition          well-formed, but not now
    |   |-- TooFewBars
    |   |-- CrossSectionIncomplete
    |   |-- PredictionOutdated
    |   |-- ModelVersionNotReady
    |   |-- ModelWithoutManifest
    |   |-- UnloadRefused
    |   |-- BarOutOfOrder
    |   `-- BarNotClosed
    |-- BarConflict
    |-- PrecedingBarRefused
    |-- OutOfRange                  a position or time outside what is retained
    |   |-- PositionExpired
    |   |-- PositionAhead
    |   `-- BarBeforeRetention
    |-- ServerUnavailable           retryable
    |   |-- StoreUnavailable
    |   `-- ShuttingDown
    |-- SlowReader                  retryable: streams resume by themselves
    |-- TooManyStreams
    |-- ServerOverloaded            retryable: after `retry_after`
    |-- DeadlineExceeded            no answer within the timeout; what was sent may have been done
    |-- CallCancelled
    |-- InternalError               a fault of the server, with an id for its log
    |-- UnexpectedStatus            a code that no Tickcast server sends
    `-- BarsRefused                 some of the bars were not stored; has the results of all

`retryable` says whether the same call can succeed when it is made again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import grpc


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldViolation:
    """One field of a request that is wrong."""

    field: str
    """Path from the request, for example "bars[17].high"."""

    description: str
    """What was found and what is needed."""

    reason: str
    """Why, for example "FIELD_REQUIRED"."""


class TickcastError(Exception):
    """Base of all errors of a server or of the way to it."""

    retryable: ClassVar[bool] = False
    """Whether the same call can succeed when it is made again."""

    code: grpc.StatusCode
    """The gRPC code."""

    reason: str
    """Name in the contract's ErrorReason, for example "SYMBOL_NOT_FOUND". Empty when the error does
    not come from a Tickcast server."""

    metadata: Mapping[str, str]
    """The values that the message shows, by name."""

    violations: tuple[FieldViolation, ...]
    """The fields that are wrong. Empty unless the request was invalid."""

    retry_after: timedelta | None
    """How long the server asks to wait before another try."""

    request_id: str
    """Id of the call in the server's log. Empty when the server did not say."""

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[FieldViolation] = (),
        retry_after: timedelta | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)
        self.retry_after = retry_after
        self.request_id = request_id

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are pickled by their positional arguments; ours are more than the message.
        return _unpickled, (type(self), str(self), self.__dict__)


class InvalidRequest(TickcastError):
    """The request contradicts the contract. `violations` name every field and what it needs."""


class InvalidBar(InvalidRequest):
    """A bar contradicts itself, is off the grid of its timeframe, or out of order."""


class FeatureCountMismatch(InvalidRequest):
    """The feature vector does not have as many values as the model's feature set."""


class BatchTooLarge(InvalidRequest):
    """More items in one request than the limit."""


class InvalidPageToken(InvalidRequest):
    """The page token was not made for these arguments."""


class TimeframeMismatch(InvalidRequest):
    """The timeframe asked for is not the one that the model was trained on."""


class NotFound(TickcastError):
    """Something named in the request is not held."""


class SymbolNotFound(NotFound):
    """No bar of the symbol is held."""


class TimeframeNotFound(NotFound):
    """The symbol is known, but not in this timeframe."""


class ModelNotFound(NotFound):
    """The repository has no model of that name."""


class ModelVersionNotFound(NotFound):
    """The model has no version of that number or alias."""


class FeatureSetNotFound(NotFound):
    """The server knows no feature set of that id."""


class FailedPrecondition(TickcastError):
    """The request is well-formed, but the server is not in a state to honour it."""


class TooFewBars(FailedPrecondition):
    """Fewer closed bars are held or sent than needed: `metadata["held"]`, `metadata["needed"]`."""


class CrossSectionIncomplete(FailedPrecondition):
    """Too few symbols of the model's universe have a bar that closed at the same time.

    `metadata["present"]` and `metadata["needed"]` count them, `metadata["asOfTime"]` is the time.
    """


class PredictionOutdated(FailedPrecondition):
    """The last bar of the symbol is older than the server's limit for the model."""


class ModelVersionNotReady(FailedPrecondition):
    """The version is in the repository, but could not be loaded."""


class ModelWithoutManifest(FailedPrecondition):
    """The model is a graph that is served by the Open Inference Protocol alone."""


class UnloadRefused(FailedPrecondition):
    """Several processes serve: a model is unloaded by removing its folder."""


class BarOutOfOrder(FailedPrecondition):
    """The bar opens before the last stored bar: history is not filled in behind it."""


class BarNotClosed(FailedPrecondition):
    """The bar has not closed by the server's clock."""


class BarConflict(TickcastError):
    """A bar with the same key and other values is stored. `metadata` shows both."""


class PrecedingBarRefused(TickcastError):
    """An earlier bar of the same series was refused; correct that one and send both again."""


class OutOfRange(TickcastError):
    """A position or time lies outside what is retained."""


class PositionExpired(OutOfRange):
    """The position to resume from is older than what is retained: some events are lost.

    Stream without it, or after the oldest position, which `metadata` names.
    """


class PositionAhead(OutOfRange):
    """The position to resume from lies after the last bar."""


class BarBeforeRetention(OutOfRange):
    """The bar is older than the oldest retained bar of its symbol."""


class ServerUnavailable(TickcastError):
    """The server cannot be reached, or cannot answer now."""

    retryable = True


class StoreUnavailable(ServerUnavailable):
    """The server's store cannot be reached."""


class ShuttingDown(ServerUnavailable):
    """The server is shutting down."""


class SlowReader(TickcastError):
    """The reader of a stream was slower than the predictions."""

    retryable = True


class TooManyStreams(TickcastError):
    """As many streams are open as may be, of one connection, of this host or of all."""

    @property
    def most_of_connection(self) -> int | None:
        """How many a connection may have open; `None` when it is not the connection that has."""
        of, limit = self.metadata.get("of", ""), self.metadata.get("limit", "")
        return int(limit) if of.startswith("connection ") and limit.isdecimal() else None


class ServerOverloaded(TickcastError):
    """As many calls wait for the server's store as may."""

    retryable = True


class DeadlineExceeded(TickcastError):
    """No answer came within the timeout. What was asked may have been done nevertheless."""


class CallCancelled(TickcastError):
    """The call was cancelled."""


class InternalError(TickcastError):
    """A fault of the server. Its log has the details under `metadata["errorId"]`."""


class UnexpectedStatus(TickcastError):
    """A code that no Tickcast server sends, so that something else answered, or a newer one."""


def _unpickled(
    kind: type[TickcastError], message: str, attributes: dict[str, Any]
) -> TickcastError:
    error = kind.__new__(kind, message)
    error.args = (message,)
    error.__dict__.update(attributes)
    return error
