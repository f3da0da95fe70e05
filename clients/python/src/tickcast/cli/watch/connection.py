"""How the connection is, in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

# Of heartbeats of a second: three that do not come are no accident.
_SILENCE = 3.5


class Connection:
    """Judges by what is heard: a server that is there says something every second."""

    def __init__(self, target: str, *, clock: Callable[[], float]) -> None:
        self._target = target
        self._clock = clock
        self._heard = clock()
        self._since: datetime | None = None
        self._openings = 0

    @property
    def well(self) -> bool:
        """Whether the server was heard a moment ago."""
        return self._since is not None and self._silence < _SILENCE

    def opened(self, time: datetime) -> None:
        """The stream has begun, or begun again."""
        self._since = time
        self._openings += 1

    def heard(self) -> None:
        """Something came."""
        self._heard = self._clock()

    def words(self) -> str:
        """One phrase."""
        if self._since is None:
            return f"connecting to {self._target}"
        if not self.well:
            return f"no word from {self._target} for {self._silence:.0f} s, trying again"
        again = " again" if self._openings > 1 else ""
        return f"connected{again} to {self._target} since {self._since:%H:%M:%S}"

    @property
    def _silence(self) -> float:
        return self._clock() - self._heard
