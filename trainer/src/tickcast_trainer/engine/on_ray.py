"""A Ray cluster, or a local one that is started and stopped with the run."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

from tickcast_trainer.engine.errors import LostWorker
from tickcast_trainer.engine.in_order import in_order
from tickcast_trainer.errors import InvalidSettings

Item = TypeVar("Item")
Result = TypeVar("Result")


class RayEngine:
    """Tasks of one processor each.

    Connects to the cluster that RAY_ADDRESS names; without it, starts one of ``processes`` workers
    here. Raises InvalidSettings when Ray is not installed.
    """

    def __init__(self, processes: int) -> None:
        try:
            import ray
        except ModuleNotFoundError as error:
            raise InvalidSettings(
                "engine: was 'ray', which is not installed; needed: "
                "pip install 'tickcast-trainer[ray]'"
            ) from error
        self.parallelism = processes
        self._ray: Any = ray
        self._is_ours = False

    def __enter__(self) -> Self:
        if not self._ray.is_initialized():
            # Ray sends usage figures to its makers unless told otherwise: a desk would mind.
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            here = {} if "RAY_ADDRESS" in os.environ else {"num_cpus": self.parallelism}
            self._ray.init(
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                **here,
            )
            self._is_ours = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._is_ours:
            self._ray.shutdown()

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield the results in the order of the items."""
        task = self._ray.remote(num_cpus=1, max_retries=0)(function)
        exceptions = self._ray.exceptions

        def result(reference: Any) -> Result:
            try:
                value: Result = self._ray.get(reference)
            except exceptions.RayTaskError as error:
                # Ray raises a type of its own that holds what the task raised.
                raise error.cause from error
            except (exceptions.WorkerCrashedError, exceptions.OutOfMemoryError) as error:
                raise LostWorker(
                    "engine: a Ray worker ended before its time, most likely for want of memory; "
                    "needed more of it, or fewer processors for each node"
                ) from error
            return value

        yield from in_order(items, submit=task.remote, result=result, ahead=2 * self.parallelism)
