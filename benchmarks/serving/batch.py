"""BatchPredict with features, beside onnxruntime alone on the same rows."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from tickcast.v1.prediction_service_pb2 import BatchPredictItem, BatchPredictRequest

from benchmarks.common import h2load, models
from benchmarks.common.h2load import Request
from benchmarks.common.options import Effort, main
from benchmarks.common.report import Report, Table, Target
from benchmarks.common.rounds import Ratio, in_turn
from benchmarks.common.server import BATCH_PREDICT, Server, features, serving

ROWS = (1, 64, 512)


def run(effort: Effort) -> Report:
    session = bare_session()
    with serving(workers=effort.workers) as server:
        found = {rows: _measure(server, session, rows, effort) for rows in ROWS}
    return Report(
        benchmark="batch",
        tables=[
            Table(
                title="BatchPredict from packed features over onnxruntime alone (one in flight)",
                rows=[
                    {
                        "rows": rows,
                        "p50 over onnxruntime": Ratio.of(sides["served"], sides["bare"]),
                        "served p50 us": statistics.median(sides["served"]),
                        "onnxruntime p50 us": statistics.median(sides["bare"]),
                        "us a row beyond it": (
                            statistics.median(sides["served"]) - statistics.median(sides["bare"])
                        )
                        / rows,
                    }
                    for rows, sides in found.items()
                ],
            )
        ],
        targets=[
            Target(
                name="BatchPredict of 512 rows: p50 over onnxruntime alone",
                found=Ratio.of(found[512]["served"], found[512]["bare"]).median,
                at_most=1.2,
            )
        ],
    )


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
    request = BatchPredictRequest(
        model=models.MODEL,
        items=[
            BatchPredictItem(symbol=f"S{i:05}", features=row)
            for i, row in enumerate(features(rows))
        ],
    ).SerializeToString()
    answer = server.call(BATCH_PREDICT, request)
    matrix: NDArray[np.float32] = models.feature_rows(rows)
    name = session.get_inputs()[0].name

    def served() -> float:
        load = h2load.closed_loop(
            Request.grpc(server.address, BATCH_PREDICT, request),
            in_flight=1,
            seconds=effort.seconds,
            answer_bytes=len(answer),
        )
        return load.latency.p50

    served()
    return in_turn(
        {
            "served": served,
            "bare": lambda: median_time(lambda: session.run(None, {name: matrix}), effort.seconds),
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
