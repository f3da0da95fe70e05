"""How far a run has come, and what it noticed: bars on a terminal, plain lines elsewhere."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

Advance: TypeAlias = Callable[[int], None]
"""Says that so many more units of a step are done."""


class Progress(Protocol):
    """Shows the steps of a run."""

    def step(self, description: str, total: int) -> AbstractContextManager[Advance]:
        """Begin a step of ``total`` units, which ends with the context."""
        ...


class ProgressBars:
    """A bar for each step, all drawn in one place of the terminal."""

    def __init__(self, bars: RichProgress) -> None:
        self._bars = bars

    @contextmanager
    def step(self, description: str, total: int) -> Iterator[Advance]:
        """Add a bar of ``total`` units."""
        task = self._bars.add_task(description, total=total)
        yield lambda units: self._bars.advance(task, units)


class ProgressLines:
    """A line for each step once it is done."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, description: str, total: int) -> Iterator[Advance]:
        """Print how long the step of ``total`` units took."""
        begin = time.monotonic()
        yield lambda _units: None
        self._console.print(f"{description}: {total:,} in {time.monotonic() - begin:.1f} s")


@contextmanager
def show_progress(console: Console) -> Iterator[Progress]:
    """Draw progress on ``console`` while the context lasts."""
    if not console.is_terminal:
        yield ProgressLines(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with RichProgress(*columns, console=console) as bars:
        yield ProgressBars(bars)


@contextmanager
def show_notes(console: Console) -> Iterator[None]:
    """Print what the trainer logs on ``console``, above the bars, while the context lasts."""
    logger = logging.getLogger(__package__)
    handler = _ConsoleHandler(console)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class _ConsoleHandler(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.print(self.format(record), markup=False, highlight=False, soft_wrap=True)
