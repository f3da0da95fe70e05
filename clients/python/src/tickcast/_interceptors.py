"""What stands around every call, of both clients, unary or a stream."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TypeAlias

from tickcast._errors import TickcastError


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingCall:
    """A call that is about to be made."""

    service: str
    """Full name of the service, for example "tickcast.v1.PredictionService"."""

    method: str
    """Name of the method, for example "Predict"."""

    streaming: bool
    """Whether events follow until the stream ends, instead of one answer."""

    target: str
    """Where it goes, as the client was told."""

    metadata: dict[str, str] = field(default_factory=dict)
    """What is sent with the call, by name in lower case; an interceptor may add to it. The token is
    not here."""


Interceptor: TypeAlias = Callable[[OutgoingCall], AbstractContextManager[object]]
"""Gives what the call is made within: entered before it, left with its error, or with none.

A function decorated with `contextlib.contextmanager` is one. A call is one also where it is sent
again or hedged; a stream is one for each time that it is opened. It may be left in another thread
than it was entered in.
"""


def status_name(error: BaseException) -> str:
    """Name of the gRPC code that a call ended with, for what left it with an error."""
    # All that interrupts a call besides its own errors has it cancelled.
    return error.code.name if isinstance(error, TickcastError) else "CANCELLED"
