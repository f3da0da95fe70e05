"""Bars from a data folder: its silver, so that training sees what was checked."""

import logging
from pathlib import Path

from tickcast_modelkit.bars import BarSeries

from tickcast_trainer.data.holdings import find_series
from tickcast_trainer.data.layout import DEFAULT_ROOT
from tickcast_trainer.data.precedence import read_precedence
from tickcast_trainer.data.silver import open_silver
from tickcast_trainer.errors import BarSourceError

_log = logging.getLogger(__name__)


def open(location: str = "", *, timeframe: str | None = None) -> list[BarSeries]:
    """Return the silver bars of every symbol of one timeframe, ordered by symbol.

    ``location`` is a data folder, ``.tickcast/data`` if empty. Outliers are among the bars, and a
    note says how many. Silver that is not current, or damaged, is made again from bronze. Raises
    BarSourceError, also where several timeframes are held and none is chosen.
    """
    root = Path(location) if location else DEFAULT_ROOT
    keys = find_series(root, timeframe, ())
    frames = sorted({key.timeframe for key in keys})
    if len(frames) > 1:
        raise BarSourceError(f"timeframe: was absent, needed one of {', '.join(frames)}")
    precedence = read_precedence(root)
    opened = [open_silver(root, key, precedence) for key in keys]
    if outliers := sum(int(one.outlier.sum()) for one in opened):
        _log.info(
            "%s: %d bars are flagged as outliers; tickcast data check names them", root, outliers
        )
    if not any(len(one.series) for one in opened):
        raise BarSourceError(f"{root}: was without a valid bar; tickcast data check says why")
    return sorted((one.series for one in opened if len(one.series)), key=lambda one: one.symbol)
