"""Runs a model on many rows without holding up the event loop."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tickcast_server.serving.model import LoadedModel
from tickcast_server.serving.session import Answers

# A run of more rows than this would be felt by the calls that wait on the event loop.
_INLINE_ROWS = 512


class RunObserver(Protocol):
    """Counts runs."""

    def inference(self, model: LoadedModel, rows: int, seconds: float) -> None: ...


async def run_rows(model: LoadedModel, rows: NDArray[np.float32], observer: RunObserver) -> Answers:
    """The model's answers to rows (n, F), beside the event loop where they take a while."""
    began = time.perf_counter()
    if len(rows) > _INLINE_ROWS:
        answers = await asyncio.to_thread(model.session.run, rows)
    else:
        answers = model.session.run(rows)
    observer.inference(model, len(rows), time.perf_counter() - began)
    return answers
