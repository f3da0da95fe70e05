"""Every subscription hears of what it covers, and of nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from tickcast_server.feeds.fanout import Fanout
from tickcast_server.store.store import SeriesKey

TIMEFRAMES = ("1d", "1h")
SYMBOLS = ("A", "B", "C", "D")

keys = st.builds(SeriesKey, st.sampled_from(SYMBOLS), st.sampled_from(TIMEFRAMES))
asked = st.tuples(
    st.sampled_from(TIMEFRAMES), st.lists(st.sampled_from(SYMBOLS), max_size=3), st.booleans()
)


@given(st.lists(asked, max_size=6), st.data(), st.lists(keys, max_size=6, unique=True))
async def test_news_reach_those_whom_they_concern(
    wanted: Sequence[tuple[str, list[str], bool]], data: st.DataObject, news: list[SeriesKey]
) -> None:
    fanout = Fanout()
    subscriptions = [
        fanout.subscribe(timeframe, symbols, watching=watching)
        for timeframe, symbols, watching in wanted
    ]
    left = data.draw(st.sets(st.integers(0, 5)))
    for index, subscription in enumerate(subscriptions):
        if index in left:
            fanout.unsubscribe(subscription)
    fanout.bars_changed(news)
    for index, (timeframe, symbols, watching) in enumerate(wanted):
        concerned = [
            key
            for key in news
            if key.timeframe == timeframe and (not symbols or key.symbol in symbols)
        ]
        if index in left:
            concerned = []
        heard, _ = subscriptions[index].take()
        assert sorted(heard) == sorted(concerned)
        beside = watching and index not in left and any(key.timeframe == timeframe for key in news)
        assert await subscriptions[index].wait(0) == bool(concerned or beside)
