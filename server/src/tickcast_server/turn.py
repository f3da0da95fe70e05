"""One call's turn: where its time goes, and whether anybody still waits for its answer.

Beside the layers, as `errors` is: each of them books what it has done with the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from enum import Enum, IntEnum


class Stage(IntEnum):
    """What the time of a call is spent on."""

    QUEUE = 0
    """From the call's arrival until its handler runs: receiving the message, and other calls."""

    STORE = 1
    """Waiting for the store."""

    FEATURES = 2
    """Reading the request, and looking up or computing features."""

    INFERENCE = 3
    """Running the model."""

    ENCODING = 4
    """From what the model said to the bytes of the answer."""


_STAGES = len(Stage)

SEVERAL = "several"
"""In place of a model version, in a call that asked several."""


class Loss(Enum):
    """Why nobody waits for an answer any more."""

    DEADLINE = "deadline"
    CANCELLED = "cancelled"


class NobodyWaits(Exception):
    """The rest of the work would be done for nobody."""

    def __init__(self, loss: Loss) -> None:
        super().__init__(loss.value)
        self.loss = loss


def _somebody_waits() -> Loss | None:
    return None


class Turn:
    """Books time on stages, from the moment that it is made."""

    __slots__ = (
        "_began",
        "_since",
        "_timer",
        "arrival",
        "lost",
        "model_version",
        "seconds",
        "waiting",
    )

    def __init__(
        self,
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.waiting = waiting
        """Entered while the call waits for the store; refuses when too many do."""

        self._timer = timer
        self._began = self._since = timer()
        self.seconds = [0.0] * _STAGES
        """By stage; 0 for one that was not entered."""

        self.arrival = 0
        """Its number among the calls that have come, where they are numbered."""

        self.model_version = ""
        """What was asked: a resource name, or `SEVERAL`. Empty until it is known."""

        self.lost: Callable[[], Loss | None] = _somebody_waits
        """Says whether, and why, nobody waits any more."""

    @property
    def age(self) -> float:
        """Seconds since it was made."""
        return self._timer() - self._began

    def end(self, stage: Stage) -> float:
        """Books the time since the last stage ended on this one, and returns it."""
        now = self._timer()
        spent = now - self._since
        self.seconds[stage] += spent
        self._since = now
        return spent

    def check(self) -> None:
        """Raises `NobodyWaits` when going on is of no use to anybody."""
        loss = self.lost()
        if loss is not None:
            raise NobodyWaits(loss)
