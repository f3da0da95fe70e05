"""MLServer with a model of its own class, in one process, asked over gRPC with raw contents."""

from __future__ import annotations

import asyncio
from pathlib import Path

from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec
from mlserver.grpc import dataplane_pb2
from mlserver.settings import ModelParameters
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.peers.graph import Arguments, Graph, arguments, framed

NAME = "bench"


class OnnxModel(MLModel):  # type: ignore[misc]  # it comes without types
    async def load(self) -> bool:
        self.graph = Graph(Path(self.settings.parameters.uri))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        rows = NumpyCodec.decode_input(payload.inputs[0])
        answer = NumpyCodec.encode_output("prediction", self.graph.run(rows))
        return InferenceResponse(model_name=self.name, outputs=[answer])


def write_request(given: Arguments) -> None:
    row = Graph(given.model).row()
    tensor = dataplane_pb2.ModelInferRequest.InferInputTensor(
        name="features", datatype="FP32", shape=row.shape
    )
    request = dataplane_pb2.ModelInferRequest(
        model_name=NAME, inputs=[tensor], raw_input_contents=[row.tobytes()]
    )
    given.request.write_bytes(framed(request.SerializeToString()))


async def serve(given: Arguments) -> None:
    http_port, metrics_port = given.spare_ports
    server = MLServer(
        Settings(
            debug=False,
            # The model answers in this process: quicker than a worker for one row.
            parallel_workers=0,
            host="127.0.0.1",
            grpc_port=given.port,
            http_port=http_port,
            metrics_port=metrics_port,
            metrics_endpoint=None,
        )
    )
    model = ModelSettings(
        name=NAME, implementation=OnnxModel, parameters=ModelParameters(uri=str(given.model))
    )
    await server.start([model])


if __name__ == "__main__":
    command_line = arguments()
    write_request(command_line)
    asyncio.run(serve(command_line))
