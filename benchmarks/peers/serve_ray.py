"""Ray Serve with one replica behind its gRPC proxy, asked with Tickcast's own messages."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import numpy as np
import ray
from ray import serve
from ray.serve.config import HTTPOptions, gRPCOptions
from ray.serve.schema import LoggingConfig
from tickcast.v1.prediction_pb2 import Prediction
from tickcast.v1.prediction_service_pb2 import PredictRequest, PredictResponse

from benchmarks.peers.graph import Arguments, Graph, arguments, framed

NAME = "bench"


@serve.deployment(
    num_replicas=1,
    max_ongoing_requests=1_000,
    logging_config=LoggingConfig(enable_access_log=False),
)
class OnnxModel:
    def __init__(self, model: str) -> None:
        self.graph = Graph(Path(model))

    async def Predict(self, request: PredictRequest) -> PredictResponse:  # noqa: N802
        row = np.frombuffer(request.features.packed_values, dtype="<f4").reshape(1, -1)
        prediction = Prediction(predicted_return=float(self.graph.run(row)[0, 0]))
        return PredictResponse(prediction=prediction)


def write_request(given: Arguments) -> None:
    request = PredictRequest(model=NAME, symbol="AAPL")
    request.features.packed_values = Graph(given.model).row().tobytes()
    given.request.write_bytes(framed(request.SerializeToString()))


if __name__ == "__main__":
    command_line = arguments()
    write_request(command_line)
    service = "tickcast.v1.prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server"
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
    serve.start(
        http_options=HTTPOptions(host="127.0.0.1", port=command_line.spare_ports[0]),
        grpc_options=gRPCOptions(port=command_line.port, grpc_servicer_functions=[service]),
        logging_config=LoggingConfig(enable_access_log=False),
    )
    serve.run(OnnxModel.bind(str(command_line.model)), name=NAME)  # type: ignore[attr-defined]
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()
    serve.shutdown()  # type: ignore[no-untyped-call]
