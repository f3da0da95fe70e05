"""The cheap client, against a real server."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from benchmarks.common import wire
from benchmarks.common.open_loop import open_loop
from benchmarks.common.wire import Connection, End, Event, Message, wait

Context = grpc.ServicerContext

ECHO, REFUSE, COUNT = "/t.T/Echo", "/t.T/Refuse", "/t.T/Count"
NEVER = "/t.T/Never"
SECONDS = 20.0


def echo(request: bytes, _context: Context) -> bytes:
    return request


def refuse(_request: bytes, context: Context) -> bytes:
    context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too much")
    raise AssertionError


def never(_request: bytes, context: Context) -> bytes:
    ended = threading.Event()
    if context.add_callback(ended.set):
        ended.wait(SECONDS)
    return b""


def count(request: bytes, _context: Context) -> Iterator[bytes]:
    for number in range(int(request)):
        yield b"%d" % number * 1_000


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Echo": unary(echo),
        "Refuse": unary(refuse),
        "Never": unary(never),
        "Count": stream(count),
    }
    with ThreadPoolExecutor(4) as threads:
        server = grpc.server(threads)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t.T", handlers),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"127.0.0.1:{port}"
        server.stop(0).wait()


@pytest.fixture
def connection(address: str) -> Iterator[Connection]:
    connection = Connection(address)
    yield connection
    connection.close()


def events_until_ended(connection: Connection, calls: int) -> list[Event]:
    found: list[Event] = []
    deadline = time.perf_counter() + SECONDS
    while sum(isinstance(event, End) for event in found) < calls:
        found += [event for _, event, _ in wait([connection], deadline)]
        assert time.perf_counter() < deadline
    return found


def test_an_answer_comes_with_its_status(connection: Connection) -> None:
    stream = connection.call(connection.header_block(ECHO), b"hello")

    assert events_until_ended(connection, 1) == [Message(stream, b"hello"), End(stream, wire.OK)]


def test_a_refusal_has_its_code_and_no_message(connection: Connection) -> None:
    stream = connection.call(connection.header_block(REFUSE), b"")

    assert events_until_ended(connection, 1) == [End(stream, 8)]


def test_the_server_ends_a_call_whose_deadline_has_passed(connection: Connection) -> None:
    stream = connection.call(connection.header_block(NEVER, timeout=0.05), b"")

    (event,) = events_until_ended(connection, 1)

    # gRPC's core answers with DEADLINE_EXCEEDED, or resets the stream.
    assert event in {End(stream, 4), End(stream, wire.RESET)}


def test_a_stream_brings_all_its_messages_in_order(connection: Connection) -> None:
    stream = connection.call(connection.header_block(COUNT), b"500")

    *messages, end = events_until_ended(connection, 1)

    assert messages == [Message(stream, b"%d" % number * 1_000) for number in range(500)]
    assert end == End(stream, wire.OK)


def test_more_may_be_under_way_than_the_servers_window_holds(connection: Connection) -> None:
    block = connection.header_block(ECHO)
    sent = {connection.call(block, b"%d" % n * 4_000): b"%d" % n * 4_000 for n in range(200)}

    events = events_until_ended(connection, len(sent))

    messages = [event for event in events if isinstance(event, Message)]
    assert {message.stream: message.data for message in messages} == sent


def test_what_the_server_has_no_room_for_is_kept_until_it_has() -> None:
    with ThreadPoolExecutor(1) as threads:
        # Two calls at most, which count until they are answered.
        options = [("grpc.max_concurrent_streams", 2), ("grpc.http.overload_protection", 0)]
        server = grpc.server(threads, options=options)
        handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            "Echo": grpc.unary_unary_rpc_method_handler(echo)
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t.T", handlers),))
        connection = Connection(f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
        server.start()
        block = connection.header_block(ECHO)
        # A server tells its limit with its first bytes.
        connection.call(block, b"first")
        events_until_ended(connection, 1)
        streams = {connection.call(block, b"x") for _ in range(50)}

        ends = [item for item in events_until_ended(connection, 50) if isinstance(item, End)]

        assert set(ends) == {End(stream, wire.OK) for stream in streams}
        connection.close()
        server.stop(0).wait()


def test_a_message_that_needs_several_frames_is_not_sent(connection: Connection) -> None:
    with pytest.raises(ValueError, match="was 16001 bytes"):
        connection.call(connection.header_block(ECHO), bytes(16_001))


def test_a_closed_server_is_a_lost_connection(address: str) -> None:
    connection = Connection(address)
    # Without its preface, a server of HTTP/2 closes the connection.
    connection._out[:] = b"GET / HTTP/1.1\r\n\r\n"

    with pytest.raises(ConnectionError):
        events_until_ended(connection, 1)
    connection.close()


def test_a_reader_whose_window_is_full_gets_no_more(address: str) -> None:
    connection = Connection(address, window=1_024)
    connection.call(connection.header_block(COUNT), b"100")

    end = time.perf_counter() + 0.5
    found: list[Event] = []
    while time.perf_counter() < end:
        found += [event for _, event, _ in wait([connection], end)]

    connection.close()
    assert len(found) < 2


def test_an_open_loop_makes_all_its_calls_and_tells_refusals_apart(address: str) -> None:
    taken = open_loop(address, ECHO, b"x", rate=500, seconds=0.2, timeout=SECONDS)
    refused = open_loop(address, REFUSE, b"", rate=500, seconds=0.2, timeout=SECONDS, connections=3)

    assert (taken.sent, taken.accepted.count, taken.unanswered) == (100, 100, 0)
    assert (refused.refused.count, refused.refusals) == (100, {8: 100})
