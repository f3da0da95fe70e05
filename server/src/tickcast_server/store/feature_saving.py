"""Feature rows go to the store behind the calls that computed them, those of many bars together.

Each write would else be a write to the disk of its own, which the next bars had to wait for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import structlog

from tickcast_server.errors import StoreUnavailable
from tickcast_server.store.store import FeatureRow, SeriesKey, Store


class FeatureSaving:
    """Saves the last row of each series and feature set. Used by one event loop."""

    def __init__(
        self,
        store: Store,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        *,
        apart: float,
    ) -> None:
        """`apart` is for how many seconds rows are gathered."""
        self._store = store
        self._spawn = spawn
        self._apart = apart
        self._unsaved: dict[str, dict[SeriesKey, FeatureRow]] = {}
        self._under_way = False
        self._log = structlog.get_logger("tickcast.store")

    def keep(self, feature_set: str, rows: Iterable[tuple[SeriesKey, FeatureRow]]) -> None:
        """Saves these rows soon, unless later ones of their series come first."""
        self._unsaved.setdefault(feature_set, {}).update(rows)
        if not self._under_way:
            self._under_way = True
            self._spawn(self._work())

    def forget(self) -> None:
        """Drops what is not saved yet: it is of bars that are gone."""
        self._unsaved.clear()

    async def _work(self) -> None:
        try:
            while self._unsaved:
                await asyncio.sleep(self._apart)
                unsaved, self._unsaved = self._unsaved, {}
                for feature_set, rows in unsaved.items():
                    await self._save(feature_set, rows)
        finally:
            self._under_way = False

    async def _save(self, feature_set: str, rows: dict[SeriesKey, FeatureRow]) -> None:
        try:
            await self._store.save_features(feature_set, list(rows.items()))
        except StoreUnavailable as error:
            self._log.warning(
                "features were not kept in the store",
                cause=str(error),
                action="none needed: they are computed again after a restart",
            )
