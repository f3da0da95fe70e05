"""Where the processor time of a Predict by symbol goes, beside that of an echo of bytes.

Samples are py-spy's, native frames included; it stops the process for each, so that it often
needs root, and what a call costs is measured without it.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.common import h2load
from benchmarks.common.bars import histories, walks
from benchmarks.common.h2load import Load, Request
from benchmarks.common.options import Effort, main
from benchmarks.common.processes import Running
from benchmarks.common.report import Report, Table
from benchmarks.common.rounds import in_turn
from benchmarks.common.server import ECHO, PREDICT, by_symbol, ceiling, serving
from benchmarks.common.stacks import shares

IN_FLIGHT = 32

_SAMPLES_A_SECOND = 200
_LEAST_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Side:
    """A server, and what it is asked."""

    running: Running
    request: Request


def run(effort: Effort) -> Report:
    with serving() as server:
        (walk,) = walks(1, 0)
        server.ingest(histories([walk]))
        message = by_symbol(walk.symbol)
        answer = server.call(PREDICT, message)
        with ceiling(answer) as (address, (echo, *_)):
            sides = {
                "echo": Side(running=echo, request=Request.grpc(address, ECHO, message)),
                "Predict": Side(
                    running=server.running,
                    request=Request.grpc(server.address, PREDICT, message),
                ),
            }
            costs = in_turn(
                {name: partial(_cost, side, effort) for name, side in sides.items()},
                effort.rounds,
            )
            parts = {name: _sampled(side, effort) for name, side in sides.items()}
    micros = {name: statistics.median(found) for name, found in costs.items()}
    return _report(micros, parts)


def _load(side: Side, seconds: float) -> Load:
    return h2load.closed_loop(side.request, in_flight=IN_FLIGHT, seconds=seconds)


def _cost(side: Side, effort: Effort) -> float:
    """Processor time of a call, in microseconds."""
    before = side.running.processor_seconds()
    load = _load(side, effort.seconds)
    return (side.running.processor_seconds() - before) / load.latency.count * 1e6


def _sampled(side: Side, effort: Effort) -> dict[str, float]:
    """Share of each owner while the server is loaded. Raises `RuntimeError`."""
    seconds = max(effort.seconds, _LEAST_SECONDS)
    with tempfile.NamedTemporaryFile() as raw, ThreadPoolExecutor(1) as executor:
        load = executor.submit(_load, side, seconds + 1.0)
        program = str(Path(sys.executable).with_name("py-spy"))
        command = [
            *(program, "record", "--native", "--format", "raw", "--output", raw.name),
            *("--rate", str(_SAMPLES_A_SECOND), "--duration", f"{seconds:.0f}"),
            *("--pid", str(side.running.process.pid)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        load.result()
        if done.returncode:
            raise RuntimeError(f"py-spy failed, it may need root:\n{done.stderr}")
        return shares(Path(raw.name).read_text().splitlines())


def _report(micros: dict[str, float], parts: dict[str, dict[str, float]]) -> Report:
    names = sorted(
        {name for found in parts.values() for name in found},
        key=lambda name: -parts["Predict"].get(name, 0.0),
    )
    rows: list[dict[str, float | str]] = [
        {
            "part": name,
            **{f"{side} us": micros[side] * parts[side].get(name, 0.0) for side in parts},
            **{f"{side} share": parts[side].get(name, 0.0) for side in parts},
        }
        for name in names
    ]
    total: dict[str, float | str] = {
        "part": "a call",
        **{f"{side} us": micros[side] for side in parts},
        **{f"{side} share": 1.0 for side in parts},
    }
    return Report(
        benchmark="breakdown",
        tables=[
            Table(
                title=f"Processor time of a call of the server, {IN_FLIGHT} in flight",
                rows=[*rows, total],
            )
        ],
    )


if __name__ == "__main__":
    sys.exit(main([run], "breakdown"))
