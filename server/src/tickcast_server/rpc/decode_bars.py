"""Bars that are sent to be stored, each readable or not on its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tickcast.v1 import bar_pb2, market_data_service_pb2
from tickcast_modelkit.bars import find_bar_problems, is_sound_bar
from tickcast_modelkit.timeframe import Timeframe

from tickcast_server.feeds.intake import OfferedBar, UnreadableBar
from tickcast_server.rpc import decode
from tickcast_server.rpc.violations import Violations
from tickcast_server.store.store import BarRow, SeriesKey, block_of


class _Draft(NamedTuple):
    place: str
    key: SeriesKey | None
    """Its series, when that much can be read."""

    row: BarRow
    wrong: Violations


def offered_bars(
    request: market_data_service_pb2.IngestBarsRequest,
) -> list[OfferedBar | UnreadableBar]:
    """Each bar, readable or not. Raises `InvalidRequest` for a malformed whole."""
    decode.check_count("bars", len(request.bars))
    grids: dict[str, Timeframe] = {}
    drafts = [_draft(f"bars[{index}]", bar, grids) for index, bar in enumerate(request.bars)]
    for timeframe, grid in grids.items():
        of_timeframe = [one for one in drafts if one.key and one.key.timeframe == timeframe]
        _check_values(
            [one for one in of_timeframe if not one.wrong and not _is_sound(one.row, grid)], grid
        )
    return [_offered(draft) for draft in drafts]


def _draft(place: str, bar: bar_pb2.Bar, grids: dict[str, Timeframe]) -> _Draft:
    wrong = Violations()
    decode.symbol(bar.symbol, f"{place}.symbol", wrong)
    grid = grids.get(bar.timeframe)
    if grid is None:
        grid = decode.timeframe(bar.timeframe, f"{place}.timeframe", wrong)
        if grid is not None:
            grids[bar.timeframe] = grid
    key = None if wrong else SeriesKey(bar.symbol, bar.timeframe)
    return _Draft(place, key, decode.bar_row(place, bar, grid, wrong), wrong)


def _is_sound(bar: BarRow, grid: Timeframe) -> bool:
    return is_sound_bar(bar.open_time, bar.close_time, bar[2:], grid)


def _check_values(drafts: Sequence[_Draft], grid: Timeframe) -> None:
    """Checks the values of bars of one timeframe together: many take hardly longer than one."""
    if not drafts:
        return
    block = block_of(1, [draft.row for draft in drafts])
    # Whether they come in order is for the store to say, which knows what was before.
    problems = find_bar_problems(
        block.open_time, block.close_time, block.ohlcv, grid, ordered=False
    )
    for problem in problems:
        draft = drafts[problem.row]
        draft.wrong.add(
            f"{draft.place}.{problem.column}",
            f"was {problem.value}, needed {problem.needed}",
            "BAR_INVALID",
        )


def _offered(draft: _Draft) -> OfferedBar | UnreadableBar:
    if draft.wrong or draft.key is None:
        return UnreadableBar(place=draft.place, key=draft.key, error=draft.wrong.error())
    return OfferedBar(place=draft.place, key=draft.key, bar=draft.row)
