"""Stacks that py-spy sampled, and whose work each of them is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

WAITING = "waiting"
OTHER = "other"

# By what the innermost frame calls of the kernel.
_KERNEL: Mapping[str, str] = {
    "epoll_wait": WAITING,
    "epoll_pwait": WAITING,
    "sendmsg": "kernel: sending",
    "recv": "kernel: receiving",
    "recvmsg": "kernel: receiving",
    "write": "kernel: waking the event loop",
    "syscall": "kernel: locks",
}

# By what stands in a frame, sought from the innermost one outwards.
_OWNERS: Mapping[str, str] = {
    "gc_collect_main": "garbage collector",
    "_queue_SimpleQueue_get": WAITING,
    "_message.abi3": "protobuf",
    "google/protobuf": "protobuf",
    "onnxruntime": "onnxruntime",
    "prometheus_client": "handler",
    "tickcast_server/": "handler",
    "common/echo.py": "handler",
    "cygrpc": "gRPC, core and Cython",
    "grpc/": "gRPC, core and Cython",
    "uvloop": "event loop",
    "(loop.c": "event loop",
    "(core.c": "event loop",
    "asyncio": "event loop",
}


def owner(frames: list[str]) -> str:
    """Whose work a stack is; `frames` begin with the outermost."""
    called = _KERNEL.get(frames[-1].partition(" ")[0])
    if called is not None and "(libc" in frames[-1]:
        return called
    for frame in reversed(frames):
        for mark, name in _OWNERS.items():
            if mark in frame:
                return name
    return OTHER


def shares(raw: Iterable[str]) -> dict[str, float]:
    """Share of each owner in the samples that were not waiting, from lines of `py-spy -f raw`.

    A line has the frames with semicolons between them, a blank, and the number of samples.
    """
    counts: Counter[str] = Counter()
    for line in raw:
        stack, _, count = line.rstrip("\n").rpartition(" ")
        counts[owner(stack.split(";"))] += int(count)
    del counts[WAITING]
    total = max(counts.total(), 1)
    return {name: count / total for name, count in counts.most_common()}
