"""Tells subscribers that bars arrived.

A subscription holds which series have news, not the news: what a reader has not read yet stays
in memory and store once, whatever the number of readers, and a slow reader costs nobody anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Hashable, Iterable
from typing import TypeVar

from tickcast_server.errors import ShuttingDown
from tickcast_server.store.store import SeriesKey

_Key = TypeVar("_Key", bound=Hashable)


class Subscription:
    """Collects which of its series have news."""

    def __init__(self, timeframe: str, symbols: Iterable[str]) -> None:
        self.timeframe = timeframe
        self.keys = frozenset(SeriesKey(symbol, timeframe) for symbol in symbols)
        self._news: dict[SeriesKey, None] = {}
        self._epoch_changed = False
        self._closing = False
        self._wake = asyncio.Event()

    def add_news(self, keys: Iterable[SeriesKey]) -> None:
        """Notes news of series that it covers."""
        self._news.update(dict.fromkeys(keys))
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

    async def wait(self, within: float) -> bool:
        """Whether there is something to look at; False when `within` seconds pass without.

        Raises `ShuttingDown`.
        """
        if not self._wake.is_set():
            try:
                async with asyncio.timeout(within):
                    await self._wake.wait()
            except TimeoutError:
                return False
        if self._closing:
            raise ShuttingDown
        self._wake.clear()
        return True

    def take(self) -> tuple[list[SeriesKey], bool]:
        """Series with news since the last call, and whether the epoch changed."""
        keys, changed = list(self._news), self._epoch_changed
        self._news.clear()
        self._epoch_changed = False
        return keys, changed


class Fanout:
    """Passes news from memory to every subscription that it concerns."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        # By what news is of, so that it costs nothing to those whom it does not concern.
        self._by_series: dict[SeriesKey, set[Subscription]] = {}
        self._by_timeframe: dict[str, set[Subscription]] = {}
        self._watching: dict[str, set[Subscription]] = {}
        self._closing = False

    def __len__(self) -> int:
        return len(self._subscriptions)

    def subscribe(
        self, timeframe: str, symbols: Iterable[str], *, watching: bool = False
    ) -> Subscription:
        """A new subscription to some symbols, or to all of the timeframe when none is named.

        One that is `watching` is woken by news of other symbols of the timeframe as well. Raises
        `ShuttingDown` after `close`.
        """
        if self._closing:
            raise ShuttingDown
        subscription = Subscription(timeframe, symbols)
        self._subscriptions.add(subscription)
        for key in subscription.keys:
            self._by_series.setdefault(key, set()).add(subscription)
        if not subscription.keys:
            self._by_timeframe.setdefault(timeframe, set()).add(subscription)
        elif watching:
            self._watching.setdefault(timeframe, set()).add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forgets the subscription."""
        self._subscriptions.discard(subscription)
        for key in subscription.keys:
            _discard(self._by_series, key, subscription)
        _discard(self._by_timeframe, subscription.timeframe, subscription)
        _discard(self._watching, subscription.timeframe, subscription)

    def close(self) -> None:
        """Ends every subscription, and refuses new ones."""
        self._closing = True
        for subscription in self._subscriptions:
            subscription.close()

    def bars_changed(self, keys: Collection[SeriesKey]) -> None:
        by_timeframe: dict[str, list[SeriesKey]] = {}
        for key in keys:
            by_timeframe.setdefault(key.timeframe, []).append(key)
            for subscription in self._by_series.get(key, ()):
                subscription.add_news((key,))
        for timeframe, group in by_timeframe.items():
            for subscription in self._by_timeframe.get(timeframe, ()):
                subscription.add_news(group)
            for subscription in self._watching.get(timeframe, ()):
                subscription.wake()

    def epoch_changed(self) -> None:
        for subscription in self._subscriptions:
            subscription.note_epoch_change()

    def store_reachable(self, reachable: bool) -> None:
        """Has subscribers that could not read while the store was away try again."""
        if reachable:
            for subscription in self._subscriptions:
                subscription.wake()


def _discard(index: dict[_Key, set[Subscription]], key: _Key, subscription: Subscription) -> None:
    group = index.get(key)
    if group is not None:
        group.discard(subscription)
        if not group:
            del index[key]
