"""A prediction is settled by the bar that it was about, and by no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tickcast import (
    FeatureProvenance,
    FeatureSource,
    Interval,
    Prediction,
    PredictionEvent,
    StreamPosition,
)
from tickcast.cli.scoreboard import Scoreboard

DAY = datetime(2012, 3, 1, tzinfo=UTC)


def event(
    sequence: int,
    close: float,
    *,
    expected: float = 0.0,
    band: tuple[float, float] | None = None,
    symbol: str = "AAPL",
    epoch: str = "e1",
    horizon: int = 1,
) -> PredictionEvent:
    as_of = DAY + timedelta(days=sequence)
    prediction = Prediction(
        symbol=symbol,
        timeframe="1d",
        as_of_time=as_of,
        target_time=as_of + timedelta(days=horizon),
        horizon_bars=horizon,
        last_close=close,
        predicted_return=expected,
        predicted_price=close * (1 + expected),
        return_interval=None,
        price_interval=Interval(lower=band[0], upper=band[1], coverage=0.9) if band else None,
        direction_probability=None,
        model_version="models/m/versions/1",
        feature_set="featureSets/x",
        feature_provenance=FeatureProvenance(
            source=FeatureSource.CACHE, age=timedelta(), stale=False, bars_used=64, outdated=False
        ),
    )
    position = StreamPosition(symbol=symbol, timeframe="1d", epoch=epoch, sequence=sequence)
    return PredictionEvent(prediction=prediction, position=position)


@pytest.mark.parametrize(
    ("close", "hit", "right"),
    [(101.0, True, True), (103.0, False, True), (99.0, True, False), (100.0, True, None)],
)
def test_the_next_close_settles_a_prediction_of_one_bar(
    close: float, hit: bool, right: bool | None
) -> None:
    score = Scoreboard()["AAPL"]
    assert score.take(event(1, 100.0, expected=0.01, band=(98.0, 102.0))) is None
    outcome = score.take(event(2, close))
    assert outcome is not None
    assert outcome.in_band is hit
    assert outcome.right_direction is right


def test_a_longer_horizon_waits_for_its_own_bar() -> None:
    score = Scoreboard()["AAPL"]
    score.take(event(1, 100.0, expected=0.01, band=(98.0, 102.0), horizon=3))
    assert score.take(event(2, 150.0, horizon=3)) is None
    assert score.take(event(3, 150.0, horizon=3)) is None
    outcome = score.take(event(4, 101.0, horizon=3))
    assert outcome is not None
    assert outcome.in_band is True


def test_a_bar_that_was_not_seen_settles_nothing() -> None:
    score = Scoreboard()["AAPL"]
    score.take(event(1, 100.0))
    assert score.take(event(3, 100.0)) is None
    assert score.take(event(4, 100.0)) is not None


def test_sequences_of_another_epoch_are_about_other_bars() -> None:
    score = Scoreboard()["AAPL"]
    score.take(event(1, 100.0))
    assert score.take(event(2, 100.0, epoch="e2")) is None


def test_totals_are_over_symbols_and_count_only_what_is_known() -> None:
    board = Scoreboard()
    for symbol in ("AAPL", "IBM"):
        board[symbol].take(event(1, 100.0, expected=0.01, band=(99.0, 102.0), symbol=symbol))
    board["AAPL"].take(event(2, 101.0, symbol="AAPL"))
    board["IBM"].take(event(2, 98.0, expected=-0.01, symbol="IBM"))
    board["IBM"].take(event(3, 97.0, symbol="IBM"))
    in_band, direction = board.totals()
    assert str(in_band) == "1 of 2 (50%)"
    assert str(direction) == "2 of 3 (67%)"
    assert [symbol for symbol, _ in board.symbols()] == ["AAPL", "IBM"]
