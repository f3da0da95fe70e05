"""Predict at a fixed rate: half of what the server can carry, twice, and half right after."""

from __future__ import annotations

import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.common import h2load
from benchmarks.common.bars import histories, walks
from benchmarks.common.frames import write_message
from benchmarks.common.h2load import Pace, Request
from benchmarks.common.open_loop import Outcome, open_loop
from benchmarks.common.options import Effort, main
from benchmarks.common.report import Report, Table, Target
from benchmarks.common.rounds import Ratio, in_turn
from benchmarks.common.server import PREDICT, Server, by_symbol, serving

# What a caller gives a call. A run is several times as long.
DEADLINE_SECONDS = 0.25

ALONE, HALF, TWICE, AFTER = "0", "0.5", "2", "0.5 right after"

# Calls that a connection may have open: by default, and without regard for who waits.
FEW, MANY = 128, 1_000

_LEAST_SECONDS = 2.0
_SETTLE_SECONDS = 1.0

# Latencies are those of so few calls that their client has a core to spare.
_PROBES_A_SECOND = 500.0

# The load has begun before the first probe, and goes on after the last.
_AROUND_SECONDS = 0.5

_NO_LOAD = Pace(made=0.0, answered=0.0, refused=0.0)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One rate for some seconds; all rates are calls a second."""

    asked: float
    probe: Outcome
    load: Pace = _NO_LOAD

    @property
    def made(self) -> float:
        """Calls that were made; those that no connection has room for wait with their client."""
        return self.load.made + self.probe.rate

    @property
    def answered(self) -> float:
        """Calls that had what they asked for."""
        return self.load.answered + self.probe.rate * self.probe.accepted.count / self.probe.sent

    @property
    def refused(self) -> float:
        """Calls that the server refused."""
        return self.load.refused + self.probe.rate * self.probe.refused.count / self.probe.sent


@dataclass(frozen=True, kw_only=True)
class Round:
    """Every rate once."""

    sustainable: float
    runs: dict[str, Run]


class Overload:
    """One server, and what it is asked."""

    def __init__(self, server: Server, effort: Effort) -> None:
        (walk,) = walks(1, 0)
        server.ingest(histories([walk]))
        self._server = server
        self._message = by_symbol(walk.symbol)
        self._connections = effort.connections
        self._seconds = max(effort.seconds, _LEAST_SECONDS)
        self._answer_bytes = len(write_message(server.call(PREDICT, self._message)))

    def round(self) -> Round:
        """Every rate once, by what the server can carry in these seconds."""
        # What the last round left behind shall not be taken for what half a load costs.
        time.sleep(_SETTLE_SECONDS)
        sustainable = self._sustainable()
        return Round(
            sustainable=sustainable,
            runs={
                ALONE: self._evenly(_PROBES_A_SECOND),
                HALF: self._evenly(0.5 * sustainable),
                TWICE: self._beside_load(2.0 * sustainable),
                AFTER: self._evenly(0.5 * sustainable),
            },
        )

    def _evenly(self, rate: float) -> Run:
        """So few calls that each of them can be a probe."""
        return Run(asked=rate, probe=self._probe(rate))

    def _beside_load(self, rate: float) -> Run:
        """Load in C, and probes beside it on a connection of their own."""
        with ThreadPoolExecutor(1) as beside:
            load = beside.submit(self._load, rate - _PROBES_A_SECOND)
            time.sleep(_AROUND_SECONDS)
            probe = self._probe(_PROBES_A_SECOND)
            return Run(asked=rate, probe=probe, load=load.result())

    def _sustainable(self) -> float:
        """Calls a second of a closed loop of 32."""
        return h2load.closed_loop(
            Request.grpc(self._server.address, PREDICT, self._message),
            in_flight=32,
            seconds=self._seconds,
            connections=self._connections,
            answer_bytes=self._answer_bytes,
        ).calls_per_second

    def _load(self, rate: float) -> Pace:
        return h2load.fixed_rate(
            Request.grpc(self._server.address, PREDICT, self._message, timeout=DEADLINE_SECONDS),
            rate=rate,
            in_flight=MANY,
            seconds=self._seconds + 2 * _AROUND_SECONDS,
            answer_bytes=self._answer_bytes,
            connections=self._connections,
        )

    def _probe(self, rate: float) -> Outcome:
        return open_loop(
            self._server.address,
            PREDICT,
            self._message,
            rate=rate,
            seconds=self._seconds,
            timeout=DEADLINE_SECONDS,
        )


def run(effort: Effort) -> Report:
    with ExitStack() as servers:
        sides = {
            calls: Overload(
                servers.enter_context(
                    serving(
                        workers=effort.workers,
                        variables={"TICKCAST_CALLS_OF_CONNECTION": str(calls)},
                    )
                ),
                effort,
            )
            for calls in (FEW, MANY)
        }
        for side in sides.values():
            side.round()
        found = in_turn({calls: side.round for calls, side in sides.items()}, effort.rounds)
    return Report(
        benchmark="overload",
        tables=[_table(calls, rounds) for calls, rounds in found.items()],
        targets=[target for calls, rounds in found.items() for target in _targets(calls, rounds)],
    )


def _table(calls: int, rounds: list[Round]) -> Table:
    return Table(
        title=f"Predict at a fixed rate, {calls} calls a connection "
        "(latencies of probes in us, from when calls were due)",
        rows=[
            _row(share, number, one)
            for share in rounds[0].runs
            for number, one in enumerate((item.runs[share] for item in rounds), 1)
        ],
    )


def _targets(calls: int, rounds: list[Round]) -> list[Target]:
    which = f"{calls} calls a connection, twice the sustainable rate"
    at = {share: [one.runs[share] for one in rounds] for share in rounds[0].runs}
    refused = [one.probe.refused.p99 for one in at[TWICE] if one.probe.refused.count]
    return [
        Target(
            name=f"{which}: p99 of accepted calls over that at half",
            found=_p99_over(at[TWICE], at[HALF]),
            at_most=5.0,
        ),
        Target(
            name=f"{which}: p99 of accepted calls over that of a few calls alone",
            found=_p99_over(at[TWICE], at[ALONE]),
            at_most=5.0,
        ),
        Target(
            name=f"{which}: calls answered over what is sustainable",
            found=statistics.median(one.runs[TWICE].answered / one.sustainable for one in rounds),
            at_least=0.8,
        ),
        Target(
            name=f"{which}: p99 of refusals, ms",
            found=statistics.median(refused) / 1_000 if refused else 0.0,
            at_most=5.0,
        ),
        Target(
            name=f"{calls} calls a connection, half the rate right after: share answered",
            found=statistics.median(one.answered / one.asked for one in at[AFTER]),
            at_least=0.99,
        ),
    ]


def _p99_over(loaded: list[Run], others: list[Run]) -> float:
    return Ratio.of(
        [one.probe.accepted.p99 for one in loaded], [one.probe.accepted.p99 for one in others]
    ).median


def _row(share: str, number: int, one: Run) -> dict[str, float | int | str]:
    accepted, refused = one.probe.accepted, one.probe.refused
    return {
        "rate over sustainable": share,
        "round": number,
        "asked/s": one.asked,
        "made over asked": one.made / one.asked,
        "answered/s": one.answered,
        "p50": accepted.p50,
        "p90": accepted.p90,
        "p99": accepted.p99,
        "p99.9": accepted.p999,
        "refused/s": one.refused,
        "refused p99": refused.p99,
        "unanswered": one.probe.unanswered,
        "codes": " ".join(f"{code}: {count}" for code, count in one.probe.refusals.items()),
    }


if __name__ == "__main__":
    sys.exit(main([run], "overload"))
