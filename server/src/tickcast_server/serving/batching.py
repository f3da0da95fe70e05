"""Calls that wait for the same model at the same time, answered by one run of it.

After the dynamic batching of Clipper (Crankshaw et al. 2017): a batch ends when it is full, or when
its first call has waited long enough.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tickcast_server.serving.model import LoadedModel
from tickcast_server.serving.runs import RunObserver
from tickcast_server.serving.session import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimit:
    """When a batch ends."""

    most: int
    """Rows; 1 for no batches."""

    delay: float
    """Seconds that its first row waits for others; with 0, for what has arrived already."""


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    end: asyncio.Handle
    rows: list[NDArray[np.float32]] = field(default_factory=list)
    waiting: list[asyncio.Future[Answer]] = field(default_factory=list)


class Batching:
    """Runs models on single rows, together where that was asked for. Used by one event loop."""

    def __init__(
        self, default: BatchLimit, by_model: Mapping[str, BatchLimit], *, observer: RunObserver
    ) -> None:
        self._default = default
        self._by_model = by_model
        self._observer = observer
        self._open: dict[LoadedModel, _Batch] = {}

    async def run(self, model: LoadedModel, row: NDArray[np.float32]) -> Answer:
        """The model's answer to one row (F,)."""
        if not self.gathers(model):
            return self.run_one(model, row)
        limit = self._limit_of(model)
        batch = self._open.get(model)
        if batch is None:
            batch = self._open[model] = _Batch(self._end_of(model, limit.delay))
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        batch.rows.append(row)
        batch.waiting.append(waiting)
        if len(batch.rows) == limit.most:
            batch.end.cancel()
            self._end(model)
        return await waiting

    def gathers(self, model: LoadedModel) -> bool:
        """Whether rows of the model are run together, so that each has to wait."""
        return self._limit_of(model).most > 1

    def run_one(self, model: LoadedModel, row: NDArray[np.float32]) -> Answer:
        """The model's answer to one row (F,), by itself."""
        began = time.perf_counter()
        answer = model.session.run_one(row)
        self._observer.inference(model, 1, time.perf_counter() - began)
        return answer

    def _limit_of(self, model: LoadedModel) -> BatchLimit:
        return self._by_model.get(model.manifest.name, self._default)

    def _end_of(self, model: LoadedModel, delay: float) -> asyncio.Handle:
        loop = asyncio.get_running_loop()
        if delay:
            return loop.call_later(delay, self._end, model)
        return loop.call_soon(self._end, model)

    def _end(self, model: LoadedModel) -> None:
        batch = self._open.pop(model)
        began = time.perf_counter()
        try:
            answers = model.session.run(np.stack(batch.rows)).each()
        except Exception as error:  # noqa: BLE001  # whatever it is, all who wait are told
            for waiting in batch.waiting:
                if not waiting.done():
                    waiting.set_exception(error)
            return
        self._observer.inference(model, len(answers), time.perf_counter() - began)
        for waiting, answer in zip(batch.waiting, answers, strict=True):
            # One that is done already was cancelled: its caller has gone.
            if not waiting.done():
                waiting.set_result(answer)
