"""Reads streams of the contract, as tests do that look at messages."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc


async def take(stream: Any, kind: str, count: int = 1) -> list[Any]:
    """The next `count` events of a kind, others passed over."""
    found: list[Any] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            event = await stream.read()
            assert event is not grpc.aio.EOF
            if event.WhichOneof("event") == kind:
                found.append(event)
    return found
