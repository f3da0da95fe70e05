"""Tensors between the wire and numpy.

A tensor's values are in the message either typed, in the field of its datatype, or raw: row by row,
little-endian, and each element of BYTES after its length in four bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickcast_server.rpc.inference.protocol.grpc_service_pb2 import (
    InferTensorContents,
    ModelInferRequest,
)
from tickcast_server.rpc.violations import Violations
from tickcast_server.serving.signature import ANY, DATATYPES, Tensor

_LENGTH_BYTES = 4

_CONTENTS: Mapping[str, str] = MappingProxyType(
    {
        "BOOL": "bool_contents",
        "INT8": "int_contents",
        "INT16": "int_contents",
        "INT32": "int_contents",
        "INT64": "int64_contents",
        "UINT8": "uint_contents",
        "UINT16": "uint_contents",
        "UINT32": "uint_contents",
        "UINT64": "uint64_contents",
        "FP32": "fp32_contents",
        "FP64": "fp64_contents",
        "BYTES": "bytes_contents",
    }
)
"""Of FP16 the protocol has no typed contents."""


class _Wrong(ValueError):
    """What is wrong with values, and what they need to be."""


def decode(
    message: ModelInferRequest.InferInputTensor,
    needed: Tensor,
    raw: bytes | None,
    *,
    path: str,
    wrong: Violations,
) -> NDArray[Any] | None:
    """The values of an input, raw or else typed; None when something is wrong, which is noted."""
    if message.datatype != needed.datatype:
        wrong.add(
            f"{path}.datatype",
            f"was {message.datatype!r}, needed {needed.datatype!r} for {needed.name!r}",
        )
        return None
    shape = tuple(message.shape)
    if not _fits(shape, needed.shape):
        wrong.add(
            f"{path}.shape",
            f"was {list(shape)}, needed {list(needed.shape)} for {needed.name!r}"
            + (f", {ANY} for 1 or more" if ANY in needed.shape else ""),
        )
        return None
    count = math.prod(shape)
    try:
        if raw is None:
            return _typed(message.contents, needed.datatype, count).reshape(shape)
        return _raw(raw, needed.datatype, count).reshape(shape)
    except _Wrong as error:
        where = "contents" if raw is None else "raw_input_contents"
        wrong.add(f"{path}.{where}", f"was {error} for {needed.name!r} of shape {list(shape)}")
        return None


def raw(values: NDArray[Any], datatype: str) -> bytes:
    """Values as raw contents."""
    if datatype == "BYTES":
        return b"".join(
            len(item).to_bytes(_LENGTH_BYTES, "little") + item for item in _encoded(values)
        )
    return values.astype(DATATYPES[datatype], copy=False).tobytes()


def typed(values: NDArray[Any], datatype: str) -> InferTensorContents:
    """Values as typed contents; empty for FP16, which has none."""
    contents = InferTensorContents()
    field = _CONTENTS.get(datatype)
    if field is not None:
        items = _encoded(values) if datatype == "BYTES" else values.reshape(-1).tolist()
        getattr(contents, field).extend(items)
    return contents


def _fits(shape: tuple[int, ...], needed: tuple[int, ...]) -> bool:
    return len(shape) == len(needed) and all(
        size == right if right != ANY else size > 0
        for size, right in zip(shape, needed, strict=True)
    )


def _raw(data: bytes, datatype: str, count: int) -> NDArray[Any]:
    if datatype == "BYTES":
        return _texts(_split(data, count))
    dtype = DATATYPES[datatype]
    if len(data) != count * dtype.itemsize:
        raise _Wrong(f"{len(data)} bytes, needed {count * dtype.itemsize}")
    if datatype == "BOOL":
        return np.frombuffer(data, dtype=np.uint8).astype(np.bool_)
    return np.frombuffer(data, dtype=dtype)


def _split(data: bytes, count: int) -> list[bytes]:
    items: list[bytes] = []
    at = 0
    while at + _LENGTH_BYTES <= len(data):
        end = at + _LENGTH_BYTES + int.from_bytes(data[at : at + _LENGTH_BYTES], "little")
        items.append(data[at + _LENGTH_BYTES : end])
        at = end
    if at != len(data) or len(items) != count:
        raise _Wrong(
            f"{len(data)} bytes of {len(items)} elements, needed {count} elements, each after its "
            f"length in {_LENGTH_BYTES} bytes"
        )
    return items


def _typed(contents: InferTensorContents, datatype: str, count: int) -> NDArray[Any]:
    field = _CONTENTS.get(datatype)
    if field is None:
        raise _Wrong(f"typed, needed raw_input_contents: {datatype} has no typed contents")
    given = [item.name for item, _ in contents.ListFields()]
    if any(name != field for name in given):
        raise _Wrong(f"{' and '.join(given)}, needed {field} alone")
    values = getattr(contents, field)
    if len(values) != count:
        raise _Wrong(f"{len(values)} values of {field}, needed {count}")
    if datatype == "BYTES":
        return _texts(values)
    dtype = DATATYPES[datatype]
    if dtype.kind in "iu":
        _check_range(values, datatype)
    return np.array(values, dtype=dtype)


def _check_range(values: Any, datatype: str) -> None:
    limits = np.iinfo(DATATYPES[datatype])
    for value in values:
        if not limits.min <= value <= limits.max:
            raise _Wrong(f"{value}, needed {limits.min} to {limits.max}, which {datatype} holds")


def _texts(items: Any) -> NDArray[Any]:
    texts = np.empty(len(items), dtype=np.object_)
    for index, item in enumerate(items):
        try:
            texts[index] = item.decode()
        except UnicodeDecodeError as error:
            raise _Wrong(f"{item!r} as element {index}, needed UTF-8") from error
    return texts


def _encoded(values: NDArray[Any]) -> list[bytes]:
    return [item if isinstance(item, bytes) else str(item).encode() for item in values.reshape(-1)]
