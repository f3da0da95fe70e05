"""ModelService."""

from __future__ import annotations

from dataclasses import dataclass

from tickcast.v1 import model_service_pb2 as pb

from tickcast_server.errors import InvalidRequest
from tickcast_server.rpc import encode
from tickcast_server.rpc.call import Call
from tickcast_server.rpc.names import parse_model, parse_version_ref
from tickcast_server.rpc.paging import page_of, page_request
from tickcast_server.rpc.violations import Violations
from tickcast_server.serving.models import ModelRef, Models

_MODEL_FORM = "models/{model}"
_VERSION_FORM = "models/{model}/versions/{version}"

# Versions are listed newest first: their keys count down from here.
_LARGEST_NUMBER = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelServicer:
    """Decodes, looks up models, encodes."""

    models: Models

    async def list_models(
        self, request: pb.ListModelsRequest, _call: Call
    ) -> pb.ListModelsResponse:
        page = page_request(
            size=request.page_size,
            token=request.page_token,
            default=100,
            maximum=1_000,
            arguments=[],
        )
        catalogue = self.models.catalogue
        names, token = page_of(page, list(catalogue), str)
        return pb.ListModelsResponse(
            models=[encode.model(catalogue[name]) for name in names], next_page_token=token
        )

    async def get_model(self, request: pb.GetModelRequest, _call: Call) -> pb.GetModelResponse:
        name = _model_name(request.name, "name")
        return pb.GetModelResponse(model=encode.model(self.models.entry(name)))

    async def list_model_versions(
        self, request: pb.ListModelVersionsRequest, _call: Call
    ) -> pb.ListModelVersionsResponse:
        name = _model_name(request.parent, "parent")
        page = page_request(
            size=request.page_size,
            token=request.page_token,
            default=100,
            maximum=1_000,
            arguments=[request.parent],
        )
        versions = self.models.entry(name).versions
        numbers, token = page_of(
            page,
            sorted(versions, reverse=True),
            lambda number: f"{_LARGEST_NUMBER - number:013d}",
        )
        return pb.ListModelVersionsResponse(
            model_versions=[encode.model_version(versions[number]) for number in numbers],
            next_page_token=token,
        )

    async def get_model_version(
        self, request: pb.GetModelVersionRequest, _call: Call
    ) -> pb.GetModelVersionResponse:
        version = self.models.version(_version_ref(request.name))
        return pb.GetModelVersionResponse(model_version=encode.model_version(version))


def _model_name(name: str, field: str) -> str:
    found = parse_model(name)
    if found is None:
        raise _wrong_name(name, field, _MODEL_FORM)
    return found


def _version_ref(name: str) -> ModelRef:
    found = parse_version_ref(name)
    if found is None:
        raise _wrong_name(name, "name", _VERSION_FORM)
    return found


def _wrong_name(name: str, field: str, needed: str) -> InvalidRequest:
    wrong = Violations()
    if name:
        wrong.add(field, f"was {name!r}, needed {needed}")
    else:
        wrong.required(field, needed)
    return wrong.error()
