"""Tells subscribers that bars arrived.

A subscription holds which series have news, not the news: what a reader has not read yet stays
in memory and store once, whatever the number of readers, and a slow reader costs nobody anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable

from tickcast_server.errors import ShuttingDown
from tickcast_server.store.store import SeriesKey


class Subscription:
    """Collects which of its series have news."""

    def __init__(self, timeframe: str, symbols: Iterable[str]) -> None:
        self.timeframe = timeframe
        self.keys = frozenset(SeriesKey(symbol, timeframe) for symbol in symbols)
        self._news: dict[SeriesKey, None] = {}
        self._epoch_changed = False
        self._closing = False
        self._wake = asyncio.Event()

    def covers(self, key: SeriesKey) -> bool:
        """Whether the subscription is for this series: all of the timeframe when none is named."""
        return key in self.keys if self.keys else key.timeframe == self.timeframe

    def add_news(self, keys: Collection[SeriesKey]) -> None:
        """Notes news of those series that it covers."""
        news = [key for key in keys if self.covers(key)]
        if news:
            self._news.update(dict.fromkeys(news))
            self._wake.set()

    def note_epoch_change(self) -> None:
        """Notes that every sequence began again."""
        self._epoch_changed = True
        self._wake.set()

    def wake(self) -> None:
        """Has whoever waits look again."""
        self._wake.set()

    def close(self) -> None:
        """Ends the subscription: whoever waits is told that the server is shutting down."""
        self._closing = True
        self._wake.set()

    async def news(self, within: float) -> tuple[list[SeriesKey], bool]:
        """Series with news since the last call, and whether the epoch changed.

        Empty when `within` seconds pass without any. Raises `ShuttingDown`.
        """
        if not self._wake.is_set():
            try:
                async with asyncio.timeout(within):
                    await self._wake.wait()
            except TimeoutError:
                return [], False
        if self._closing:
            raise ShuttingDown
        self._wake.clear()
        keys, changed = list(self._news), self._epoch_changed
        self._news.clear()
        self._epoch_changed = False
        return keys, changed


class Fanout:
    """Passes news from memory to every subscription."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._closing = False

    def __len__(self) -> int:
        return len(self._subscriptions)

    def subscribe(self, timeframe: str, symbols: Iterable[str]) -> Subscription:
        """A new subscription. Raises `ShuttingDown` after `close`."""
        if self._closing:
            raise ShuttingDown
        subscription = Subscription(timeframe, symbols)
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forgets the subscription."""
        self._subscriptions.discard(subscription)

    def close(self) -> None:
        """Ends every subscription, and refuses new ones."""
        self._closing = True
        for subscription in self._subscriptions:
            subscription.close()

    def bars_changed(self, keys: Collection[SeriesKey]) -> None:
        for subscription in self._subscriptions:
            subscription.add_news(keys)

    def epoch_changed(self) -> None:
        for subscription in self._subscriptions:
            subscription.note_epoch_change()

    def store_reachable(self, reachable: bool) -> None:
        """Has subscribers that could not read while the store was away try again."""
        if reachable:
            for subscription in self._subscriptions:
                subscription.wake()
