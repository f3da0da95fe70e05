"""What the supervisor and a worker say arrives as it was said."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from tickcast_server.serving.registry.follower import RegistryStatus
from tickcast_server.settings import Settings
from tickcast_server.workers.channel import Assignment, Channel, Message, Ready

Ends = tuple[Channel, Channel]


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    one, other = socket.socketpair()
    channels = await Channel.over(one), await Channel.over(other)
    yield channels
    for channel in channels:
        channel.close()


@pytest.mark.parametrize(
    "message",
    [
        Assignment(number=3, settings="{}"),
        Ready(loaded_versions=["models/tiny/versions/1"] * 10_000),
        RegistryStatus(url="http://here", unreachable=None, failures={"tiny@champion": "gone"}),
    ],
    ids=lambda message: type(message).__name__,
)
async def test_every_message_arrives_whole(ends: Ends, message: Message) -> None:
    ends[0].send(message)
    assert await ends[1].receive() == message


async def test_what_was_said_before_the_end_is_read_before_the_end(ends: Ends) -> None:
    ends[0].send(Ready(loaded_versions=[]))
    ends[0].close()
    assert [message async for message in ends[1].messages()] == [Ready(loaded_versions=[])]


def test_settings_with_their_secrets_make_the_same_settings() -> None:
    settings = Settings(
        redis_url=SecretStr("redis://:hunter2@cache:6379"), features=(Path("own.py"),), workers=4
    )
    assert "hunter2" not in json.dumps(settings.masked())
    assert Settings(**json.loads(settings.revealed())) == settings
