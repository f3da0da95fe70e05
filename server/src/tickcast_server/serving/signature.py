"""The tensors that a graph takes and gives, as its own file says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import onnxruntime as ort

from tickcast_server.serving.unusable import UnusableModel

ANY = -1
"""A dimension that the request decides."""

DATATYPES: Mapping[str, np.dtype[Any]] = MappingProxyType(
    {
        "BOOL": np.dtype(np.bool_),
        "UINT8": np.dtype("u1"),
        "UINT16": np.dtype("<u2"),
        "UINT32": np.dtype("<u4"),
        "UINT64": np.dtype("<u8"),
        "INT8": np.dtype("i1"),
        "INT16": np.dtype("<i2"),
        "INT32": np.dtype("<i4"),
        "INT64": np.dtype("<i8"),
        "FP16": np.dtype("<f2"),
        "FP32": np.dtype("<f4"),
        "FP64": np.dtype("<f8"),
        "BYTES": np.dtype(np.object_),
    }
)
"""The Open Inference Protocol's names of types, and what they are in memory and on the wire."""

_OF_ONNXRUNTIME = MappingProxyType(
    {
        "tensor(bool)": "BOOL",
        "tensor(uint8)": "UINT8",
        "tensor(uint16)": "UINT16",
        "tensor(uint32)": "UINT32",
        "tensor(uint64)": "UINT64",
        "tensor(int8)": "INT8",
        "tensor(int16)": "INT16",
        "tensor(int32)": "INT32",
        "tensor(int64)": "INT64",
        "tensor(float16)": "FP16",
        "tensor(float)": "FP32",
        "tensor(double)": "FP64",
        "tensor(string)": "BYTES",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One input or output."""

    name: str
    datatype: str
    """A key of `DATATYPES`."""

    shape: tuple[int, ...]
    """`ANY` where the request decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What goes in, and what comes out, in the graph's order."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]

    @property
    def has_rows(self) -> bool:
        """Whether the first dimension of every tensor is the request's to decide."""
        tensors = (*self.inputs.values(), *self.outputs.values())
        return all(tensor.shape[:1] == (ANY,) for tensor in tensors)


def signature_of(session: ort.InferenceSession) -> Signature:
    """Reads the signature from a loaded graph. Raises `UnusableModel` for what is no tensor."""
    return Signature(inputs=_tensors(session.get_inputs()), outputs=_tensors(session.get_outputs()))


def _tensors(items: Sequence[ort.NodeArg]) -> Mapping[str, Tensor]:
    return MappingProxyType({item.name: _tensor(item) for item in items})


def _tensor(item: ort.NodeArg) -> Tensor:
    datatype = _OF_ONNXRUNTIME.get(item.type)
    if datatype is None:
        raise UnusableModel(f"{item.name} was {item.type}, needed a tensor{_repair(item.type)}")
    shape = (size if isinstance(size, int) and size >= 0 else ANY for size in item.shape or ())
    return Tensor(name=item.name, datatype=datatype, shape=tuple(shape))


def _repair(found: str) -> str:
    if not found.startswith(("seq(", "map(")):
        return f" of {', '.join(DATATYPES)}"
    # A classifier's probabilities, as skl2onnx writes them unless it is told otherwise.
    return (
        ": convert the model again without ZipMap, with skl2onnx as "
        "to_onnx(model, X, options={'zipmap': False})"
    )
