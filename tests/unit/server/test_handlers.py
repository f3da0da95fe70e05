"""A call that nobody waits for any more does not reach its servicer."""

from __future__ import annotations

import time
from typing import Any, NamedTuple, NoReturn

import grpc
import pytest
from tickcast.v1 import prediction_service_pb2 as pb
from tickcast_server.observe.metrics import Metrics
from tickcast_server.rpc.handlers import InFlight, service_handler
from tickcast_server.waits import Waits

PREDICT = "tickcast.v1.PredictionService/Predict"


class Details(NamedTuple):
    method: str
    invocation_metadata: tuple[tuple[str, str], ...] = ()


class Aborted(Exception):
    pass


class Context:
    """A call whose deadline and caller are as they are said to be."""

    def __init__(self, *, remaining: float | None, gone: bool) -> None:
        self._remaining = remaining
        self._gone = gone

    def time_remaining(self) -> float | None:
        return self._remaining

    def cancelled(self) -> bool:
        return self._gone

    async def abort_with_status(self, status: grpc.Status) -> NoReturn:
        raise Aborted(status.code.name)


class Servicer:
    """Answers Predict, and says how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def predict(self, _request: object, _call: object) -> pb.PredictResponse:
        self.asked += 1
        return pb.PredictResponse()

    batch_predict = predict_matrix = stream_predictions = predict


async def ask(servicer: Servicer, metrics: Metrics, context: Context) -> bytes:
    service = pb.DESCRIPTOR.services_by_name["PredictionService"]
    waits = Waits(least=1, most=1, slow=1.0, observer=metrics, timer=time.perf_counter)
    handlers: Any = service_handler(
        service, servicer, observer=metrics, in_flight=InFlight(), waits=waits
    )
    handler = handlers.service(Details(f"/{PREDICT}"))
    answer: bytes = await handler.unary_unary(b"", context)
    return answer


@pytest.mark.parametrize(
    ("remaining", "gone", "reason", "code"),
    [
        (0.0, False, "deadline", "DEADLINE_EXCEEDED"),
        (0.0, True, "deadline", "DEADLINE_EXCEEDED"),
        (None, True, "cancelled", "CANCELLED"),
        (2.0, True, "cancelled", "CANCELLED"),
    ],
)
async def test_work_for_nobody_is_counted_and_not_started(
    remaining: float | None, gone: bool, reason: str, code: str
) -> None:
    servicer, metrics = Servicer(), Metrics(stages=True)
    with pytest.raises(Aborted, match=code):
        await ask(servicer, metrics, Context(remaining=remaining, gone=gone))
    assert servicer.asked == 0
    labels = {"method": PREDICT, "reason": reason}
    assert metrics.registry.get_sample_value("tickcast_calls_lost_total", labels) == 1


@pytest.mark.parametrize("remaining", [None, 0.5])
async def test_work_for_somebody_is_done(remaining: float | None) -> None:
    servicer, metrics = Servicer(), Metrics(stages=True)
    await ask(servicer, metrics, Context(remaining=remaining, gone=False))
    assert servicer.asked == 1
