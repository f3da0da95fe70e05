"""Just enough of HTTP/2 and gRPC to load a server without being what is measured.

h2load loads cheaply, but sends a fixed rate in bursts of 10 ms, does not see gRPC's status, and
holds no streams. The client of grpc.aio does all of that, at the cost that a server has itself.
This one appends a request to a buffer and reads how each frame begins: 25 µs for a whole call. As
gRPC's clients do, it keeps calls to itself for which the server has no room.
HTTP/2: RFC 9113. Header fields as literals that enter no table: RFC 7541, 6.2.2.
"""

from __future__ import annotations

import re
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks.common import frames
from benchmarks.common.frames import (
    ACK,
    END_STREAM,
    HEADER_BYTES,
    Frame,
    take_frames,
    take_messages,
    write_frame,
    write_message,
)

OK = 0
RESET = -1
"""Status of a call whose stream was reset: gRPC gave none."""

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_WITH_AN_END = {frames.DATA, frames.HEADERS}
_TABLE_SIZE, _MOST_STREAMS, _INITIAL_WINDOW = 1, 3, 4
_MOST_WINDOW = 2**31 - 1
_FIRST_WINDOW = 65_535
_MOST_MESSAGE = 16_000
_RECEIVE_BYTES = 2**18

# Without a dynamic table and without Huffman codes, which gRPC's core does not use, the field
# stands in the block as it is.
_STATUS = re.compile(rb"grpc-status[\x01\x02](\d{1,2})")


class Message(NamedTuple):
    """A message of a call has arrived whole."""

    stream: int
    data: bytes


class End(NamedTuple):
    """A call has ended."""

    stream: int
    status: int
    """gRPC's code, or `RESET`."""


Event = Message | End


class Connection:
    """One HTTP/2 connection, for one thread. Nothing is sent before `flush`."""

    def __init__(self, address: str, *, window: int = _MOST_WINDOW) -> None:
        """`window`: bytes of each stream that the server may send; they are never given back."""
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self._authority = address
        self._out = bytearray(_PREFACE)
        self._in = b""
        self._next_stream = 1
        self._may_send = _FIRST_WINDOW
        self._most_open = _MOST_WINDOW
        self._unsent: deque[tuple[int, bytes, bytes]] = deque()
        self._unacknowledged = 0
        self._open: set[int] = set()
        self._partial: dict[int, bytes] = {}
        self._status: dict[int, int] = {}
        settings = struct.pack("!HIHI", _TABLE_SIZE, 0, _INITIAL_WINDOW, window)
        self._out += write_frame(frames.SETTINGS, 0, 0, settings)
        self._out += _window_update(_MOST_WINDOW - _FIRST_WINDOW)

    def fileno(self) -> int:
        """For `select`."""
        return self._socket.fileno()

    def close(self) -> None:
        """Ends every call of the connection with it."""
        self._socket.close()

    def header_block(self, method: str, *, timeout: float | None = None) -> bytes:
        """The header fields of a call to `method`, with a deadline in seconds; to be used again."""
        block = b"\x83\x86" + b"\x04" + _text(method.encode()) + b"\x01"
        block += _text(self._authority.encode())
        block += b"\x0f\x10" + _text(b"application/grpc") + b"\x00" + _text(b"te")
        block += _text(b"trailers")
        if timeout is not None:
            block += b"\x00" + _text(b"grpc-timeout") + _text(f"{timeout * 1e6:.0f}u".encode())
        return block

    def call(self, header_block: bytes, message: bytes) -> int:
        """Begins a call and returns its stream. Raises `ValueError` for a long message."""
        if len(message) > _MOST_MESSAGE:
            raise ValueError(
                f"message: was {len(message)} bytes, needed at most {_MOST_MESSAGE}, one frame"
            )
        stream = self._next_stream
        self._next_stream += 2
        headers = write_frame(frames.HEADERS, frames.END_HEADERS, stream, header_block)
        data = write_frame(frames.DATA, END_STREAM, stream, write_message(message))
        self._unsent.append((stream, headers, data))
        return stream

    def flush(self) -> None:
        """Sends what is waiting, as far as the server admits it and the socket takes it."""
        while self._unsent and self._may_begin(*self._unsent[0]):
            self._begin(*self._unsent.popleft())
        if self._out:
            try:
                del self._out[: self._socket.send(self._out)]
            except BlockingIOError:
                return

    @property
    def wants_to_send(self) -> bool:
        """Whether the socket has not taken all."""
        return bool(self._out)

    def receive(self) -> list[Event]:
        """What has arrived. Raises `ConnectionError` when the server closed the connection."""
        try:
            received = self._socket.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return []
        if not received:
            raise ConnectionError(f"{self._authority} has closed the connection")
        return list(self._events(self._in + received if self._in else received))

    def _may_begin(self, _stream: int, _headers: bytes, data: bytes) -> bool:
        # Streams must begin in order: one that has to wait has all others wait behind it.
        return len(data) - HEADER_BYTES <= self._may_send and len(self._open) < self._most_open

    def _begin(self, stream: int, headers: bytes, data: bytes) -> None:
        self._open.add(stream)
        self._may_send -= len(data) - HEADER_BYTES
        self._out += headers
        self._out += data

    def _events(self, received: bytes) -> Iterator[Event]:
        arrived, self._in = take_frames(received)
        for frame in arrived:
            if frame.kind == frames.DATA:
                yield from self._messages(frame)
            elif frame.kind == frames.HEADERS:
                found = _STATUS.search(frame.payload)
                if found:
                    self._status[frame.stream] = int(found[1])
            elif frame.kind == frames.RST_STREAM:
                yield from self._end(frame.stream)
            else:
                self._control(frame)
            if frame.flags & END_STREAM and frame.kind in _WITH_AN_END:
                yield from self._end(frame.stream)

    def _messages(self, frame: Frame) -> Iterator[Message]:
        if frame.flags & frames.PADDED:
            raise ConnectionError("a padded frame has come, and gRPC pads none")
        self._unacknowledged += len(frame.payload)
        if self._unacknowledged > _MOST_WINDOW // 2:
            self._out += _window_update(self._unacknowledged)
            self._unacknowledged = 0
        before = self._partial.pop(frame.stream, b"")
        messages, rest = take_messages(before + frame.payload if before else frame.payload)
        if rest:
            self._partial[frame.stream] = rest
        for message in messages:
            yield Message(frame.stream, message)

    def _end(self, stream: int) -> Iterator[End]:
        # A reset may follow the trailers.
        if stream in self._open:
            self._open.remove(stream)
            self._partial.pop(stream, None)
            yield End(stream, self._status.pop(stream, RESET))

    def _control(self, frame: Frame) -> None:
        if frame.kind == frames.SETTINGS and not frame.flags & ACK:
            given = dict(struct.iter_unpack("!HI", frame.payload))
            self._most_open = given.get(_MOST_STREAMS, self._most_open)
            self._out += write_frame(frames.SETTINGS, ACK, 0, b"")
        elif frame.kind == frames.PING and not frame.flags & ACK:
            self._out += write_frame(frames.PING, ACK, 0, frame.payload)
        elif frame.kind == frames.WINDOW_UPDATE and frame.stream == 0:
            self._may_send += int.from_bytes(frame.payload, "big")
        elif frame.kind == frames.GOAWAY:
            raise ConnectionError(f"{self._authority} sent GOAWAY: {frame.payload[8:]!r}")


def wait(connections: Sequence[Connection], until: float) -> list[tuple[Connection, Event, float]]:
    """Sends what is waiting and returns what arrives, with the time of `perf_counter`.

    Returns at `until` (`perf_counter`) at the latest; with microseconds, since `select` knows them.
    """
    for connection in connections:
        connection.flush()
    blocked = [connection for connection in connections if connection.wants_to_send]
    timeout = max(until - time.perf_counter(), 0.0)
    readable, _, _ = select.select(connections, blocked, [], timeout)
    arrived = []
    for connection in readable:
        events = connection.receive()
        now = time.perf_counter()
        arrived += [(connection, event, now) for event in events]
    return arrived


def _window_update(amount: int) -> bytes:
    return write_frame(frames.WINDOW_UPDATE, 0, 0, struct.pack("!I", amount))


def _text(value: bytes) -> bytes:
    if len(value) > 126:
        raise ValueError(f"{value!r}: was {len(value)} bytes, needed at most 126")
    return bytes([len(value)]) + value
