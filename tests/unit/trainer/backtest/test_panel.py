"""Panel: symbols on one clock, with holes where there were no bars."""

import numpy as np
import pytest
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.errors import InvalidArray
from tickcast_modelkit.testing import MONDAY, bars_of, random_walk_bars
from tickcast_trainer.backtest.panel import Panel

DAY = 86_400


def test_a_slot_is_there_when_any_symbol_has_a_bar_in_it() -> None:
    old = random_walk_bars(3, symbol="OLD")
    young = random_walk_bars(3, symbol="YOUNG", start=MONDAY + 5 * DAY)
    panel = Panel.of([old, young])
    assert ((panel.open_time - MONDAY) // DAY).tolist() == [0, 1, 2, 5, 6, 7]
    assert panel.symbols == ("OLD", "YOUNG")
    assert panel.has_bar.tolist() == [[True, False]] * 3 + [[False, True]] * 3


def test_prices_are_those_of_the_bars() -> None:
    series = bars_of([[10.0, 14.0, 9.0, 12.0, 1.0], [12.0, 13.0, 11.5, 11.5, 1.0]])
    panel = Panel.of([series])
    assert panel.open[:, 0].tolist() == [10.0, 12.0]
    assert panel.close[:, 0].tolist() == [12.0, 11.5]
    assert panel.reach[:, 0].tolist() == [5.0, 1.5]


def test_a_slot_is_known_when_its_last_bar_is() -> None:
    early, late = random_walk_bars(1, symbol="EARLY"), random_walk_bars(1, symbol="LATE")
    early = BarSeries.checked(
        symbol="EARLY",
        timeframe=early.timeframe,
        open_time=early.open_time,
        close_time=early.close_time - 3_600,
        ohlcv=early.ohlcv,
    )
    assert Panel.of([early]).close_time.tolist() == [MONDAY + DAY - 3_600]
    assert Panel.of([late, early]).close_time.tolist() == [MONDAY + DAY]


def test_a_slice_shares_the_prices() -> None:
    panel = Panel.of([random_walk_bars(10)])
    part = panel.slice(3, 7)
    assert len(part) == 4
    assert np.shares_memory(part.close, panel.close)
    assert part.close[0] == panel.close[3]


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ([], "series: was without bars"),
        ([random_walk_bars(0)], "series: was without bars"),
        ([random_walk_bars(2), random_walk_bars(2)], "needed each symbol once"),
        (
            [random_walk_bars(2), random_walk_bars(2, symbol="B", timeframe="1h")],
            "was of timeframes 1d, 1h, needed one timeframe",
        ),
    ],
    ids=["none", "empty", "twice", "timeframes"],
)
def test_series_that_do_not_fit_together_are_refused(series: list[BarSeries], message: str) -> None:
    with pytest.raises(InvalidArray, match=message):
        Panel.of(series)
