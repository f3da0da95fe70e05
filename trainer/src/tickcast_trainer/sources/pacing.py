"""No more requests in a while than a vendor allows."""

from collections.abc import Callable


class Pacer:
    """Lets calls pass at even distances, the first at once."""

    def __init__(
        self, *, per_minute: float, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._distance = 60.0 / per_minute
        self._clock = clock
        self._sleep = sleep
        self._next = float("-inf")

    def wait(self) -> None:
        """Wait until the next call may be made."""
        now = self._clock()
        if now < self._next:
            self._sleep(self._next - now)
        self._next = max(now, self._next) + self._distance
