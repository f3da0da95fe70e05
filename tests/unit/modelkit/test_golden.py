from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tickcast_modelkit.errors import CorruptPackage, GoldenMismatch, InvalidArray
from tickcast_modelkit.features import CORE, sliding_windows
from tickcast_modelkit.golden import GoldenRows
from tickcast_modelkit.testing import random_walk_bars

Rows = NDArray[np.float32]


def predict(features: Rows) -> Rows:
    return features[:, 0] * np.float32(2.0)


def tails(features: Rows) -> Rows:
    return predict(features)[:, np.newaxis] + np.array([-0.25, 0.5], dtype=np.float32)


_, WINDOWS = next(sliding_windows(CORE, random_walk_bars(80)))
GOLDEN = GoldenRows.make(CORE, WINDOWS, predict)
GOLDEN_TAILS = GoldenRows.make(CORE, WINDOWS, predict, tails)


def test_rows_of_their_own_making_replay() -> None:
    GOLDEN.replay(CORE, predict)


def test_reads_back_what_it_wrote_and_writes_the_same_bytes() -> None:
    content = GOLDEN.to_bytes()
    again = GoldenRows.from_bytes(content)
    assert np.array_equal(again.ohlcv, GOLDEN.ohlcv)
    assert np.array_equal(again.open_time, GOLDEN.open_time)
    assert np.array_equal(again.features, GOLDEN.features)
    assert np.array_equal(again.predictions, GOLDEN.predictions)
    assert again.to_bytes() == content


def test_tails_replay_and_are_read_back() -> None:
    content = GOLDEN_TAILS.to_bytes()
    again = GoldenRows.from_bytes(content)
    assert again.tails is not None
    assert np.array_equal(again.tails, tails(again.features))
    assert again.to_bytes() == content
    again.replay(CORE, predict, tails)
    assert GoldenRows.from_bytes(GOLDEN.to_bytes()).tails is None


@pytest.mark.parametrize("change", [1.001, np.nan, np.inf])
def test_a_tail_that_has_changed_is_named(change: float) -> None:
    def other(features: Rows) -> Rows:
        ends = tails(features)
        ends[5, 1] *= np.float32(change)
        return ends

    with pytest.raises(GoldenMismatch, match=r"golden row 5, tail: was .* 1 of 34 differ"):
        GOLDEN_TAILS.replay(CORE, predict, other)


def probability(features: Rows) -> Rows:
    return (0.5 + 0.1 * np.tanh(features[:, 0])).astype(np.float32)


def test_probabilities_replay_and_one_that_has_changed_is_named() -> None:
    rows = GoldenRows.make(CORE, WINDOWS, predict, probability=probability)
    again = GoldenRows.from_bytes(rows.to_bytes())
    assert again.probabilities is not None
    assert np.array_equal(again.probabilities, probability(again.features))
    assert again.tails is None
    again.replay(CORE, predict, probability=probability)
    with pytest.raises(GoldenMismatch, match=r"golden row 0, probability: was .* 17 of 17 differ"):
        again.replay(CORE, predict, probability=lambda features: 1.01 * probability(features))
    with pytest.raises(GoldenMismatch, match="with a probability, needed a model that has one"):
        again.replay(CORE, predict, tails)


def test_tails_are_asked_of_a_model_that_has_them() -> None:
    with pytest.raises(GoldenMismatch, match="with a tail, needed a model that has one"):
        GOLDEN_TAILS.replay(CORE, predict)
    with pytest.raises(GoldenMismatch, match=r"tail of shape \(17,\), needed \(17, 2\)"):
        GOLDEN_TAILS.replay(CORE, predict, predict)
    GOLDEN.replay(CORE, predict, tails)


@pytest.mark.parametrize("change", [1.00001, np.nan, np.inf])
def test_a_feature_that_has_changed_is_named(change: float) -> None:
    features = GOLDEN.features.copy()
    column = CORE.names.index("rsi_14")
    features[3, column] *= np.float32(change)
    with pytest.raises(
        GoldenMismatch, match=r"golden row 3, feature rsi_14: was .* 1 of 595 differ"
    ):
        replace(GOLDEN, features=features).replay(CORE, predict)


def test_a_difference_in_the_last_bits_is_another_processor() -> None:
    features = np.nextafter(GOLDEN.features, np.float32(np.inf))
    replace(GOLDEN, features=features).replay(CORE, predict)


@pytest.mark.parametrize("change", [1.001, np.nan, np.inf])
def test_a_prediction_that_has_changed_is_named(change: float) -> None:
    def other(features: Rows) -> Rows:
        answers = predict(features)
        answers[5] *= np.float32(change)
        return answers

    with pytest.raises(GoldenMismatch, match=r"golden row 5, prediction: was .* 1 of 17 differ"):
        GOLDEN.replay(CORE, other)


def test_a_model_that_answers_in_another_shape_is_refused() -> None:
    with pytest.raises(GoldenMismatch, match=r"prediction of shape \(17, 1\), needed \(17,\)"):
        GOLDEN.replay(CORE, lambda features: predict(features)[:, np.newaxis])


def test_rows_of_another_feature_set_are_refused() -> None:
    fewer = replace(CORE, features=CORE.features[:3])
    with pytest.raises(GoldenMismatch, match=f"was {len(CORE.names)} features, needed 3"):
        GOLDEN.replay(fewer, predict)
    with pytest.raises(GoldenMismatch, match="was 256 bars in a window, needed 255"):
        GOLDEN.replay(replace(CORE, window=255), predict)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": GOLDEN.features.astype(np.float64)}, "features: was float64, needed float32"),
        (
            {"features": GOLDEN.features[1:]},
            r"features: was shape \(16, 35\), needed shape \(17, F",
        ),
        ({"predictions": GOLDEN.predictions[1:]}, r"predictions: was shape \(16,\), needed"),
        (
            {"tails": tails(GOLDEN.features)[1:]},
            r"tails: was shape \(16, 2\), needed shape \(17, 2",
        ),
        ({"tails": tails(GOLDEN.features)[:, ::-1]}, r"tails\[0\]: was .* needed around"),
        ({"tails": tails(GOLDEN.features) * np.float32(np.nan)}, r"tails\[0\]: was \[nan nan\]"),
        ({"tails": tails(GOLDEN.features).astype(np.float64)}, "tails: was float64, needed"),
        (
            {"probabilities": GOLDEN.predictions[1:]},
            r"probabilities: was shape \(16,\), needed shape \(17,\)",
        ),
        (
            {"probabilities": np.full(17, 1.5, dtype=np.float32)},
            r"probabilities\[0\]: was 1.5, needed from 0 to 1",
        ),
        ({"ohlcv": GOLDEN.ohlcv[:0], "open_time": GOLDEN.open_time[:0]}, "ohlcv: was 0 rows"),
        ({"open_time": GOLDEN.open_time[:, 1:]}, r"open_time: was shape \(17, 255\), needed"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArray, match=message):
        replace(GOLDEN, **changes)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", GOLDEN.to_bytes()[:-100], b"\x93NUMPY"])
def test_what_is_no_file_of_golden_rows_is_refused(content: bytes) -> None:
    with pytest.raises(CorruptPackage, match=rf"golden.npz: was {len(content)} bytes"):
        GoldenRows.from_bytes(content)
