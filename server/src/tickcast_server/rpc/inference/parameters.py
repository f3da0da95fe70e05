"""The parameters of requests, of which those that are not understood but would matter are refused.

Others are the caller's own and mean nothing here, as in Triton.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tickcast_server.rpc.inference.protocol.grpc_service_pb2 import InferParameter
from tickcast_server.rpc.violations import Violations

TYPED_CONTENTS = "typed_contents"
"""Asks for outputs with typed contents, beside the raw ones."""

FINAL_RESPONSE = "triton_enable_empty_final_response"
"""Asks for the mark of the last response to a request of a stream: every one of ours is."""

_INTEGERS = ("int64_param", "uint64_param")
_MICROSECONDS = 1e6

_NO_SEQUENCES = "no sequence: models here keep nothing between requests"
_NO_SHARED_MEMORY = "values in the message: memory is not shared with callers"
_REFUSED: Mapping[str, str] = {
    "sequence_id": _NO_SEQUENCES,
    "sequence_start": _NO_SEQUENCES,
    "sequence_end": _NO_SEQUENCES,
}
_REFUSED_OF_TENSORS: Mapping[str, str] = {
    "shared_memory_region": _NO_SHARED_MEMORY,
    "shared_memory_offset": _NO_SHARED_MEMORY,
    "shared_memory_byte_size": _NO_SHARED_MEMORY,
    "classification": "the output itself: the caller sorts it",
}

Parameters = Mapping[str, InferParameter]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestParameters:
    """What the parameters of a request ask for."""

    timeout: float | None
    """Seconds that the answer is worth waiting for."""

    typed_contents: bool
    final_response: bool


NOTHING = RequestParameters(timeout=None, typed_contents=False, final_response=False)


def request_parameters(given: Parameters, wrong: Violations) -> RequestParameters:
    """Reads the parameters of a request."""
    if not given:
        return NOTHING
    _refuse(given, _REFUSED, "parameters", wrong)
    # There is one queue, in which nobody is preferred.
    _integer(given, "priority", wrong)
    timeout = _integer(given, "timeout", wrong)
    return RequestParameters(
        timeout=timeout / _MICROSECONDS if timeout else None,
        typed_contents=_switch(given, TYPED_CONTENTS, wrong),
        final_response=_switch(given, FINAL_RESPONSE, wrong),
    )


def check_tensor_parameters(given: Parameters, path: str, wrong: Violations) -> None:
    """Refuses what cannot be done with an input or output."""
    if given:
        _refuse(given, _REFUSED_OF_TENSORS, f"{path}.parameters", wrong)


def shown(parameter: InferParameter) -> str:
    """A parameter's value, for a message."""
    choice = parameter.WhichOneof("parameter_choice")
    return repr(getattr(parameter, choice)) if choice else "empty"


def _refuse(given: Parameters, refused: Mapping[str, str], path: str, wrong: Violations) -> None:
    for name, needed in refused.items():
        if name in given:
            wrong.add(f"{path}.{name}", f"was {shown(given[name])}, needed {needed}")


def _integer(given: Parameters, name: str, wrong: Violations) -> int:
    if name not in given:
        return 0
    choice = given[name].WhichOneof("parameter_choice")
    value: int = getattr(given[name], choice) if choice in _INTEGERS else -1
    if value < 0:
        wrong.add(
            f"parameters.{name}",
            f"was {shown(given[name])}, needed an int64_param or uint64_param of 0 or more",
        )
    return max(value, 0)


def _switch(given: Parameters, name: str, wrong: Violations) -> bool:
    if name not in given:
        return False
    if given[name].WhichOneof("parameter_choice") != "bool_param":
        wrong.add(f"parameters.{name}", f"was {shown(given[name])}, needed a bool_param")
    return given[name].bool_param
