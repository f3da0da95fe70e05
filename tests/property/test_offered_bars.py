"""A bar that is sent is readable when modelkit finds nothing wrong with it, and only then."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from tickcast.v1.bar_pb2 import Bar
from tickcast.v1.market_data_service_pb2 import IngestBarsRequest
from tickcast_modelkit.bars import (
    GREATEST_PRICE,
    GREATEST_VOLUME,
    LAST_INSTANT,
    LEAST_PRICE,
    find_bar_problems,
)
from tickcast_modelkit.timeframe import Timeframe
from tickcast_server.feeds.intake import OfferedBar
from tickcast_server.rpc.decode_bars import offered_bars
from tickcast_server.store.store import BarRow, block_of

_EDGES = [0.0, -1.0, LEAST_PRICE, GREATEST_PRICE, GREATEST_VOLUME, math.inf, -math.inf, math.nan]
_BEYOND = [math.nextafter(edge, toward) for edge in _EDGES for toward in (-math.inf, math.inf)]
_VALUES = st.sampled_from([1.0, 2.0, 3.0]) | st.sampled_from([*_EDGES, *_BEYOND])
_TIMEFRAMES = st.sampled_from(["1s", "5m", "1d", "1w"])
_TIMES = st.sampled_from(
    [-86_400, -1, 0, 1, 300, 345_600, 864_000, 950_400, LAST_INSTANT, LAST_INSTANT + 1]
)


@st.composite
def _bars(draw: st.DrawFn) -> tuple[str, BarRow]:
    open_time = draw(_TIMES)
    length = draw(st.sampled_from([-1, 0, 1, 299, 300, 301, 86_400, 604_800]))
    prices = draw(st.tuples(_VALUES, _VALUES, _VALUES, _VALUES, _VALUES))
    return draw(_TIMEFRAMES), BarRow(open_time, open_time + length, *prices)


@given(st.lists(_bars(), min_size=1, max_size=5))
def test_what_is_readable_is_what_has_no_problem(bars: list[tuple[str, BarRow]]) -> None:
    request = IngestBarsRequest(bars=[_message(timeframe, row) for timeframe, row in bars])
    found = [isinstance(bar, OfferedBar) for bar in offered_bars(request)]
    assert found == [not _problems(timeframe, row) for timeframe, row in bars]


def _problems(timeframe: str, row: BarRow) -> int:
    block = block_of(1, [row])
    grid = Timeframe.parse(timeframe)
    return len(find_bar_problems(block.open_time, block.close_time, block.ohlcv, grid))


def _message(timeframe: str, row: BarRow) -> Bar:
    bar = Bar(symbol="AAPL", timeframe=timeframe)
    bar.open_time.seconds, bar.close_time.seconds, *_ = row
    _, _, bar.open, bar.high, bar.low, bar.close, bar.volume = row
    return bar
