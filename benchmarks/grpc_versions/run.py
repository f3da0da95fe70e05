"""Compare grpcio releases as servers of Tickcast's hot path, with h2load as the client.

Needs Linux with two cores, `uv` and `h2load` (Debian: nghttp2-client). Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.common import h2load

HERE = Path(__file__).parent
SERVER_CORE, CLIENT_CORE = 0, 1
BASELINE = "1.85.1/7.36.2"
# The oldest generator: its code runs on every protobuf runtime compared here.
GENERATOR = "1.75.0"
DEFAULT_VARIANTS = (
    "1.75.0/6.33.6",
    "1.78.0/6.33.6",
    "1.80.0/6.33.6",
    "1.81.1/6.33.6",
    "1.82.2/7.36.2",
    "1.84.0/7.36.2",
    "1.85.1/6.33.6",
    BASELINE,
)
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Load:
    """One shape of load: a method and the calls in flight on one connection."""

    title: str
    method: str
    in_flight: int
    calls: int | None = None
    """Calls to make; None loads for the seconds that the command line asks for."""


LOADS = (
    Load(title="predict, 1 in flight", method="Predict", in_flight=1),
    Load(title="predict, 32 in flight", method="Predict", in_flight=32),
    Load(title="echo, 1 in flight", method="Echo", in_flight=1),
    Load(title="echo, 32 in flight", method="Echo", in_flight=32),
    Load(title="stream, 4 in flight", method="Stream", in_flight=4, calls=40),
)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Messages a second, median latency of a call, and server CPU time a message."""

    rate: float
    p50_us: float
    cpu_us: float


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server; `reply_bytes` is the body of one reply to each method."""

    pid: int
    port: int
    service: str
    stream_messages: int
    reply_bytes: dict[str, int]

    def cpu_seconds(self) -> float:
        """User and system time of all threads so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def make_environment(folder: Path, requirements: list[str]) -> str:
    """Make a Python 3.11 environment with uv and return its interpreter."""
    python = str(folder / "bin" / "python")
    venv = ["uv", "venv", "--quiet", "--python", "3.11", str(folder)]
    subprocess.run(venv, check=True)
    install = ["uv", "pip", "install", "--quiet", "--python", python]
    subprocess.run([*install, *requirements], check=True)
    return python


def generate(python: str, output: Path) -> str:
    """Write `quote_pb2.py` into `output` and return the protobuf version in its header."""
    protoc = [python, "-m", "grpc_tools.protoc", f"-I{HERE}", f"--python_out={output}"]
    subprocess.run([*protoc, str(HERE / "quote.proto")], check=True)
    source = (output / "quote_pb2.py").read_text()
    found = re.search(r"^# Protobuf Python Version: (\S+)$", source, re.MULTILINE)
    if found is None:
        raise RuntimeError("quote_pb2.py was without a protobuf version, needed in its header")
    return found[1]


@contextmanager
def serving(python: str, folder: Path) -> Iterator[Server]:
    """Run serve.py until the block ends."""
    command = [python, str(HERE / "serve.py"), "--folder", str(folder), "--core", str(SERVER_CORE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            ready = process.stdout.readline() if process.stdout else ""
            if not ready:
                raise RuntimeError(f"{python} serve.py ended before it was ready, see above")
            yield Server(pid=process.pid, **json.loads(ready))
        finally:
            process.terminate()


def measure(server: Server, load: Load, folder: Path, seconds: float) -> Sample:
    """Put `load` on the server once; raise RuntimeError if any reply is not whole."""
    log = folder / "h2load.log"
    log.unlink(missing_ok=True)
    amount = (
        [f"--duration={seconds * 1000:.0f}ms"]
        if load.calls is None
        else [f"--requests={load.calls}"]
    )
    command = [
        *("h2load", "--clients=1", f"--max-concurrent-streams={load.in_flight}", *amount),
        *(f"--data={folder / load.method}.body", f"--log-file={log}"),
        *("--header=content-type: application/grpc", "--header=te: trailers"),
        f"http://127.0.0.1:{server.port}/{server.service}/{load.method}",
    ]
    cpu_before = server.cpu_seconds()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    cpu = server.cpu_seconds() - cpu_before

    rows = h2load.parse_log(log.read_text())
    mean_bytes = h2load.data_bytes(done.stdout) / max(len(rows), 1)
    h2load.check_answers(rows, mean_bytes, server.reply_bytes[load.method])
    of_a_call = server.stream_messages if load.method == "Stream" else 1
    return Sample(
        rate=h2load.rate_of(rows) * of_a_call,
        p50_us=median(row.microseconds for row in rows),
        cpu_us=cpu / (len(rows) * of_a_call) * 1e6,
    )


Samples = dict[tuple[str, str], list[Sample]]


def run_rounds(pythons: dict[str, str], folder: Path, rounds: int, seconds: float) -> Samples:
    """Measure every variant in every round, in an order that turns by one each round."""
    samples: Samples = {(v, load.title): [] for v in pythons for load in LOADS}
    variants = list(pythons)
    for number in range(rounds):
        turn = number % len(variants)
        for variant in variants[turn:] + variants[:turn]:
            with serving(pythons[variant], folder) as server:
                measure(server, LOADS[1], folder, seconds / 2)
                for load in LOADS:
                    samples[variant, load.title].append(measure(server, load, folder, seconds))
        print(f"round {number + 1} of {rounds} done", file=sys.stderr)
    return samples


def print_tables(samples: Samples, variants: list[str], baseline: str) -> None:
    """Print, for each load, medians, ratios to the baseline and the spread between rounds.

    `least` compares each variant's cheapest round: a busy neighbour can only add to a cost.
    """
    for load in LOADS:
        base = _middle(samples[baseline, load.title])
        base_least = min(s.cpu_us for s in samples[baseline, load.title])
        print(f"\n### {load.title}\n")
        print(
            "| grpcio/protobuf | per s | ratio | rounds | p50 us | ratio | CPU us | ratio | least |"
        )
        print("| --- | --: | --: | --: | --: | --: | --: | --: | --: |")
        for variant in variants:
            rounds = samples[variant, load.title]
            mid = _middle(rounds)
            least = min(s.cpu_us for s in rounds) / base_least
            low, high = (pick(s.rate for s in rounds) / base.rate for pick in (min, max))
            print(
                f"| {variant} | {mid.rate:,.0f} | {mid.rate / base.rate:.3f}"
                f" | {low:.2f}-{high:.2f} | {mid.p50_us:,.0f} | {mid.p50_us / base.p50_us:.3f}"
                f" | {mid.cpu_us:.1f} | {mid.cpu_us / base.cpu_us:.3f} | {least:.3f} |"
            )


def _middle(rounds: list[Sample]) -> Sample:
    return Sample(
        rate=median(s.rate for s in rounds),
        p50_us=median(s.p50_us for s in rounds),
        cpu_us=median(s.cpu_us for s in rounds),
    )


def print_generators(versions: list[str], folder: Path) -> None:
    """Print what grpcio-status and grpcio-tools ask of protobuf, and what the latter writes."""
    print("| version | grpcio-status needs | grpcio-tools needs | writes code for |")
    print("| --- | --- | --- | --- |")
    show = "from importlib.metadata import requires; print(*requires({!r}), sep='\\n')"
    for version in versions:
        packages = [f"grpcio-status=={version}", f"grpcio-tools=={version}"]
        python = make_environment(folder / f"tools-{version}", packages)
        needs = []
        for name in ("grpcio-status", "grpcio-tools"):
            command = [python, "-c", show.format(name)]
            listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            needs += [line for line in listed.splitlines() if line.startswith("protobuf")]
        print(f"| {version} | {' | '.join(needs)} | {generate(python, folder)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variants", nargs="*", metavar="GRPCIO/PROTOBUF", default=DEFAULT_VARIANTS)
    parser.add_argument("--baseline", default=BASELINE)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2, help="for each load in each round")
    parser.add_argument("--generators", action="store_true", help="only list the generators")
    arguments = parser.parse_args()
    variants = list(arguments.variants)
    if not arguments.generators and arguments.baseline not in variants:
        parser.error(f"--baseline was {arguments.baseline}, needed one of {', '.join(variants)}")
    if shutil.which("uv") is None:
        parser.error("uv was not found on the PATH, needed to make environments")
    h2load.check_installed()

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.generators:
            print_generators(sorted({v.partition("/")[0] for v in variants}), folder)
            return
        tools = make_environment(folder / "generator", [f"grpcio-tools=={GENERATOR}"])
        generate(tools, folder)
        pythons = {}
        for variant in variants:
            grpcio, _, protobuf = variant.partition("/")
            packages = [f"grpcio=={grpcio}", f"protobuf=={protobuf}", "uvloop==0.23.0"]
            pythons[variant] = make_environment(folder / variant.replace("/", "-"), packages)
        os.sched_setaffinity(0, {CLIENT_CORE})
        samples = run_rounds(pythons, folder, arguments.rounds, arguments.seconds)
        print_tables(samples, variants, arguments.baseline)


if __name__ == "__main__":
    main()
