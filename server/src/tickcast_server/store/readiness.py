"""Whether the peers of a bar have had theirs: so long, a prediction that ranks them can wait."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from tickcast_modelkit.features import FeatureSet

from tickcast_server.store.series import Series
from tickcast_server.store.store import SeriesKey

_MOST = 64

_Asked = tuple[str, str, int, int]
"""Feature set, timeframe, and the as-of times of the bar before and of the bar."""


class Readiness:
    """Remembers who was late last, so that asking again costs next to nothing."""

    def __init__(self, series: Mapping[SeriesKey, Series]) -> None:
        self._series = series
        self._passed: OrderedDict[_Asked, int] = OrderedDict()

    def ready(self, key: SeriesKey, feature_set: FeatureSet, sequence: int) -> bool:
        """Whether no symbol of the universe that had a bar as of the bar before lacks one now.

        A symbol that stopped before that is waited for no more. What is not in memory is taken as
        ready: reading it tells.
        """
        times = self._times(key, sequence)
        if times is None:
            return True
        asked = (feature_set.id, key.timeframe, *times)
        universe = feature_set.universe
        passed = self._passed.pop(asked, 0)
        while passed < len(universe) and not self._is_late(
            SeriesKey(universe[passed], key.timeframe), *times
        ):
            passed += 1
        self._passed[asked] = passed
        if len(self._passed) > _MOST:
            self._passed.popitem(last=False)
        return passed == len(universe)

    def _times(self, key: SeriesKey, sequence: int) -> tuple[int, int] | None:
        series = self._series.get(key)
        if series is None or series.bars is None:
            return None
        place = sequence - series.bars.first_sequence
        if not 0 < place < len(series.bars):
            return None
        before, now = series.bars.close_time[place - 1 : place + 1].tolist()
        return before, now

    def _is_late(self, key: SeriesKey, before: int, now: int) -> bool:
        series = self._series.get(key)
        if series is None or series.bars is None or not len(series.bars):
            return False
        return bool(before <= series.bars.close_time[-1] < now)
