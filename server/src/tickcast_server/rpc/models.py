"""ModelService."""

from __future__ import annotations

from dataclasses import dataclass

from tickcast.v1 import model_service_pb2 as pb

from tickcast_server.rpc import encode
from tickcast_server.rpc.handlers import Context
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

    async def ListModels(
        self, request: pb.ListModelsRequest, context: Context
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

    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> pb.GetModelResponse:
        name = _model_name(request.name, "name")
        return pb.GetModelResponse(model=encode.model(self.models.entry(name)))

    async def ListModelVersions(
        self, request: pb.ListModelVersionsRequest, context: Context
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

    async def GetModelVersion(
        self, request: pb.GetModelVersionRequest, context: Context
    ) -> pb.GetModelVersionResponse:
        version = self.models.version(_version_ref(request.name))
        return pb.GetModelVersionResponse(model_version=encode.model_version(version))


def _model_name(name: str, field: str) -> str:
    wrong = Violations()
    found = parse_model(name)
    if not name:
        wrong.required(field, _MODEL_FORM)
    elif found is None:
        wrong.add(field, f"was {name!r}, needed {_MODEL_FORM}")
    wrong.check()
    assert found is not None
    return found


def _version_ref(name: str) -> ModelRef:
    wrong = Violations()
    found = parse_version_ref(name)
    if not name:
        wrong.required("name", _VERSION_FORM)
    elif found is None:
        wrong.add("name", f"was {name!r}, needed {_VERSION_FORM}")
    wrong.check()
    assert found is not None
    return found
