"""The bytes of HTTP/2 and gRPC: frames (RFC 9113, 4.1), and messages behind their lengths."""

from __future__ import annotations

import struct
from typing import NamedTuple

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8

END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8

HEADER_BYTES = 9
PREFIX_BYTES = 5


class Frame(NamedTuple):
    """One frame of HTTP/2."""

    kind: int
    flags: int
    stream: int
    payload: bytes


def write_frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """The bytes of a frame."""
    length = len(payload)
    return struct.pack("!HBBBI", length >> 8, length & 255, kind, flags, stream) + payload


def take_frames(data: bytes) -> tuple[list[Frame], bytes]:
    """Whole frames at the beginning, and what is left of the data."""
    frames = []
    position, end = 0, len(data)
    while end - position >= HEADER_BYTES:
        begin = position + HEADER_BYTES
        next_one = begin + int.from_bytes(data[position : position + 3], "big")
        if next_one > end:
            break
        stream = int.from_bytes(data[position + 5 : begin], "big")
        payload = data[begin:next_one]
        frames.append(Frame(data[position + 3], data[position + 4], stream, payload))
        position = next_one
    return frames, data[position:]


def write_message(message: bytes) -> bytes:
    """A message as gRPC sends it, not compressed."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def take_messages(data: bytes) -> tuple[list[bytes], bytes]:
    """Whole messages at the beginning, and what is left of the data."""
    messages = []
    position, end = 0, len(data)
    while end - position >= PREFIX_BYTES:
        begin = position + PREFIX_BYTES
        next_one = begin + int.from_bytes(data[position + 1 : begin], "big")
        if next_one > end:
            break
        messages.append(data[begin:next_one])
        position = next_one
    return messages, data[position:]
