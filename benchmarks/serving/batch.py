"""BatchPredict and PredictMatrix with features, beside onnxruntime alone on the same rows."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import onnxruntime as ort
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from numpy.typing import NDArray
from tickcast.v1.prediction_service_pb2 import (
    BatchPredictItem,
    BatchPredictRequest,
    PredictMatrixRequest,
)

from benchmarks.common import h2load, models
from benchmarks.common.h2load import Request
from benchmarks.common.options import Effort, main
from benchmarks.common.report import Report, Table, Target
from benchmarks.common.rounds import Ratio, in_turn
from benchmarks.common.server import (
    BATCH_PREDICT,
    PREDICT_MATRIX,
    Server,
    features,
    serving,
)

ROWS = (1, 64, 512)
BATCH, MATRIX, BARE = "BatchPredict", "PredictMatrix", "onnxruntime"

_WHEN = Timestamp(seconds=86_400)


def run(effort: Effort) -> Report:
    session = bare_session()
    with serving(workers=effort.workers) as server:
        found = {rows: _measure(server, session, rows, effort) for rows in ROWS}
    return Report(
        benchmark="batch",
        tables=[
            Table(
                title="Batches of packed features over onnxruntime alone (one in flight)",
                rows=[
                    _row(method, rows, sides)
                    for method in (BATCH, MATRIX)
                    for rows, sides in found.items()
                ],
            )
        ],
        targets=[
            Target(
                name="BatchPredict of 512 rows: p50 over onnxruntime alone",
                found=Ratio.of(found[512][BATCH], found[512][BARE]).median,
                at_most=1.2,
            ),
            Target(
                name="PredictMatrix of 512 rows: p50 over onnxruntime alone",
                found=Ratio.of(found[512][MATRIX], found[512][BARE]).median,
                at_most=1.2,
            ),
        ],
    )


def _row(
    method: str, rows: int, sides: dict[str, list[float]]
) -> dict[str, Ratio | float | int | str]:
    served, bare = statistics.median(sides[method]), statistics.median(sides[BARE])
    return {
        "method": method,
        "rows": rows,
        "p50 over onnxruntime": Ratio.of(sides[method], sides[BARE]),
        "served p50 us": served,
        "onnxruntime p50 us": bare,
        "us a row beyond it": (served - bare) / rows,
    }


def bare_session() -> ort.InferenceSession:
    """The model with the server's options: one thread that does not spin."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(
        models.onnx_file().read_bytes(), options, providers=["CPUExecutionProvider"]
    )


def _measure(
    server: Server, session: ort.InferenceSession, rows: int, effort: Effort
) -> dict[str, list[float]]:
    values: NDArray[np.float32] = models.feature_rows(rows)
    batch = BatchPredictRequest(
        model=models.MODEL,
        items=[
            BatchPredictItem(symbol=f"S{i:05}", features=row)
            for i, row in enumerate(features(rows))
        ],
    )
    matrix = PredictMatrixRequest(
        model=models.MODEL, packed_values=values.astype("<f4").tobytes(), as_of_time=_WHEN
    )
    name = session.get_inputs()[0].name

    def served(method: str, request: Message) -> Callable[[], float]:
        message = request.SerializeToString()
        answer = server.call(method, message)

        def load() -> float:
            found = h2load.closed_loop(
                Request.grpc(server.address, method, message),
                in_flight=1,
                seconds=effort.seconds,
                answer_bytes=len(answer),
            )
            return found.latency.p50

        load()
        return load

    return in_turn(
        {
            BATCH: served(BATCH_PREDICT, batch),
            MATRIX: served(PREDICT_MATRIX, matrix),
            BARE: lambda: median_time(lambda: session.run(None, {name: values}), effort.seconds),
        },
        effort.rounds,
    )


def median_time(work: Callable[[], object], seconds: float) -> float:
    """Microseconds that `work` takes, again and again for some seconds."""
    times = []
    end = time.perf_counter() + seconds
    while (begin := time.perf_counter()) < end:
        work()
        times.append((time.perf_counter() - begin) * 1e6)
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main([run], "batch"))
