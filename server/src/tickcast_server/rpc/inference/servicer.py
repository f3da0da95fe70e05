"""inference.GRPCInferenceService."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version

from tickcast_server.errors import TickcastError, UnloadRefused
from tickcast_server.rpc.call import Call
from tickcast_server.rpc.form import BINARY
from tickcast_server.rpc.inference import describe
from tickcast_server.rpc.inference.index import repository_index
from tickcast_server.rpc.inference.protocol import grpc_service_pb2 as pb
from tickcast_server.rpc.inference.request import InferQuery, infer_query, is_one_row
from tickcast_server.rpc.inference.response import infer_response, tell_of_features
from tickcast_server.rpc.inference.statistics import Statistics
from tickcast_server.rpc.inference.target import model_ref, number, signature
from tickcast_server.rpc.violations import Violations
from tickcast_server.serving.foreign import ForeignModel
from tickcast_server.serving.inference import Inference
from tickcast_server.serving.model import LoadedModel
from tickcast_server.serving.models import ModelEntry, Models
from tickcast_server.serving.repository import Repository
from tickcast_server.turn import Loss, NobodyWaits, Stage, Turn

_EXTENSIONS = ("model_repository", "model_configuration", "statistics")

# Asks for the status of a stream, in place of messages that tell of errors.
_REAL_STATUS = ("triton_grpc_error", "true")


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceServicer:
    """Decodes, runs models, encodes."""

    models: Models
    inference: Inference
    repository: Repository
    statistics: Statistics
    alone: bool
    """Whether this is the only process that serves on the port."""

    async def server_live(
        self, _request: pb.ServerLiveRequest, _call: Call
    ) -> pb.ServerLiveResponse:
        return pb.ServerLiveResponse(live=True)

    async def server_ready(
        self, _request: pb.ServerReadyRequest, _call: Call
    ) -> pb.ServerReadyResponse:
        return pb.ServerReadyResponse(ready=True)

    async def model_ready(
        self, request: pb.ModelReadyRequest, _call: Call
    ) -> pb.ModelReadyResponse:
        try:
            self._resolve(request.name, request.version, "name")
        except TickcastError:
            return pb.ModelReadyResponse(ready=False)
        return pb.ModelReadyResponse(ready=True)

    async def server_metadata(
        self, _request: pb.ServerMetadataRequest, _call: Call
    ) -> pb.ServerMetadataResponse:
        return pb.ServerMetadataResponse(
            name="tickcast", version=version("tickcast-server"), extensions=_EXTENSIONS
        )

    async def model_metadata(
        self, request: pb.ModelMetadataRequest, _call: Call
    ) -> pb.ModelMetadataResponse:
        model = self._resolve(request.name, request.version, "name")
        entry = self.models.entry(request.name)
        ready = [key for key, item in entry.versions.items() if item.loaded is not None]
        return describe.metadata(entry.name, ready, signature(model))

    async def model_config(
        self, request: pb.ModelConfigRequest, _call: Call
    ) -> pb.ModelConfigResponse:
        model = self._resolve(request.name, request.version, "name")
        return pb.ModelConfigResponse(config=describe.config(request.name, signature(model)))

    async def model_statistics(
        self, request: pb.ModelStatisticsRequest, _call: Call
    ) -> pb.ModelStatisticsResponse:
        return pb.ModelStatisticsResponse(
            model_stats=[
                self.statistics.of(entry.name, key, resource)
                for entry, key, resource in self._asked(request.name, request.version)
            ]
        )

    def model_infer_at_once(self, data: bytes, turn: Turn) -> pb.ModelInferResponse | None:
        request = BINARY.read(data, pb.ModelInferRequest)
        if not is_one_row(request):
            return None
        model = self._resolve(request.model_name, request.model_version, "model_name")
        if not isinstance(model, LoadedModel) or self.inference.batching.gathers(model):
            return None
        with self._failure_counted(model, turn):
            query = infer_query(request, signature(model), by_symbol=False)
            if query.parameters.timeout is not None:
                return None
            arrays = self.inference.of_row(model, query.inputs, turn)
            response = infer_response(query, signature(model), arrays)
        return self._finished(response, request, model, rows=1, turn=turn)

    async def model_infer(self, request: pb.ModelInferRequest, call: Call) -> pb.ModelInferResponse:
        model = self._resolve(request.model_name, request.model_version, "model_name")
        with self._failure_counted(model, call.turn):
            response, rows = await self._infer(request, model, call.turn)
        return self._finished(response, request, model, rows=rows, turn=call.turn)

    async def model_stream_infer(
        self, request: pb.ModelInferRequest, call: Call
    ) -> pb.ModelStreamInferResponse:
        try:
            return pb.ModelStreamInferResponse(infer_response=await self.model_infer(request, call))
        except (TickcastError, NobodyWaits) as error:
            if call.asks_for(*_REAL_STATUS):
                raise
            return pb.ModelStreamInferResponse(
                error_message=str(error), infer_response=pb.ModelInferResponse(id=request.id)
            )

    async def repository_index(
        self, request: pb.RepositoryIndexRequest, _call: Call
    ) -> pb.RepositoryIndexResponse:
        _check_repository(request.repository_name)
        return repository_index(
            self.models.catalogue, self.repository.unloaded, ready=request.ready
        )

    async def repository_model_load(
        self, request: pb.RepositoryModelLoadRequest, _call: Call
    ) -> pb.RepositoryModelLoadResponse:
        _check_repository(request.repository_name)
        wrong = Violations()
        for name, parameter in request.parameters.items():
            value = parameter.WhichOneof("parameter_choice")
            wrong.add(
                f"parameters.{name}",
                f"was a {value}, needed none: a model is loaded as its folder has it",
            )
        wrong.check()
        await self.repository.load(request.model_name)
        return pb.RepositoryModelLoadResponse()

    async def repository_model_unload(
        self, request: pb.RepositoryModelUnloadRequest, _call: Call
    ) -> pb.RepositoryModelUnloadResponse:
        _check_repository(request.repository_name)
        if not self.alone:
            raise UnloadRefused(request.model_name)
        await self.repository.unload(request.model_name)
        return pb.RepositoryModelUnloadResponse()

    async def _infer(
        self, request: pb.ModelInferRequest, model: LoadedModel | ForeignModel, turn: Turn
    ) -> tuple[pb.ModelInferResponse, int]:
        described = signature(model)
        query = infer_query(request, described, by_symbol=isinstance(model, LoadedModel))
        if query.parameters.timeout is None:
            return await self._run(query, model, turn)
        try:
            async with asyncio.timeout(query.parameters.timeout):
                return await self._run(query, model, turn)
        except TimeoutError as error:
            raise NobodyWaits(Loss.DEADLINE) from error

    async def _run(
        self, query: InferQuery, model: LoadedModel | ForeignModel, turn: Turn
    ) -> tuple[pb.ModelInferResponse, int]:
        if isinstance(model, LoadedModel) and query.symbols:
            arrays, predictions = await self.inference.of_symbols(model, query.symbols, turn)
            response = infer_response(query, signature(model), arrays)
            tell_of_features(response, predictions)
            return response, len(predictions)
        arrays = await self.inference.of_tensors(model, query.inputs, query.outputs, turn)
        response = infer_response(query, signature(model), arrays)
        return response, _rows(query, has_rows=signature(model).has_rows)

    @contextmanager
    def _failure_counted(self, model: LoadedModel | ForeignModel, turn: Turn) -> Iterator[None]:
        try:
            yield
        except (TickcastError, NobodyWaits):
            turn.end(Stage.FEATURES)
            self.statistics.failed(model.name, turn)
            raise

    def _finished(
        self,
        response: pb.ModelInferResponse,
        request: pb.ModelInferRequest,
        model: LoadedModel | ForeignModel,
        *,
        rows: int,
        turn: Turn,
    ) -> pb.ModelInferResponse:
        response.model_name = request.model_name
        response.model_version = number(model)
        response.id = request.id
        turn.end(Stage.ENCODING)
        self.statistics.succeeded(model.name, rows, turn)
        return response

    def _resolve(self, name: str, wanted: str, field: str) -> LoadedModel | ForeignModel:
        return self.models.resolve_any(model_ref(self.models, name, wanted, field))

    def _asked(self, name: str, wanted: str) -> Iterator[tuple[ModelEntry, str, str]]:
        if name and wanted:
            model = self._resolve(name, wanted, "name")
            yield self.models.entry(name), number(model), model.name
            return
        entries = [self.models.entry(name)] if name else self.models.catalogue.values()
        for entry in entries:
            for key, item in sorted(entry.versions.items()):
                if item.loaded is not None:
                    yield entry, str(key), item.name


def _rows(query: InferQuery, *, has_rows: bool) -> int:
    return len(next(iter(query.inputs.values()))) if has_rows and query.inputs else 1


def _check_repository(name: str) -> None:
    if name:
        wrong = Violations()
        wrong.add("repository_name", f"was {name!r}, needed none: there is one repository")
        wrong.check()
