"""From a gRPC status to an exception: the one place where errors of calls come from.

The class follows the reason that the server gives, by a closed table. A reason that is not in it,
of a newer server, and an error that no Tickcast server made are told by their code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar, cast

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from tickcast._errors import (
    BarBeforeRetention,
    BarConflict,
    BarNotClosed,
    BarOutOfOrder,
    BatchTooLarge,
    CallCancelled,
    CrossSectionIncomplete,
    DeadlineExceeded,
    FailedPrecondition,
    FeatureCountMismatch,
    FeatureSetNotFound,
    FieldViolation,
    InternalError,
    InvalidBar,
    InvalidPageToken,
    InvalidRequest,
    ModelNotFound,
    ModelVersionNotFound,
    ModelVersionNotReady,
    ModelWithoutManifest,
    NotFound,
    OutOfRange,
    PositionAhead,
    PositionExpired,
    PrecedingBarRefused,
    PredictionOutdated,
    ServerOverloaded,
    ServerUnavailable,
    ShuttingDown,
    SlowReader,
    StoreUnavailable,
    SymbolNotFound,
    TickcastError,
    TimeframeMismatch,
    TimeframeNotFound,
    TooFewBars,
    TooManyStreams,
    UnexpectedStatus,
    UnloadRefused,
)

_DOMAIN = "tickcast"

_CLASS_OF_REASON: Mapping[str, type[TickcastError]] = {
    "INVALID_FIELDS": InvalidRequest,
    "FIELD_REQUIRED": InvalidRequest,
    "FIELD_INVALID": InvalidRequest,
    "BAR_INVALID": InvalidBar,
    "FEATURE_COUNT_MISMATCH": FeatureCountMismatch,
    "BATCH_TOO_LARGE": BatchTooLarge,
    "PAGE_TOKEN_INVALID": InvalidPageToken,
    "TIMEFRAME_MISMATCH": TimeframeMismatch,
    "SYMBOL_NOT_FOUND": SymbolNotFound,
    "TIMEFRAME_NOT_FOUND": TimeframeNotFound,
    "MODEL_NOT_FOUND": ModelNotFound,
    "MODEL_VERSION_NOT_FOUND": ModelVersionNotFound,
    "FEATURE_SET_NOT_FOUND": FeatureSetNotFound,
    "TOO_FEW_BARS": TooFewBars,
    "CROSS_SECTION_INCOMPLETE": CrossSectionIncomplete,
    "PREDICTION_OUTDATED": PredictionOutdated,
    "MODEL_WITHOUT_MANIFEST": ModelWithoutManifest,
    "UNLOAD_REFUSED": UnloadRefused,
    "MODEL_VERSION_NOT_READY": ModelVersionNotReady,
    "BAR_OUT_OF_ORDER": BarOutOfOrder,
    "BAR_NOT_CLOSED": BarNotClosed,
    "BAR_CONFLICT": BarConflict,
    "PRECEDING_BAR_REFUSED": PrecedingBarRefused,
    "POSITION_EXPIRED": PositionExpired,
    "POSITION_AHEAD": PositionAhead,
    "BAR_BEFORE_RETENTION": BarBeforeRetention,
    "STORE_UNAVAILABLE": StoreUnavailable,
    "SHUTTING_DOWN": ShuttingDown,
    "SLOW_READER": SlowReader,
    "TOO_MANY_STREAMS": TooManyStreams,
    "SERVER_OVERLOADED": ServerOverloaded,
    "INTERNAL": InternalError,
}

_CLASS_OF_CODE: Mapping[grpc.StatusCode, type[TickcastError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.OUT_OF_RANGE: OutOfRange,
    grpc.StatusCode.UNAVAILABLE: ServerUnavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.CANCELLED: CallCancelled,
    grpc.StatusCode.INTERNAL: InternalError,
}

_CODES = {code.value[0]: code for code in grpc.StatusCode}


def from_rpc_error(error: grpc.RpcError, *, repeated: str = "", offset: int = 0) -> TickcastError:
    """The error of a failed call, with everything that the server said about it."""
    call = cast("grpc.Call", error)
    try:
        status = rpc_status.from_call(call)
        if status is not None:
            return from_status(status, repeated=repeated, offset=offset)
    except (ValueError, DecodeError):
        # Something between the server and us has changed the code or the message: theirs counts.
        pass
    code = call.code()
    return _CLASS_OF_CODE.get(code, UnexpectedStatus)(call.details() or code.name, code=code)


def from_status(status: status_pb2.Status, *, repeated: str = "", offset: int = 0) -> TickcastError:
    """The error that a status describes.

    When what the caller gave was sent in several requests, the field `repeated` of this request
    began with item `offset` of the caller: paths are then the caller's.
    """
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    info = _detail(status, error_details_pb2.ErrorInfo)
    reason = info.reason if info.domain == _DOMAIN else ""
    retry = _detail(status, error_details_pb2.RetryInfo)
    kind = _CLASS_OF_REASON.get(reason) or _CLASS_OF_CODE.get(code, UnexpectedStatus)

    def placed(text: str) -> str:
        if not offset:
            return text
        return re.sub(
            rf"\b{repeated}\[(\d+)\]",
            lambda found: f"{repeated}[{int(found[1]) + offset}]",
            text,
        )

    return kind(
        placed(status.message) or code.name,
        code=code,
        reason=reason,
        metadata={key: placed(value) for key, value in info.metadata.items()},
        violations=[
            FieldViolation(
                field=placed(violation.field),
                description=placed(violation.description),
                reason=violation.reason,
            )
            for violation in _detail(status, error_details_pb2.BadRequest).field_violations
        ],
        retry_after=retry.retry_delay.ToTimedelta() if retry.HasField("retry_delay") else None,
        request_id=_detail(status, error_details_pb2.RequestInfo).request_id,
    )


_Detail = TypeVar("_Detail", bound=Message)


def _detail(status: status_pb2.Status, kind: type[_Detail]) -> _Detail:
    found = kind()
    for packed in status.details:
        if packed.Unpack(found):
            break
    return found
