"""Frames and messages, wherever the network cuts them."""

from collections.abc import Callable
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.common.frames import (
    Frame,
    take_frames,
    take_messages,
    write_frame,
    write_message,
)

FRAMES = st.builds(
    Frame,
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 2**31 - 1),
    st.binary(max_size=300),
)
Item = TypeVar("Item")

CUTS = st.lists(st.integers(1, 50), min_size=1)


def in_pieces(
    data: bytes, cuts: list[int], take: Callable[[bytes], tuple[list[Item], bytes]]
) -> list[Item]:
    found: list[Item] = []
    rest, position, number = b"", 0, 0
    while position < len(data):
        size = cuts[number % len(cuts)]
        items, rest = take(rest + data[position : position + size])
        found += items
        position += size
        number += 1
    assert rest == b""
    return found


@given(st.lists(FRAMES), CUTS)
def test_frames_are_read_as_they_were_written(frames: list[Frame], cuts: list[int]) -> None:
    data = b"".join(write_frame(*frame) for frame in frames)

    assert in_pieces(data, cuts, take_frames) == frames


@given(st.lists(st.binary(max_size=300)), CUTS)
def test_messages_are_read_as_they_were_written(messages: list[bytes], cuts: list[int]) -> None:
    data = b"".join(map(write_message, messages))

    assert in_pieces(data, cuts, take_messages) == messages


def test_a_frame_longer_than_a_byte_can_count_has_its_length() -> None:
    frame = Frame(0, 0, 1, b"x" * 16_000)

    assert take_frames(write_frame(*frame)) == ([frame], b"")
