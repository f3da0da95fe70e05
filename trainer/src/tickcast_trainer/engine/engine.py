"""What an engine is, and how one is found by its name."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol, TypeVar

EngineName = Literal["local", "ray"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class Engine(Protocol):
    """Applies a function to items, wherever it does."""

    @property
    def parallelism(self) -> int:
        """How many items are computed at once."""
        ...

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield the results in the order of the items, which are taken a few ahead of them.

        ``function``, items and results must be picklable. What ``function`` raises is raised here;
        LostWorker when a process ends that should not.
        """
        ...


class Here:
    """This process, one item after the other."""

    parallelism = 1

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Apply ``function`` when a result is asked for."""
        return map(function, items)


HERE = Here()
"""The engine of whoever asks for none."""


def open_engine(name: EngineName, processes: int) -> AbstractContextManager[Engine]:
    """Return an engine that ends with its context; one local process is this one.

    Raises InvalidSettings when the engine is not installed.
    """
    if name == "ray":
        from tickcast_trainer.engine.on_ray import RayEngine

        return RayEngine(processes)
    if processes == 1:
        return nullcontext(HERE)
    from tickcast_trainer.engine.processes import ProcessEngine

    return ProcessEngine(processes)
