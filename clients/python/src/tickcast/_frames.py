"""Results as tables of pandas and Arrow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tickcast._extras import load
from tickcast._table import Column, Kind, table

if TYPE_CHECKING:
    import pandas
    import pyarrow

_PANDAS: Mapping[Kind, str] = {
    Kind.TEXT: "string",
    Kind.TIME: "datetime64[us, UTC]",
    Kind.SPAN: "timedelta64[us]",
    Kind.NUMBER: "float64",
    Kind.COUNT: "Int64",
    Kind.FLAG: "boolean",
}


def to_pandas(results: object, *, of: type[Any] | None = None) -> pandas.DataFrame:
    """Results as a table with a row for each: needs `pip install 'tickcast[pandas]'`.

    `results` are one or many of `Prediction`, `Bar` or `FeatureVector`, a batch with its errors, a
    `PredictionMatrix`, or events of a stream: of these, predictions, refusals and bars have rows.
    Where there may be no row, `of` says what would be there: `Prediction`, `PredictionEvent`,
    `Bar`, `BarEvent` or `FeatureVector`.

    Times are in UTC, numbers float64 with NaN where there is none. The columns are always the same,
    those of a feature vector its features among them. Raises `TypeError` for other results and for
    several kinds together, `ValueError` without a row or `of`, `ImportError` without pandas.

    >>> bars = to_pandas(client.list_bars("AAPL", "1d"), of=Bar)
    >>> bool((bars["high"] >= bars["low"]).all())
    True
    """
    library = load("pandas", extra="pandas")
    frame: pandas.DataFrame = library.DataFrame(
        {
            name: library.Series(column.values, dtype=_PANDAS[column.kind])
            for name, column in table(results, of).items()
        }
    )
    return frame


def to_arrow(results: object, *, of: type[Any] | None = None) -> pyarrow.Table:
    """The table of `to_pandas` in Arrow's form: needs `pip install 'tickcast[arrow]'`.

    What is absent is null.

    >>> to_arrow(client.predict("AAPL", model="models/daily-ridge")).column("symbol").to_pylist()
    ['AAPL']
    """
    library = load("pyarrow", extra="arrow")
    types: Mapping[Kind, Any] = {
        Kind.TEXT: library.string(),
        Kind.TIME: library.timestamp("us", tz="UTC"),
        Kind.SPAN: library.duration("us"),
        Kind.NUMBER: library.float64(),
        Kind.COUNT: library.int64(),
        Kind.FLAG: library.bool_(),
    }
    return library.table(
        {name: _array(library, column, types) for name, column in table(results, of).items()}
    )


def _array(library: Any, column: Column, types: Mapping[Kind, Any]) -> Any:
    return library.array(column.values, types[column.kind])
