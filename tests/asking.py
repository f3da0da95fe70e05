"""The two clients behind one face, so that what holds for both is tested once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from tickcast import AsyncClient, Client

Ask = Callable[..., Awaitable[Any]]
"""Calls a method by its name."""

Connect = Callable[..., AbstractAsyncContextManager[Ask]]
"""Makes a client, with the arguments of either, until the end."""


@asynccontextmanager
async def blocking(target: str, **options: Any) -> AsyncIterator[Ask]:
    """A `Client`, each call in a thread."""
    with Client(target, **options) as client:

        async def ask(method: str, *arguments: Any, **given: Any) -> Any:
            return await asyncio.to_thread(getattr(client, method), *arguments, **given)

        yield ask


@asynccontextmanager
async def asynchronous(target: str, **options: Any) -> AsyncIterator[Ask]:
    """An `AsyncClient`."""
    async with AsyncClient(target, **options) as client:

        async def ask(method: str, *arguments: Any, **given: Any) -> Any:
            return await getattr(client, method)(*arguments, **given)

        yield ask
