"""`process_*` of a server that is several processes: what they use together."""

from __future__ import annotations

import resource
from collections.abc import Callable, Collection, Iterable

from prometheus_client import Metric, ProcessCollector
from prometheus_client.registry import Collector

# The others, start time and limit of open files, are those of the process that keeps the rest.
_ADDED = (
    "process_virtual_memory_bytes",
    "process_resident_memory_bytes",
    "process_cpu_seconds",
    "process_open_fds",
)


class ProcessesCollector(Collector):
    """The figures of this process and of those whose ids are given, added up."""

    def __init__(self, processes: Callable[[], Collection[int]]) -> None:
        self._processes = processes

    def collect(self) -> Iterable[Metric]:
        families = {family.name: family for family in ProcessCollector(registry=None).collect()}
        for process in self._processes():
            for family in _figures_of(process):
                if family.name in _ADDED:
                    _add(families[family.name], family.samples[0].value)
        if "process_cpu_seconds" in families:
            # Of those that have ended, or else the sum would fall.
            ended = resource.getrusage(resource.RUSAGE_CHILDREN)
            _add(families["process_cpu_seconds"], ended.ru_utime + ended.ru_stime)
        return families.values()


def _figures_of(process: int) -> Iterable[Metric]:
    return ProcessCollector(pid=lambda: process, registry=None).collect()


def _add(family: Metric, value: float) -> None:
    (sample,) = family.samples
    family.samples = [sample._replace(value=sample.value + value)]
