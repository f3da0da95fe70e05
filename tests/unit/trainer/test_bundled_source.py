"""The bundled bars: real prices, with splits undone and crashes kept."""

import numpy as np
import pytest
from bokeh_sampledata import stocks
from tickcast_modelkit.bars import BarSeries
from tickcast_trainer.errors import BarSourceError, UnknownBarSource
from tickcast_trainer.sources import bundled
from tickcast_trainer.sources.source import find_source


@pytest.fixture(scope="module")
def series() -> dict[str, BarSeries]:
    return {one.symbol: one for one in bundled.open()}


def bar_of(one: BarSeries, day: str) -> int:
    return int(np.searchsorted(one.open_time, np.datetime64(day, "s").astype(np.int64)))


def simple_return(one: BarSeries, day: str) -> float:
    bar = bar_of(one, day)
    return float(one.ohlcv[bar, 3] / one.ohlcv[bar - 1, 3] - 1.0)


def test_five_symbols_of_daily_bars(series: dict[str, BarSeries]) -> None:
    assert {symbol: len(one) for symbol, one in series.items()} == {
        "AAPL": 3270,
        "FB": 196,
        "GOOG": 2148,
        "IBM": 3270,
        "MSFT": 3270,
    }
    assert {str(one.timeframe) for one in series.values()} == {"1d"}
    assert bar_of(series["FB"], "2012-05-18") == 0
    assert all(bar_of(one, "2013-03-01") == len(one) - 1 for one in series.values())


# The raw closes fall by 45%, 50% and 48% on these days.
@pytest.mark.parametrize(
    ("symbol", "day", "expected"),
    [("AAPL", "2000-06-21", 0.099), ("AAPL", "2005-02-28", 0.008), ("MSFT", "2003-02-18", 0.034)],
)
def test_a_split_is_no_return(
    series: dict[str, BarSeries], symbol: str, day: str, expected: float
) -> None:
    assert simple_return(series[symbol], day) == pytest.approx(expected, abs=0.001)


def test_the_fall_of_apple_on_2000_09_29_was_real_and_stays(series: dict[str, BarSeries]) -> None:
    assert simple_return(series["AAPL"], "2000-09-29") == pytest.approx(-0.519, abs=0.001)


@pytest.mark.parametrize("day", ["2000-06-21", "2005-02-28"])
def test_no_price_of_a_split_day_keeps_the_old_scale(
    series: dict[str, BarSeries], day: str
) -> None:
    apple = series["AAPL"]
    bar = bar_of(apple, day)
    assert apple.ohlcv[bar - 1 : bar + 1, :4].max() / apple.ohlcv[bar - 1 : bar + 1, :4].min() < 1.3


@pytest.mark.parametrize("day", ["2000-06-21", "2005-02-28"])
def test_a_share_of_before_a_split_counts_as_two(series: dict[str, BarSeries], day: str) -> None:
    bar = bar_of(series["AAPL"], day)
    counted = series["AAPL"].ohlcv[:, 4] / np.asarray(stocks.AAPL["volume"])
    assert counted[bar - 1] / counted[bar] == pytest.approx(2.0, rel=1e-3)


def test_the_last_price_is_the_one_that_was_traded(series: dict[str, BarSeries]) -> None:
    assert series["AAPL"].ohlcv[-1].tolist() == [438.0, 438.1799, 429.98, 430.47, 19730300.0]


def test_it_takes_no_path_and_no_other_timeframe() -> None:
    with pytest.raises(BarSourceError, match="path"):
        bundled.open("bars.csv")
    with pytest.raises(BarSourceError, match="timeframe"):
        bundled.open(timeframe="1h")


def test_sources_are_found_by_name() -> None:
    assert find_source("bundled") is bundled.open
    with pytest.raises(UnknownBarSource, match="was 'quandl', needed one of bundled, csv, parquet"):
        find_source("quandl")
