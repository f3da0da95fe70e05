"""Metrics that several processes keep together, in files of one folder.

The files of a process are named by a number that it alone has while it runs. The next one of that
number goes on with them: counts never fall, and there are no more files than numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from prometheus_client import PLATFORM_COLLECTOR, CollectorRegistry, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from tickcast_server.observe.processes import ProcessesCollector

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder. Must be set before a process imports prometheus_client."""


def share_metrics(number: int) -> None:
    """Has this process keep the values of all metrics, made from here on, as number `number`."""
    values.ValueClass = values.MultiProcessValue(process_identifier=lambda: number)  # type: ignore[no-untyped-call]


def shared_registry(folder: Path, processes: Callable[[], Collection[int]]) -> CollectorRegistry:
    """The metrics of all processes that share `folder`, as one.

    `processes` are the ids of those that run now, this one not among them.
    """
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    registry.register(PLATFORM_COLLECTOR)
    registry.register(ProcessesCollector(processes))
    return registry


def forget_gauges(folder: Path, number: int) -> None:
    """Takes out the gauges of a process that has ended. What it counted stays."""
    mark_process_dead(number, path=str(folder))  # type: ignore[no-untyped-call]
