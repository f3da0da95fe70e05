"""A ModelInferRequest as arrays. Reports every wrong field at once, with its path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from tickcast_server.rpc.decode import MOST_ITEMS, symbol
from tickcast_server.rpc.inference import tensors
from tickcast_server.rpc.inference.parameters import (
    RequestParameters,
    check_tensor_parameters,
    request_parameters,
)
from tickcast_server.rpc.inference.protocol.grpc_service_pb2 import ModelInferRequest
from tickcast_server.rpc.violations import Violations
from tickcast_server.serving.signature import ANY, Signature, Tensor

SYMBOL = "symbol"

_SYMBOLS = (
    Tensor(name=SYMBOL, datatype="BYTES", shape=(ANY,)),
    Tensor(name=SYMBOL, datatype="BYTES", shape=(ANY, 1)),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InferQuery:
    """What to infer."""

    inputs: Mapping[str, NDArray[Any]]
    """By name; empty when symbols are asked for."""

    symbols: Sequence[str]
    outputs: Sequence[str]
    """Names, in the order of the answer."""

    parameters: RequestParameters


def infer_query(request: ModelInferRequest, signature: Signature, *, by_symbol: bool) -> InferQuery:
    """Reads a request to a model with this signature, which may take symbols in place of inputs.

    Raises `InvalidRequest`.
    """
    wrong = Violations()
    parameters = request_parameters(request.parameters, wrong)
    raws = _raw_contents(request, wrong)
    outputs = _outputs(request, signature, wrong)
    if by_symbol and [item.name for item in request.inputs] == [SYMBOL]:
        symbols = _symbols(request.inputs[0], raws[0], wrong)
        wrong.check()
        return InferQuery(inputs={}, symbols=symbols, outputs=outputs, parameters=parameters)
    inputs = _inputs(request, signature, raws, wrong)
    wrong.check()
    return InferQuery(inputs=inputs, symbols=(), outputs=outputs, parameters=parameters)


def is_one_row(request: ModelInferRequest) -> bool:
    """Whether the input is one row of features, and no symbol in place of them."""
    inputs = request.inputs
    return len(inputs) == 1 and inputs[0].name != SYMBOL and inputs[0].shape[:1] == [1]


def _raw_contents(request: ModelInferRequest, wrong: Violations) -> Sequence[bytes | None]:
    """The raw contents of each input, in their order; None for all when they are typed."""
    count, raws = len(request.inputs), request.raw_input_contents
    if not raws:
        return [None] * count
    for index, item in enumerate(request.inputs):
        if item.HasField("contents"):
            wrong.add(
                f"inputs[{index}].contents",
                f"was given for {item.name!r} beside raw_input_contents, needed one of the two",
            )
    if len(raws) != count:
        wrong.add("raw_input_contents", f"was {len(raws)}, needed {count}: one for each input")
        wrong.check()
    return list(raws)


def _inputs(
    request: ModelInferRequest,
    signature: Signature,
    raws: Sequence[bytes | None],
    wrong: Violations,
) -> Mapping[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    named: set[str] = set()
    for index, item in enumerate(request.inputs):
        path = f"inputs[{index}]"
        check_tensor_parameters(item.parameters, path, wrong)
        needed = signature.inputs.get(item.name)
        if needed is None or item.name in named:
            again = " again" if item.name in named else ""
            names = " and ".join(signature.inputs)
            wrong.add(f"{path}.name", f"was {item.name!r}{again}, needed {names} once")
            continue
        named.add(item.name)
        if signature.has_rows and item.shape and item.shape[0] > MOST_ITEMS:
            wrong.add(
                f"{path}.shape",
                f"was {list(item.shape)} for {item.name!r}, needed at most {MOST_ITEMS} rows",
                "BATCH_TOO_LARGE",
            )
            continue
        values = tensors.decode(item, needed, raws[index], path=path, wrong=wrong)
        if values is not None:
            found[item.name] = values
    for name in signature.inputs:
        if name not in named:
            wrong.required(f"inputs.{name}", _described(signature.inputs[name]))
    return found


def _outputs(request: ModelInferRequest, signature: Signature, wrong: Violations) -> Sequence[str]:
    if not request.outputs:
        return list(signature.outputs)
    names: list[str] = []
    for index, item in enumerate(request.outputs):
        path = f"outputs[{index}]"
        check_tensor_parameters(item.parameters, path, wrong)
        if item.name not in signature.outputs or item.name in names:
            again = " again" if item.name in names else ""
            wrong.add(
                f"{path}.name",
                f"was {item.name!r}{again}, needed one of {', '.join(signature.outputs)}, once",
            )
        names.append(item.name)
    return names


def _symbols(
    item: ModelInferRequest.InferInputTensor, raw: bytes | None, wrong: Violations
) -> Sequence[str]:
    check_tensor_parameters(item.parameters, "inputs[0]", wrong)
    if item.shape and item.shape[0] > MOST_ITEMS:
        wrong.add(
            "inputs[0].shape",
            f"was {list(item.shape)} for {SYMBOL!r}, needed at most {MOST_ITEMS} rows",
            "BATCH_TOO_LARGE",
        )
        return ()
    needed = _SYMBOLS[1] if len(item.shape) == 2 else _SYMBOLS[0]
    values = tensors.decode(item, needed, raw, path="inputs[0]", wrong=wrong)
    if values is None:
        return ()
    symbols: list[str] = values.reshape(-1).tolist()
    for index, text in enumerate(symbols):
        symbol(text, f"inputs[0].{SYMBOL}[{index}]", wrong)
    return symbols


def _described(tensor: Tensor) -> str:
    return f"{tensor.datatype} of shape {list(tensor.shape)}"
