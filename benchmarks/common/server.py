"""A Tickcast server of its own, and the calls that benchmarks make to it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from tickcast.v1.prediction_service_pb2 import (
    InlineFeatures,
    PredictRequest,
    StreamPredictionsRequest,
)
from tickcast_server.rpc.inference.protocol.grpc_service_pb2 import ModelInferRequest
from tickcast_server.testing import free_address

from benchmarks.common import models, processes
from benchmarks.common.processes import Running

ECHO = "/bench.Echo/Echo"
PREDICT = "/tickcast.v1.PredictionService/Predict"
BATCH_PREDICT = "/tickcast.v1.PredictionService/BatchPredict"
PREDICT_MATRIX = "/tickcast.v1.PredictionService/PredictMatrix"
STREAM_PREDICTIONS = "/tickcast.v1.PredictionService/StreamPredictions"
MODEL_INFER = "/inference.GRPCInferenceService/ModelInfer"
INGEST_BARS = "/tickcast.v1.MarketDataService/IngestBars"

_CALL_SECONDS = 120
_LONGEST_MESSAGE = 64 * 2**20


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that answers."""

    address: str
    models: Path
    """Its model repository."""

    running: Running

    def call(self, method: str, message: bytes) -> bytes:
        """One unary call. Raises `grpc.RpcError`."""
        options = [("grpc.max_receive_message_length", _LONGEST_MESSAGE)]
        with grpc.insecure_channel(self.address, options=options) as channel:
            caller: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
            return caller(message, timeout=_CALL_SECONDS)

    def ingest(self, requests: Sequence[bytes]) -> None:
        """Sends requests of IngestBars one after the other."""
        with grpc.insecure_channel(self.address) as channel:
            caller: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(INGEST_BARS)
            for request in requests:
                caller(request, timeout=_CALL_SECONDS)


@contextmanager
def serving(
    *,
    workers: int = 1,
    names: tuple[str, ...] = (models.NAME,),
    variables: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """A server with the 300 trees under each of these names, and no bars."""
    address = free_address()
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        repository = models.repository(data / "models", names)
        settings = {
            "TICKCAST_ADDRESS": address,
            "TICKCAST_METRICS_ADDRESS": "",
            "TICKCAST_DATA": str(data),
            "TICKCAST_MODELS": str(repository),
            "TICKCAST_LOG__LEVEL": "WARNING",
            "TICKCAST_WORKERS": str(workers),
            **(variables or {}),
        }
        command = (sys.executable, "-m", "tickcast_server")
        with processes.started(command, variables=settings) as running:
            processes.wait_until_connected(running, address)
            yield Server(address=address, models=repository, running=running)


@contextmanager
def ceiling(answer: bytes, *, workers: int = 1) -> Iterator[tuple[str, list[Running]]]:
    """Servers on one port that do nothing but answer with these bytes; yields where, and them."""
    address = free_address()
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(answer)
        arguments = ("-m", "benchmarks.common.echo", address, file.name)
        with processes.python(*arguments, count=workers) as running:
            for one in running:
                processes.wait_until_connected(one, address)
            yield address, running


def by_symbol(symbol: str, *, model: str = models.MODEL) -> bytes:
    """A Predict from the bars that the server holds."""
    return PredictRequest(model=model, symbol=symbol).SerializeToString()


def with_features(symbol: str) -> bytes:
    """A Predict from features of the request, packed."""
    return PredictRequest(
        model=models.MODEL, symbol=symbol, features=features()[0]
    ).SerializeToString()


def infer_features() -> bytes:
    """The row of features that `with_features` has, by the Open Inference Protocol, raw."""
    rows = models.feature_rows(1)
    request = ModelInferRequest(model_name=models.NAME)
    request.inputs.add(name="features", datatype="FP32", shape=rows.shape)
    request.raw_input_contents.append(rows.astype("<f4").tobytes())
    return request.SerializeToString()


def features(n: int = 1) -> list[InlineFeatures]:
    """Vectors for requests, packed."""
    given = []
    for row in models.feature_rows(n):
        one = InlineFeatures(packed_values=row.astype("<f4").tobytes(), last_close=100.0)
        one.as_of_time.seconds = 86_400
        given.append(one)
    return given


def subscription(symbols: Sequence[str] = (), *, batched: bool = False) -> bytes:
    """A StreamPredictions of these symbols, or of all, with a heartbeat a minute."""
    request = StreamPredictionsRequest(model=models.MODEL, symbols=symbols, batched=batched)
    request.heartbeat_interval.seconds = 60
    return request.SerializeToString()
