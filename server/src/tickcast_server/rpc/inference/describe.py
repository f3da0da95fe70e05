"""What the protocol tells of a model: its metadata, and the same as Triton's configuration."""

from __future__ import annotations

from collections.abc import Iterable

from tickcast_server.rpc.decode import MOST_ITEMS
from tickcast_server.rpc.inference.protocol.grpc_service_pb2 import ModelMetadataResponse
from tickcast_server.rpc.inference.protocol.model_config_pb2 import (
    DataType,
    ModelConfig,
    ModelInput,
    ModelOutput,
)
from tickcast_server.serving.signature import Signature, Tensor

_PLATFORM = "onnxruntime_onnx"
_BACKEND = "onnxruntime"
_CONFIG_TYPES = {"BYTES": "TYPE_STRING"}


def metadata(name: str, versions: Iterable[int], signature: Signature) -> ModelMetadataResponse:
    """Inputs and outputs with their whole shapes, -1 for what the request decides."""
    return ModelMetadataResponse(
        name=name,
        versions=[str(version) for version in sorted(versions)],
        platform=_PLATFORM,
        inputs=[_described(tensor) for tensor in signature.inputs.values()],
        outputs=[_described(tensor) for tensor in signature.outputs.values()],
    )


def config(name: str, signature: Signature) -> ModelConfig:
    """The same tensors; where every one has rows, their number is a limit and no dimension."""
    batched = signature.has_rows
    return ModelConfig(
        name=name,
        platform=_PLATFORM,
        backend=_BACKEND,
        max_batch_size=MOST_ITEMS if batched else 0,
        input=[
            ModelInput(name=tensor.name, data_type=_type(tensor), dims=_dims(tensor, batched))
            for tensor in signature.inputs.values()
        ],
        output=[
            ModelOutput(name=tensor.name, data_type=_type(tensor), dims=_dims(tensor, batched))
            for tensor in signature.outputs.values()
        ],
    )


def _described(tensor: Tensor) -> ModelMetadataResponse.TensorMetadata:
    return ModelMetadataResponse.TensorMetadata(
        name=tensor.name, datatype=tensor.datatype, shape=tensor.shape
    )


def _type(tensor: Tensor) -> DataType.ValueType:
    return DataType.Value(_CONFIG_TYPES.get(tensor.datatype, f"TYPE_{tensor.datatype}"))


def _dims(tensor: Tensor, batched: bool) -> tuple[int, ...]:
    return tensor.shape[1:] if batched else tensor.shape
