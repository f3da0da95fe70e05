"""Every error that the contract names has a class of its own, or one that says as much."""

from __future__ import annotations

import pickle
from datetime import timedelta

import grpc
import pytest
import tickcast
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from tickcast import BarsRefused, IngestResult, InvalidBar, TickcastError, UnexpectedStatus
from tickcast import _status as statuses
from tickcast.v1 import error_reason_pb2

PREFIX = "ERROR_REASON_"
REASONS = [
    name.removeprefix(PREFIX)
    for name in error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name
    if not name.endswith("UNSPECIFIED")
]


def packed(message: Message) -> any_pb2.Any:
    value = any_pb2.Any()
    value.Pack(message)
    return value


def status(
    code: int, reason: str, *details: Message, domain: str = "tickcast"
) -> status_pb2.Status:
    info = error_details_pb2.ErrorInfo(
        reason=reason, domain=domain, metadata={"field": "bars[2].high"}
    )
    return status_pb2.Status(
        code=code, message="bars[2].high: was 1", details=[packed(info), *map(packed, details)]
    )


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_of_the_contract_has_a_class(reason: str) -> None:
    # No code tells two reasons apart, so that the class comes from the reason alone.
    error = statuses.from_status(status(code_pb2.DATA_LOSS, reason))
    assert type(error) is not UnexpectedStatus
    assert error.reason == reason
    assert type(error).__name__ in tickcast.__all__


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code.value[0]])
def test_a_reason_of_a_newer_server_is_told_by_its_code(code: grpc.StatusCode) -> None:
    error = statuses.from_status(status(code.value[0], "NEWER_THAN_THIS_CLIENT"))
    assert (error.code, error.reason) == (code, "NEWER_THAN_THIS_CLIENT")


def test_another_domains_reason_is_not_ours() -> None:
    error = statuses.from_status(status(code_pb2.NOT_FOUND, "SYMBOL_NOT_FOUND", domain="proxy"))
    assert type(error) is tickcast.NotFound
    assert error.reason == ""


def test_everything_that_the_server_said_is_kept() -> None:
    error = statuses.from_status(
        status(
            code_pb2.INVALID_ARGUMENT,
            "BAR_INVALID",
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(
                        field="bars[2].high", description="was 1, needed 2", reason="BAR_INVALID"
                    )
                ]
            ),
            error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=2)),
            error_details_pb2.RequestInfo(request_id="abc"),
        ),
        repeated="bars",
        offset=5_000,
    )
    assert type(error) is InvalidBar
    assert str(error) == "bars[5002].high: was 1"
    assert error.metadata == {"field": "bars[5002].high"}
    (violation,) = error.violations
    assert violation.field == "bars[5002].high"
    assert violation.description == "was 1, needed 2"
    assert error.retry_after == timedelta(seconds=2)
    assert error.request_id == "abc"


def test_errors_cross_processes_whole() -> None:
    original = statuses.from_status(status(code_pb2.NOT_FOUND, "SYMBOL_NOT_FOUND"))
    refused = BarsRefused([IngestResult(position=None, duplicate=False, error=original)], given=3)
    for error in (original, refused):
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
        assert type(copy) is type(error)
        assert str(copy) == str(error)
        assert (copy.code, copy.reason, copy.metadata) == (error.code, error.reason, error.metadata)
    assert "1 of 3 bars refused; the last 2 were not sent" in str(refused)


def test_every_class_is_exported_and_says_what_it_is() -> None:
    def below(kind: type[TickcastError]) -> list[type[TickcastError]]:
        return [kind] + [found for child in kind.__subclasses__() for found in below(child)]

    for kind in below(TickcastError):
        assert kind.__name__ in tickcast.__all__
        assert kind.__doc__
