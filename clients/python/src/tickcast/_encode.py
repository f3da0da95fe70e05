"""From plain values to messages of the contract."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, cast

from google.protobuf import duration_pb2, timestamp_pb2

from tickcast._events import SlowReaderPolicy
from tickcast._types import Bar, BatchItem, Features, Matrix, StreamPosition, Vector
from tickcast.v1 import bar_pb2, prediction_service_pb2, stream_pb2

# float32 in the order of bytes of this machine, as the buffer protocol names it.
_NATIVE = {"f", "@f", "=f"}


def bar(value: Bar, path: str) -> bar_pb2.Bar:
    """A bar; `path` names it in errors."""
    return bar_pb2.Bar(
        symbol=value.symbol,
        timeframe=value.timeframe,
        open_time=instant(value.open_time, f"{path}.open_time"),
        close_time=optional_instant(value.close_time, f"{path}.close_time"),
        open=value.open,
        high=value.high,
        low=value.low,
        close=value.close,
        volume=value.volume,
    )


def bars(values: Iterable[Bar], path: str) -> list[bar_pb2.Bar]:
    """Bars, in order."""
    return [bar(value, f"{path}[{index}]") for index, value in enumerate(values)]


def inline_features(
    value: Features | None, path: str = "features"
) -> prediction_service_pb2.InlineFeatures | None:
    """Features that go with a request."""
    if value is None:
        return None
    packed = _packed(value.values)
    return prediction_service_pb2.InlineFeatures(
        values=cast("Sequence[float]", value.values) if packed is None else None,
        packed_values=packed or b"",
        as_of_time=instant(value.as_of_time, f"{path}.as_of_time"),
        last_close=value.last_close,
    )


def _packed(values: Sequence[float] | Vector) -> bytes | None:
    """A row of float32 as the contract packs it; None for any other numbers."""
    try:
        view = memoryview(cast("Any", values))
    except TypeError:
        return None
    little = view.format == "<f" or (view.format in _NATIVE and sys.byteorder == "little")
    return view.tobytes() if little and view.ndim == 1 else None


def matrix(rows: Matrix) -> bytes:
    """Rows of features as the contract packs them."""
    try:
        view = memoryview(cast("Any", rows))
    except TypeError:
        found = array("f", chain.from_iterable(cast("Iterable[Iterable[float]]", rows)))
        return _little(found).tobytes()
    if view.format == "<f" or (view.format in _NATIVE and sys.byteorder == "little"):
        return view.tobytes()
    rows_of_numbers = cast("list[list[float]]", view.tolist())
    return _little(array("f", chain.from_iterable(rows_of_numbers))).tobytes()


def _little(values: array[float]) -> array[float]:
    if sys.byteorder == "big":
        values.byteswap()
    return values


def inline_bars(
    values: Sequence[Bar] | None, path: str = "bars"
) -> prediction_service_pb2.InlineBars | None:
    """Bars that go with a request."""
    if values is None:
        return None
    return prediction_service_pb2.InlineBars(bars=bars(values, path))


def batch_item(value: BatchItem | str, path: str) -> prediction_service_pb2.BatchPredictItem:
    """One item of a batch; a symbol alone is an item as well."""
    item = BatchItem(symbol=value) if isinstance(value, str) else value
    return prediction_service_pb2.BatchPredictItem(
        model=item.model or "",
        symbol=item.symbol,
        timeframe=item.timeframe or "",
        features=inline_features(item.features, f"{path}.features"),
        bars=inline_bars(item.bars, f"{path}.bars"),
    )


def position(value: StreamPosition) -> stream_pb2.StreamPosition:
    """A place in a stream."""
    return stream_pb2.StreamPosition(
        symbol=value.symbol,
        timeframe=value.timeframe,
        epoch=value.epoch,
        sequence=value.sequence,
    )


_POLICIES = {
    None: stream_pb2.SLOW_READER_POLICY_UNSPECIFIED,
    SlowReaderPolicy.CLOSE: stream_pb2.SLOW_READER_POLICY_CLOSE,
    SlowReaderPolicy.LATEST: stream_pb2.SLOW_READER_POLICY_LATEST,
}


def slow_reader_policy(
    value: SlowReaderPolicy | None,
) -> stream_pb2.SlowReaderPolicy.ValueType:
    """What becomes of a slow reader; the method's own way when it is not said."""
    return _POLICIES[value]


def optional_instant(value: datetime | None, path: str) -> timestamp_pb2.Timestamp | None:
    """An instant that may be absent."""
    return None if value is None else instant(value, path)


def instant(value: datetime, path: str) -> timestamp_pb2.Timestamp:
    """An instant. Raises `ValueError` for one without a zone."""
    if value.tzinfo is None:
        raise ValueError(f"{path}: was {value.isoformat()} without a zone, needed one with a zone")
    stamp = timestamp_pb2.Timestamp()
    stamp.FromDatetime(value)
    return stamp


def optional_span(value: timedelta | None) -> duration_pb2.Duration | None:
    """A span that may be absent."""
    if value is None:
        return None
    span = duration_pb2.Duration()
    span.FromTimedelta(value)
    return span
