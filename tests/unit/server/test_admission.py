"""Streams are counted of a connection, of a client and in all, until they end."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from tickcast_server.errors import TooManyStreams
from tickcast_server.feeds.admission import Admission


@pytest.fixture
def admission() -> Admission:
    return Admission(most=8, most_of_client=4, most_of_connection=2)


def open_streams(admission: Admission, streams: ExitStack, *places: tuple[str, str]) -> None:
    for client, connection in places:
        streams.enter_context(admission.one(client=client, connection=connection))


@pytest.mark.parametrize(
    ("places", "next_one", "message"),
    [
        (
            [("a", "a:1")] * 2,
            ("a", "a:1"),
            "the connection a:1 has 2 streams open, needed fewer: close one, subscribe to several "
            "symbols in one stream or open another channel",
        ),
        (
            [("a", "a:1"), ("a", "a:2")] * 2,
            ("a", "a:3"),
            "the client a has 4 streams open, needed fewer: close one or subscribe to several "
            "symbols in one stream",
        ),
        (
            [(client, f"{client}:{port}") for client in "abcd" for port in (1, 2)],
            ("e", "e:1"),
            "the server has 8 streams open, needed fewer: close one or subscribe to several "
            "symbols in one stream",
        ),
    ],
    ids=["connection", "client", "server"],
)
def test_one_too_many_is_told_what_would_have_room(
    admission: Admission,
    places: list[tuple[str, str]],
    next_one: tuple[str, str],
    message: str,
) -> None:
    with ExitStack() as streams:
        open_streams(admission, streams, *places)
        with pytest.raises(TooManyStreams) as caught:
            open_streams(admission, streams, next_one)
        assert str(caught.value) == message
    with ExitStack() as streams:
        open_streams(admission, streams, next_one)


def test_a_refused_stream_is_not_counted(admission: Admission) -> None:
    with ExitStack() as streams:
        open_streams(admission, streams, ("a", "a:1"), ("a", "a:1"))
        for _ in range(10):
            with pytest.raises(TooManyStreams):
                open_streams(admission, streams, ("a", "a:1"))
        open_streams(admission, streams, ("a", "a:2"), ("a", "a:2"))
