"""Runs a model on many rows without holding up the event loop for long."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tickcast_server.serving.model import LoadedModel
from tickcast_server.serving.session import Answers

# A run of more rows than this would be felt by the calls that wait on the event loop.
_INLINE_ROWS = 256

# A part with fewer rows is not worth handing to another thread. Of so many, onnxruntime computes
# the same bits for a row, whatever rows are run with it.
_LEAST_ROWS = 128


class RunObserver(Protocol):
    """Counts runs."""

    def inference(self, model: LoadedModel, rows: int, seconds: float) -> None: ...


async def run_rows(model: LoadedModel, rows: NDArray[np.float32], observer: RunObserver) -> Answers:
    """The model's answers to rows (n, F), on several cores where they take a while."""
    began = time.perf_counter()
    count = min(os.cpu_count() or 1, max(len(rows) // _LEAST_ROWS, 1))
    parts = np.array_split(rows, count) if count > 1 else [rows]
    inline = parts[:1] if len(parts[0]) <= _INLINE_ROWS else []
    loop = asyncio.get_running_loop()
    beside = [loop.run_in_executor(None, model.session.run, part) for part in parts[len(inline) :]]
    answers = [model.session.run(part) for part in inline]
    answers += await asyncio.gather(*beside)
    observer.inference(model, len(rows), time.perf_counter() - began)
    return Answers.joined(answers)
