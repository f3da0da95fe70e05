"""What a load test found, in numbers and in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tickcast.cli.bench.load import Load

# Of one core: above this, Python could hardly have asked for more.
_BUSY = 0.85

# Calls that are made so long after they were due say that this machine could not make more.
_LATE_MS = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds of the calls that were answered; `None` when none was."""

    p50: float | None
    p90: float | None
    p99: float | None
    max: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchReport:
    """One run."""

    target: str
    model: str
    asked: str
    """What each call asked for: "symbol", or "rows" of features."""

    rows_of_call: int
    loop: str
    """"closed" or "open"."""

    concurrency: int | None
    """Calls in flight; `None` in an open loop."""

    rate: float | None
    """Calls a second that were due; `None` in a closed loop."""

    seconds: float
    answered: int
    failed: int
    failed_by_reason: Mapping[str, int]
    calls_per_second: float
    rows_per_second: float
    latency_ms: Latency
    late_ms_p99: float | None
    """How long after they were due 99% of the calls had been made."""

    client_cores: float
    """Processor time of this program, in cores: at 1 it is the limit, and not the server."""

    client_was_the_limit: bool


def report(
    load: Load,
    *,
    target: str,
    model: str,
    rows: int,
    concurrency: int | None,
    rate: float | None,
) -> BenchReport:
    """The numbers of a load."""
    milliseconds = [1e3 * seconds for seconds in sorted(load.answered)]
    calls_per_second = len(milliseconds) / load.seconds if load.seconds else 0.0
    late = _percentile(sorted(1e3 * late for late in load.late), 0.99)
    cores = load.processor_seconds / load.seconds if load.seconds else 0.0
    return BenchReport(
        target=target,
        model=model,
        asked="rows" if rows else "symbol",
        rows_of_call=rows or 1,
        loop="closed" if rate is None else "open",
        concurrency=concurrency if rate is None else None,
        rate=rate,
        seconds=load.seconds,
        answered=len(milliseconds),
        failed=load.failed.total(),
        failed_by_reason=dict(load.failed),
        calls_per_second=calls_per_second,
        rows_per_second=calls_per_second * (rows or 1),
        latency_ms=Latency(
            p50=_percentile(milliseconds, 0.50),
            p90=_percentile(milliseconds, 0.90),
            p99=_percentile(milliseconds, 0.99),
            max=_percentile(milliseconds, 1.0),
        ),
        late_ms_p99=late,
        client_cores=cores,
        client_was_the_limit=cores >= _BUSY or (late or 0.0) >= _LATE_MS,
    )


def words(found: BenchReport) -> list[tuple[str, str]]:
    """The same for people: a name and what is to be said, a line each."""
    load = f"{found.rate:g} calls a second" if found.rate else f"{found.concurrency} in flight"
    asked = f"{found.rows_of_call:,} rows of features" if found.asked == "rows" else "a symbol"
    rows = f", {found.rows_per_second:,.0f} rows/s" if found.asked == "rows" else ""
    lines = [
        ("asked", f"{found.model} for {asked} in each call, at {found.target}"),
        ("load", f"{found.loop} loop, {load}, {found.seconds:.1f} s"),
        ("answered", f"{found.answered:,} calls, {found.calls_per_second:,.0f} calls/s{rows}"),
        ("latency", _latency(found)),
    ]
    for reason, count in sorted(found.failed_by_reason.items()):
        lines.append(("failed", f"{count:,} calls: {reason}"))
    if found.late_ms_p99 is not None:
        lines.append(("lateness", f"99% of the calls were made within {_ms(found.late_ms_p99)}"))
    lines.append(("client", _client(found)))
    return lines


def _latency(found: BenchReport) -> str:
    latency = found.latency_ms
    since = ", since each call was due" if found.loop == "open" else ""
    return (
        f"p50 {_ms(latency.p50)}, p90 {_ms(latency.p90)}, p99 {_ms(latency.p99)}, "
        f"longest {_ms(latency.max)}{since}"
    )


def _client(found: BenchReport) -> str:
    share = f"this program used {found.client_cores:.0%} of a core"
    if found.client_was_the_limit:
        return f"{share}: it could not ask for more, so the server may do better"
    return f"{share}; a Python client is a limit of its own near 100%"


def _percentile(ascending: Sequence[float], share: float) -> float | None:
    """The smallest value that so large a share of all does not exceed."""
    if not ascending:
        return None
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)]


def _ms(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"
