"""Messages to queries. Reports every wrong field at once, with its path."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from google.protobuf import duration_pb2, timestamp_pb2
from numpy.typing import NDArray
from tickcast.v1 import (
    bar_pb2,
    prediction_service_pb2,
    stream_pb2,
)
from tickcast_modelkit.bars import check_symbol
from tickcast_modelkit.errors import InvalidSymbol, InvalidTimeframe
from tickcast_modelkit.timeframe import Timeframe

from tickcast_server.feeds.stream import Position, WhenBehind
from tickcast_server.rpc.names import MODEL_FORM, parse_model_ref
from tickcast_server.rpc.violations import Violations
from tickcast_server.serving.matrix import MatrixQuery
from tickcast_server.serving.models import ModelRef
from tickcast_server.serving.predictor import GivenBars, GivenFeatures, HeldBars, PredictQuery
from tickcast_server.store.store import BarRow, block_of

MOST_ITEMS = 5_000

_TIMEFRAME_FORM = "a count and one of s, m, h, d, w, for example 5m"
_SYMBOL_FORM = "1 to 64 letters, digits or any of . _ : / = ^ -, for example AAPL"
_DEFAULT_HEARTBEAT = 5.0

PACKED = np.dtype("<f4")
"""Of packed features."""

_POLICIES: Mapping[int, WhenBehind] = {
    stream_pb2.SLOW_READER_POLICY_CLOSE: WhenBehind.CLOSE,
    stream_pb2.SLOW_READER_POLICY_LATEST: WhenBehind.CONFLATE,
}

PredictMessage = prediction_service_pb2.PredictRequest | prediction_service_pb2.BatchPredictItem


def predict_query(request: PredictMessage, *, default_model: str = "") -> PredictQuery:
    """Raises `InvalidRequest`."""
    wrong = Violations()
    model = model_ref(request.model or default_model, wrong)
    symbol(request.symbol, "symbol", wrong)
    if request.timeframe:
        timeframe(request.timeframe, "timeframe", wrong)
    source = _source(request, wrong)
    wrong.check()
    return PredictQuery(
        model=model,
        symbol=request.symbol,
        timeframe=request.timeframe or None,
        source=source,
    )


def check_count(field: str, count: int) -> None:
    """Raises `InvalidRequest` when nothing is sent, or too much."""
    wrong = Violations()
    if not count:
        wrong.required(field, f"1 to {MOST_ITEMS}")
    elif count > MOST_ITEMS:
        wrong.add(field, f"was {count}, needed at most {MOST_ITEMS}", "BATCH_TOO_LARGE")
    wrong.check()


def bar_row(path: str, bar: bar_pb2.Bar, grid: Timeframe | None, wrong: Violations) -> BarRow:
    """A bar's values; whether they make sense together is checked where more is known."""
    if not bar.HasField("open_time"):
        wrong.required(f"{path}.open_time", "the start of the bar's slot")
    for name in ("open_time", "close_time"):
        if nanos := getattr(bar, name).nanos:
            wrong.add(f"{path}.{name}", f"was {nanos} ns past a second, needed a whole second")
    open_time = bar.open_time.seconds
    if bar.HasField("close_time"):
        close_time = bar.close_time.seconds
    else:
        close_time = grid.close_of(open_time) if grid is not None else 0
    return BarRow(open_time, close_time, bar.open, bar.high, bar.low, bar.close, bar.volume)


def matrix_query(request: prediction_service_pb2.PredictMatrixRequest) -> MatrixQuery:
    """Raises `InvalidRequest`."""
    wrong = Violations()
    model = model_ref(request.model, wrong)
    if not request.packed_values:
        wrong.required("packed_values", "the features of 1 or more rows")
    if not request.HasField("as_of_time"):
        wrong.required("as_of_time", "the close of the last bar used")
    values = _packed_values(request.packed_values, "packed_values", wrong)
    wrong.check()
    return MatrixQuery(model=model, values=values, as_of_time=request.as_of_time.seconds)


def model_ref(name: str, wrong: Violations) -> ModelRef:
    """A model or version by its resource name; one of no model when the name is wrong."""
    ref = parse_model_ref(name)
    if not name:
        wrong.required("model", MODEL_FORM)
    elif ref is None:
        wrong.add("model", f"was {name!r}, needed {MODEL_FORM}")
    return ref or ModelRef("", None)


def symbol(text: str, field: str, wrong: Violations) -> None:
    """Checks a symbol."""
    if not text:
        wrong.required(field, _SYMBOL_FORM)
        return
    try:
        check_symbol(text)
    except InvalidSymbol:
        wrong.add(field, f"was {text!r}, needed {_SYMBOL_FORM}")


def timeframe(text: str, field: str, wrong: Violations) -> Timeframe | None:
    """Reads a timeframe."""
    if not text:
        wrong.required(field, _TIMEFRAME_FORM)
        return None
    try:
        return Timeframe.parse(text)
    except InvalidTimeframe:
        wrong.add(field, f"was {text!r}, needed {_TIMEFRAME_FORM}")
        return None


def symbols(texts: Sequence[str], wrong: Violations) -> tuple[str, ...]:
    """Checks the symbols of a stream; the same symbol twice counts once."""
    if len(texts) > MOST_ITEMS:
        wrong.add(
            "symbols", f"was {len(texts)} symbols, needed at most {MOST_ITEMS}", "BATCH_TOO_LARGE"
        )
        return ()
    for index, text in enumerate(texts):
        symbol(text, f"symbols[{index}]", wrong)
    return tuple(dict.fromkeys(texts))


def resume_positions(
    positions: Sequence[stream_pb2.StreamPosition],
    subscribed: Sequence[str],
    wrong: Violations,
) -> Mapping[str, Position]:
    """Where each symbol resumes; the timeframes are for `resume_timeframes` to check."""
    found: dict[str, Position] = {}
    for index, position in enumerate(positions):
        path = f"resume_after[{index}]"
        symbol(position.symbol, f"{path}.symbol", wrong)
        if position.symbol in found:
            wrong.add(f"{path}.symbol", f"was {position.symbol!r} again, needed each symbol once")
        if subscribed and position.symbol not in subscribed:
            wrong.add(f"{path}.symbol", f"was {position.symbol!r}, needed one of symbols")
        if not position.epoch:
            wrong.required(f"{path}.epoch", "the epoch of the position that was received")
        if position.sequence < 0:
            wrong.add(f"{path}.sequence", f"was {position.sequence}, needed 0 or more")
        found[position.symbol] = Position(position.epoch, position.sequence)
    return found


def resume_timeframes(
    positions: Sequence[stream_pb2.StreamPosition], needed: str, wrong: Violations
) -> None:
    """Checks that each position is of the timeframe that is streamed."""
    for index, position in enumerate(positions):
        if position.timeframe != needed:
            wrong.add(
                f"resume_after[{index}].timeframe",
                f"was {position.timeframe!r}, needed {needed!r}",
                "TIMEFRAME_MISMATCH",
            )


def heartbeat(duration: duration_pb2.Duration | None, wrong: Violations) -> float:
    """Longest silence of a stream, in seconds."""
    if duration is None:
        return _DEFAULT_HEARTBEAT
    seconds = duration.seconds + duration.nanos / 1e9
    if not 0.1 <= seconds <= 60:
        wrong.add("heartbeat_interval", f"was {seconds:g} s, needed 0.1 s to 60 s")
    return seconds


def when_behind(policy: int, default: WhenBehind, wrong: Violations) -> WhenBehind:
    """What becomes of a stream whose reader is slow."""
    if policy == stream_pb2.SLOW_READER_POLICY_UNSPECIFIED:
        return default
    if policy not in _POLICIES:
        wrong.add("slow_reader_policy", f"was {policy}, needed a SlowReaderPolicy")
    return _POLICIES.get(policy, default)


def minimum_move(least: float, wrong: Violations) -> None:
    """Checks what a stream leaves out."""
    if not (math.isfinite(least) and least >= 0):
        wrong.add("minimum_move", f"was {least}, needed a natural log return of 0 or more")


def seconds_of(time: timestamp_pb2.Timestamp) -> int:
    """Whole seconds since the epoch, rounded up: a bound in between lies after the second."""
    return time.seconds + (1 if time.nanos else 0)


def _source(request: PredictMessage, wrong: Violations) -> HeldBars | GivenFeatures | GivenBars:
    match request.WhichOneof("input"):
        case "features":
            return _given_features(request.features, wrong)
        case "bars":
            return _given_bars(request.symbol, request.bars, wrong)
        case _:
            return HeldBars()


def _given_features(
    features: prediction_service_pb2.InlineFeatures, wrong: Violations
) -> GivenFeatures:
    field, values = _feature_values(features, wrong)
    # As plain numbers, which are doubles, finite ones have a finite sum.
    if not math.isfinite(sum(values.tolist())):
        for index in np.flatnonzero(~np.isfinite(values)).tolist():
            wrong.add(f"{field}[{index}]", f"was {values[index]}, needed a finite number")
    if not features.HasField("as_of_time"):
        wrong.required("features.as_of_time", "the close of the last bar used")
    last_close = features.last_close if features.HasField("last_close") else None
    if last_close is not None and not (math.isfinite(last_close) and last_close > 0):
        wrong.add("features.last_close", f"was {last_close}, needed a finite price above 0")
    return GivenFeatures(
        field=field, values=values, as_of_time=features.as_of_time.seconds, last_close=last_close
    )


def _feature_values(
    features: prediction_service_pb2.InlineFeatures, wrong: Violations
) -> tuple[str, NDArray[np.float32]]:
    packed, count = features.packed_values, len(features.values)
    if not packed:
        if not count:
            wrong.required("features.values", "the values of the model's feature set")
        return "features.values", np.fromiter(features.values, dtype=np.float32, count=count)
    field = "features.packed_values"
    if count:
        wrong.add(field, "was given beside features.values, needed one of the two")
    return field, _packed_values(packed, field, wrong)


def _packed_values(packed: bytes, field: str, wrong: Violations) -> NDArray[np.float32]:
    if len(packed) % PACKED.itemsize:
        wrong.add(field, f"was {len(packed)} bytes, needed {PACKED.itemsize} for each feature")
        return np.empty(0, dtype=np.float32)
    return unpacked(packed)


def unpacked(packed: bytes) -> NDArray[np.float32]:
    """Packed features. A view of the bytes: nothing is copied where float32 is little-endian."""
    return np.frombuffer(packed, dtype=PACKED).astype(np.float32, copy=False)


def _given_bars(
    symbol_asked: str, inline: prediction_service_pb2.InlineBars, wrong: Violations
) -> GivenBars:
    count = len(inline.bars)
    if not count:
        wrong.required("bars.bars", "closed bars, oldest first")
    elif count > MOST_ITEMS:
        wrong.add("bars.bars", f"was {count}, needed at most {MOST_ITEMS}", "BATCH_TOO_LARGE")
    if not 0 < count <= MOST_ITEMS:
        return GivenBars(block=block_of(1, []), timeframe=None)
    named = inline.bars[0].timeframe
    grid = timeframe(named, "bars.bars[0].timeframe", wrong) if named else None
    rows = []
    for index, bar in enumerate(inline.bars):
        path = f"bars.bars[{index}]"
        if bar.symbol and bar.symbol != symbol_asked:
            wrong.add(f"{path}.symbol", f"was {bar.symbol!r}, needed {symbol_asked!r} or nothing")
        if bar.timeframe != named:
            wrong.add(
                f"{path}.timeframe",
                f"was {bar.timeframe!r}, needed {named!r}, that of bars.bars[0]",
                "TIMEFRAME_MISMATCH",
            )
        rows.append(bar_row(path, bar, grid, wrong))
    return GivenBars(block=block_of(1, rows), timeframe=named or None)
