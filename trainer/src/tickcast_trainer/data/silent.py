"""A progress that shows nothing, for steps that are part of a step that is shown."""

from collections.abc import Iterator
from contextlib import contextmanager

from tickcast_trainer.progress import Advance


class Silent:
    """Lets a step pass unseen."""

    @contextmanager
    def step(self, description: str, total: int) -> Iterator[Advance]:
        """Show nothing of the step."""
        yield lambda _units: None
