"""The one table from the server's errors to gRPC codes and the contract's reasons."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from tickcast_server import errors

DOMAIN = "tickcast"

# Status details travel in trailers, which have a soft limit of 8 KiB: past it the caller would see
# RESOURCE_EXHAUSTED instead of the error.
_MOST_VIOLATIONS = 20
_MOST_VIOLATION_BYTES = 3_000
_LONGEST_TEXT = 256

TABLE: dict[type[errors.TickcastError], tuple[int, str]] = {
    errors.SymbolNotFound: (code_pb2.NOT_FOUND, "SYMBOL_NOT_FOUND"),
    errors.TimeframeNotFound: (code_pb2.NOT_FOUND, "TIMEFRAME_NOT_FOUND"),
    errors.ModelNotFound: (code_pb2.NOT_FOUND, "MODEL_NOT_FOUND"),
    errors.ModelVersionNotFound: (code_pb2.NOT_FOUND, "MODEL_VERSION_NOT_FOUND"),
    errors.FeatureSetNotFound: (code_pb2.NOT_FOUND, "FEATURE_SET_NOT_FOUND"),
    errors.NotEnoughBars: (code_pb2.FAILED_PRECONDITION, "TOO_FEW_BARS"),
    errors.CrossSectionIncomplete: (code_pb2.FAILED_PRECONDITION, "CROSS_SECTION_INCOMPLETE"),
    errors.PredictionOutdated: (code_pb2.FAILED_PRECONDITION, "PREDICTION_OUTDATED"),
    errors.ModelVersionNotReady: (code_pb2.FAILED_PRECONDITION, "MODEL_VERSION_NOT_READY"),
    errors.ModelWithoutManifest: (code_pb2.FAILED_PRECONDITION, "MODEL_WITHOUT_MANIFEST"),
    errors.UnloadRefused: (code_pb2.FAILED_PRECONDITION, "UNLOAD_REFUSED"),
    errors.BarOutOfOrder: (code_pb2.FAILED_PRECONDITION, "BAR_OUT_OF_ORDER"),
    errors.BarNotClosed: (code_pb2.FAILED_PRECONDITION, "BAR_NOT_CLOSED"),
    errors.BarConflict: (code_pb2.ALREADY_EXISTS, "BAR_CONFLICT"),
    errors.PrecedingBarRefused: (code_pb2.ABORTED, "PRECEDING_BAR_REFUSED"),
    errors.PositionExpired: (code_pb2.OUT_OF_RANGE, "POSITION_EXPIRED"),
    errors.PositionAhead: (code_pb2.OUT_OF_RANGE, "POSITION_AHEAD"),
    errors.BarBeforeRetention: (code_pb2.OUT_OF_RANGE, "BAR_BEFORE_RETENTION"),
    errors.StoreUnavailable: (code_pb2.UNAVAILABLE, "STORE_UNAVAILABLE"),
    errors.ShuttingDown: (code_pb2.UNAVAILABLE, "SHUTTING_DOWN"),
    errors.SlowReader: (code_pb2.RESOURCE_EXHAUSTED, "SLOW_READER"),
    errors.TooManyStreams: (code_pb2.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS"),
    errors.ServerOverloaded: (code_pb2.RESOURCE_EXHAUSTED, "SERVER_OVERLOADED"),
}


def status_of(error: errors.TickcastError, *, request_id: str = "") -> status_pb2.Status:
    """The status that a caller sees, with every detail that AIP-193 asks for."""
    code, reason = _code_and_reason(error)
    return _status(code, error.message, reason, error.metadata, _details(error), request_id)


def _code_and_reason(error: errors.TickcastError) -> tuple[int, str]:
    if isinstance(error, errors.InvalidRequest):
        return code_pb2.INVALID_ARGUMENT, _common_reason(error.violations)
    return TABLE[type(error)]


def internal_status(*, request_id: str) -> status_pb2.Status:
    """The status for a fault of ours: a fixed text, with an id under which the log has the rest."""
    return _status(
        code_pb2.INTERNAL,
        f"internal error; the server's log has the details under {request_id}",
        "INTERNAL",
        {"errorId": request_id},
        (),
        request_id,
    )


def _status(
    code: int,
    message: str,
    reason: str,
    metadata: dict[str, str],
    details: Iterable[Message],
    request_id: str,
) -> status_pb2.Status:
    info = error_details_pb2.ErrorInfo(
        reason=reason,
        domain=DOMAIN,
        metadata={key: _short(value) for key, value in metadata.items()},
    )
    messages: list[Message] = [info, *details]
    if request_id:
        messages.append(error_details_pb2.RequestInfo(request_id=request_id))
    return status_pb2.Status(
        code=code, message=_short(message, 512), details=[_packed(item) for item in messages]
    )


def _details(error: errors.TickcastError) -> Iterable[Message]:
    match error:
        case errors.InvalidRequest():
            yield _bad_request(error.violations)
        case errors.NotFound():
            yield error_details_pb2.ResourceInfo(
                resource_type=error.resource_type,
                resource_name=_short(error.resource),
                description=_short(error.message),
            )
        case errors.FailedPrecondition():
            yield error_details_pb2.PreconditionFailure(
                violations=[
                    error_details_pb2.PreconditionFailure.Violation(
                        type=TABLE[type(error)][1],
                        subject=_short(error.metadata.get("symbol", "")),
                        description=_short(error.message),
                    )
                ]
            )
        case errors.Unavailable() | errors.ServerOverloaded():
            yield _retry_after(error.retry_after)
        case errors.SlowReader():
            yield _retry_after(0.1)
        case _:
            pass


def _bad_request(violations: tuple[errors.Violation, ...]) -> error_details_pb2.BadRequest:
    request = error_details_pb2.BadRequest()
    for index, violation in enumerate(violations):
        if index == _MOST_VIOLATIONS or request.ByteSize() > _MOST_VIOLATION_BYTES:
            request.field_violations.add(
                field=_short(violation.field), description=f"and {len(violations) - index} more"
            )
            break
        request.field_violations.add(
            field=_short(violation.field),
            description=_short(violation.description),
            reason=violation.reason,
        )
    return request


def _common_reason(violations: tuple[errors.Violation, ...]) -> str:
    reasons = {violation.reason for violation in violations}
    return reasons.pop() if len(reasons) == 1 else "INVALID_FIELDS"


def _retry_after(seconds: float) -> error_details_pb2.RetryInfo:
    delay = duration_pb2.Duration()
    delay.FromNanoseconds(int(seconds * 1e9))
    return error_details_pb2.RetryInfo(retry_delay=delay)


def _packed(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def _short(text: str, limit: int = _LONGEST_TEXT) -> str:
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
