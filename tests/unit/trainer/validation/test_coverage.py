"""Coverage by symbol and by regime, and regimes that know nothing of what comes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tickcast_trainer.validation.coverage import measure_coverage
from tickcast_trainer.validation.regimes import REGIMES, UNKNOWN, volatility_regimes

TIME = np.arange(6, dtype=np.int64)
SYMBOL = np.array([0, 1, 0, 1, 0, 1], dtype=np.intp)
REGIME = np.array([UNKNOWN, UNKNOWN, 0, 0, 2, 2], dtype=np.intp)


def test_shares_are_counted_where_there_is_an_interval() -> None:
    lower = np.array([np.nan, -1.0, -1.0, -1.0, -np.inf, -1.0])
    upper = np.array([np.nan, 1.0, 1.0, 1.0, 1.0, 1.0])
    target = np.array([0.0, 0.0, 2.0, 0.0, -5.0, -2.0])
    found = measure_coverage(
        lower,
        upper,
        target,
        TIME,
        symbols=("A", "B", "GONE"),
        series_index=SYMBOL,
        regime=REGIME,
        horizon=1,
        nominal=0.9,
    )
    assert found is not None
    assert found.overall.value == 3 / 5
    assert found.overall.low < 3 / 5 < found.overall.high
    assert {name: one.value for name, one in found.by_symbol.items()} == {"A": 1 / 2, "B": 2 / 3}
    assert {name: one.value for name, one in found.by_regime.items()} == {
        "calm": 1 / 2,
        "restless": 1 / 2,
    }
    assert (found.median_width, found.rows) == (2.0, 5)
    assert found.unbounded == pytest.approx(1 / 5)
    # Of the four with two ends, all of width 2, two missed by 1, which costs 2 / (1 - 0.9) each.
    assert found.score == pytest.approx(2.0 + 2 / 4 * 20.0)


def test_without_an_interval_there_is_no_coverage() -> None:
    nowhere = np.full(6, np.nan)
    found = measure_coverage(
        nowhere,
        nowhere,
        np.zeros(6),
        TIME,
        symbols=("A", "B"),
        series_index=SYMBOL,
        regime=REGIME,
        horizon=1,
        nominal=0.9,
    )
    assert found is None


def test_regimes_are_thirds_of_what_the_symbol_had_before() -> None:
    past = np.random.default_rng(1).permutation(np.linspace(1.0, 2.0, 90))
    for value, name in ((1.1, "calm"), (1.5, "middling"), (1.9, "restless"), (9.0, "restless")):
        regime = volatility_regimes(np.append(past, value), np.zeros(91, dtype=np.intp))
        assert REGIMES[regime[-1]] == name
        assert (regime[:60] == UNKNOWN).all()
        assert (regime[60:] != UNKNOWN).all()


def test_a_volatility_that_never_moves_is_middling() -> None:
    regime = volatility_regimes(np.ones(100), np.zeros(100, dtype=np.intp))
    assert set(regime[60:].tolist()) == {REGIMES.index("middling")}


@given(cut=st.integers(1, 199), seed=st.integers(0, 100))
def test_later_and_other_volatility_changes_no_regime(cut: int, seed: int) -> None:
    volatility = np.random.default_rng(seed).lognormal(size=200)
    one = np.zeros(200, dtype=np.intp)
    whole = volatility_regimes(volatility, one)
    assert whole[:cut].tolist() == volatility_regimes(volatility[:cut], one[:cut]).tolist()
    both = volatility_regimes(
        np.stack([volatility, 100.0 * volatility[::-1]], axis=1).ravel(),
        np.arange(400, dtype=np.intp) % 2,
    )
    assert both[0::2].tolist() == whole.tolist()
