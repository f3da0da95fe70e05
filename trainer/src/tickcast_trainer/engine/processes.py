"""Processes of this machine."""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Self, TypeVar

from tickcast_trainer.engine.errors import LostWorker
from tickcast_trainer.engine.in_order import in_order

Item = TypeVar("Item")
Result = TypeVar("Result")


class ProcessEngine:
    """A pool of processes, which starts with the first item and ends with the context."""

    def __init__(self, processes: int) -> None:
        self.parallelism = processes
        # A fork of a process with threads, such as BLAS has, may wait for ever.
        context = multiprocessing.get_context("forkserver")
        self._pool = ProcessPoolExecutor(processes, mp_context=context)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield the results in the order of the items."""

        def submit(item: Item) -> Future[Result]:
            return self._pool.submit(function, item)

        try:
            yield from in_order(
                items, submit=submit, result=Future.result, ahead=2 * self.parallelism
            )
        except BrokenProcessPool as error:
            raise LostWorker(
                f"processes: one of {self.parallelism} ended before its time, most likely for "
                "want of memory; needed more of it, or fewer processes (--processes)"
            ) from error
