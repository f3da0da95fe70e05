"""Whose work a sampled stack is."""

import pytest

from benchmarks.common.stacks import OTHER, WAITING, owner, shares

LOOP = ["main (tickcast_server/cli.py:59)", "run (uvloop/__init__.py:92)", "uv_run (core.c:452)"]
CYGRPC = "0x7f34 (grpc/_cython/cygrpc.cpython-311-x86_64-linux-gnu.so)"
HANDLER = "_Method.unary (tickcast_server/rpc/handlers.py:167)"


@pytest.mark.parametrize(
    ("inner", "name"),
    [
        ([], "event loop"),
        ([CYGRPC], "gRPC, core and Cython"),
        ([CYGRPC, "isawaitable (inspect.py:451)"], "gRPC, core and Cython"),
        ([CYGRPC, HANDLER], "handler"),
        ([CYGRPC, HANDLER, "MutexValue.inc (prometheus_client/values.py:28)"], "handler"),
        ([CYGRPC, HANDLER, "encode_message (_message.abi3.so)"], "protobuf"),
        ([CYGRPC, HANDLER, "gc_collect_main (libpython3.11.so.1.0)"], "garbage collector"),
        ([CYGRPC, "sendmsg (libc.so.6)"], "kernel: sending"),
        (["epoll_pwait (libc.so.6)"], WAITING),
    ],
)
def test_a_stack_is_the_work_of_the_innermost_that_is_known(inner: list[str], name: str) -> None:
    assert owner([*LOOP, *inner]) == name


def test_a_stack_of_nobody_known_is_other() -> None:
    assert owner(["0x7f34 (libfoo.so)"]) == OTHER


def test_a_function_that_is_called_like_a_call_of_the_kernel_is_none() -> None:
    assert owner([HANDLER, "write (tickcast_server/rpc/encode.py:10)"]) == "handler"


def test_shares_leave_out_what_waited() -> None:
    raw = [
        f"{';'.join(LOOP)} 30",
        f"{';'.join([*LOOP, CYGRPC])} 10",
        f"{';'.join([*LOOP, 'epoll_pwait (libc.so.6)'])} 1000",
    ]

    assert shares(raw) == {"event loop": 0.75, "gRPC, core and Cython": 0.25}


def test_no_samples_are_no_shares() -> None:
    assert shares([]) == {}
