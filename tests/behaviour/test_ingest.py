"""A bar is acknowledged only once it is stored, and every bar has its own answer."""

from __future__ import annotations

import math
import time

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2
from grpc_status import rpc_status
from tickcast.v1 import bar_pb2
from tickcast.v1 import market_data_service_pb2 as pb
from tickcast.v1 import market_data_service_pb2_grpc as rpc
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.testing import bar_messages, detail, reason

SERIES = random_walk_bars(20, symbol="AAPL")


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> rpc.MarketDataServiceAsyncStub:
    return rpc.MarketDataServiceStub(channel)


async def ingest(
    stub: rpc.MarketDataServiceAsyncStub, bars: list[bar_pb2.Bar]
) -> list[pb.IngestBarResult]:
    response = await stub.IngestBars(pb.IngestBarsRequest(bars=bars))
    return list(response.results)


async def listed(stub: rpc.MarketDataServiceAsyncStub, symbol: str = "AAPL") -> list[bar_pb2.Bar]:
    response = await stub.ListBars(pb.ListBarsRequest(symbol=symbol, timeframe="1d"))
    return list(response.bars)


async def test_bars_are_numbered_without_a_hole_and_read_back_as_sent(
    stub: rpc.MarketDataServiceAsyncStub,
) -> None:
    bars = bar_messages(SERIES)
    results = await ingest(stub, bars[:7]) + await ingest(stub, bars[7:])
    assert [result.stored.position.sequence for result in results] == list(range(1, 21))
    assert len({result.stored.position.epoch for result in results}) == 1
    assert await listed(stub) == bars


async def test_a_bar_sent_again_is_acknowledged_again(stub: rpc.MarketDataServiceAsyncStub) -> None:
    bars = bar_messages(SERIES)
    first = await ingest(stub, bars)
    again = await ingest(stub, bars)
    assert [r.stored.position for r in again] == [r.stored.position for r in first]
    assert all(result.stored.duplicate for result in again)
    assert len(await listed(stub)) == len(bars)


async def test_a_bar_with_other_values_is_refused_with_both_shown(
    stub: rpc.MarketDataServiceAsyncStub,
) -> None:
    bars = bar_messages(SERIES)
    await ingest(stub, bars)
    changed = bar_pb2.Bar()
    changed.CopyFrom(bars[5])
    changed.volume += 1
    (result,) = await ingest(stub, [changed])
    assert result.error.code == code_pb2.ALREADY_EXISTS
    assert reason(result.error) == "BAR_CONFLICT"
    metadata = detail(result.error, error_details_pb2.ErrorInfo).metadata
    assert f"volume={bars[5].volume}" in metadata["stored"]
    assert f"volume={changed.volume}" in metadata["sent"]
    assert (await listed(stub))[5] == bars[5]


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("open", math.nan, "open"),
        ("high", math.inf, "high"),
        ("low", -1.0, "low"),
        ("close", 0.0, "close"),
        ("volume", -1.0, "volume"),
        ("volume", math.nan, "volume"),
        ("high", 1e-6, "high"),
        ("symbol", "", "symbol"),
        ("symbol", "A B", "symbol"),
        ("timeframe", "", "timeframe"),
        ("timeframe", "1y", "timeframe"),
    ],
)
async def test_a_bar_that_contradicts_itself_is_refused_and_its_field_named(
    stub: rpc.MarketDataServiceAsyncStub, field: str, value: object, named: str
) -> None:
    good, bad = bar_messages(random_walk_bars(1, symbol="GOOD")), bar_messages(SERIES, 0, 1)
    setattr(bad[0], field, value)
    results = await ingest(stub, [*good, *bad])
    assert results[0].HasField("stored")
    assert results[1].error.code == code_pb2.INVALID_ARGUMENT
    violations = detail(results[1].error, error_details_pb2.BadRequest).field_violations
    assert f"bars[1].{named}" in {violation.field for violation in violations}


async def test_a_bar_off_the_grid_is_refused(stub: rpc.MarketDataServiceAsyncStub) -> None:
    (bar,) = bar_messages(SERIES, 0, 1)
    bar.open_time.seconds += 60
    (result,) = await ingest(stub, [bar])
    assert reason(result.error) == "BAR_INVALID"


async def test_a_bar_that_has_not_closed_is_refused(stub: rpc.MarketDataServiceAsyncStub) -> None:
    (bar,) = bar_messages(SERIES, 0, 1)
    bar.open_time.seconds = int(time.time()) // 86_400 * 86_400
    bar.ClearField("close_time")
    (result,) = await ingest(stub, [bar])
    assert reason(result.error) == "BAR_NOT_CLOSED"


async def test_a_bar_behind_the_last_one_is_refused(stub: rpc.MarketDataServiceAsyncStub) -> None:
    bars = bar_messages(SERIES)
    await ingest(stub, [bars[0], *bars[5:]])
    (result,) = await ingest(stub, [bars[3]])
    assert result.error.code == code_pb2.FAILED_PRECONDITION
    assert reason(result.error) == "BAR_OUT_OF_ORDER"


async def test_a_refused_bar_holds_back_the_later_ones_of_its_series_alone(
    stub: rpc.MarketDataServiceAsyncStub,
) -> None:
    bars, others = bar_messages(SERIES), bar_messages(random_walk_bars(20, symbol="IBM"))
    bars[2].low = -1.0
    results = await ingest(stub, [bar for pair in zip(bars, others, strict=True) for bar in pair])
    own, other = results[::2], results[1::2]
    assert [r.WhichOneof("result") for r in own[:3]] == ["stored", "stored", "error"]
    assert {reason(result.error) for result in own[3:]} == {"PRECEDING_BAR_REFUSED"}
    assert all(result.HasField("stored") for result in other)
    # Mended and sent again, nothing is missing.
    mended = await ingest(stub, bar_messages(SERIES))
    assert [result.stored.position.sequence for result in mended] == list(range(1, 21))


async def test_a_close_before_the_end_of_the_slot_is_kept(
    stub: rpc.MarketDataServiceAsyncStub,
) -> None:
    (bar,) = bar_messages(SERIES, 0, 1)
    bar.close_time.seconds = bar.open_time.seconds + 21 * 3600
    await ingest(stub, [bar])
    assert (await listed(stub))[0].close_time == bar.close_time


async def test_more_bars_than_the_limit_are_refused_whole(
    stub: rpc.MarketDataServiceAsyncStub,
) -> None:
    bars = bar_messages(SERIES, 0, 1) * 5_001
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.IngestBars(pb.IngestBarsRequest(bars=bars))
    status = rpc_status.from_call(caught.value)
    assert status is not None
    assert reason(status) == "BATCH_TOO_LARGE"


async def test_listings_come_in_pages_that_add_up(stub: rpc.MarketDataServiceAsyncStub) -> None:
    bars = bar_messages(SERIES)
    await ingest(stub, bars)
    found: list[bar_pb2.Bar] = []
    token = ""
    while True:
        page = await stub.ListBars(
            pb.ListBarsRequest(symbol="AAPL", timeframe="1d", page_size=6, page_token=token)
        )
        found += page.bars
        token = page.next_page_token
        if not token:
            break
    assert found == bars
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ListSymbols(pb.ListSymbolsRequest(page_token="made up"))
    status = rpc_status.from_call(caught.value)
    assert status is not None
    assert reason(status) == "PAGE_TOKEN_INVALID"


async def test_a_range_of_time_is_listed(stub: rpc.MarketDataServiceAsyncStub) -> None:
    bars = bar_messages(SERIES)
    await ingest(stub, bars)
    response = await stub.ListBars(
        pb.ListBarsRequest(
            symbol="AAPL",
            timeframe="1d",
            start_time=bars[3].open_time,
            end_time=bars[9].open_time,
        )
    )
    assert list(response.bars) == bars[3:9]


async def test_an_unknown_timeframe_of_a_known_symbol_says_which_are_held(
    stub: rpc.MarketDataServiceAsyncStub,
) -> None:
    await ingest(stub, bar_messages(SERIES))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ListBars(pb.ListBarsRequest(symbol="AAPL", timeframe="5m"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    status = rpc_status.from_call(caught.value)
    assert status is not None
    assert reason(status) == "TIMEFRAME_NOT_FOUND"
    assert detail(status, error_details_pb2.ErrorInfo).metadata["heldTimeframes"] == "1d"


async def test_symbols_are_listed_with_what_is_held(stub: rpc.MarketDataServiceAsyncStub) -> None:
    await ingest(stub, bar_messages(SERIES))
    await ingest(stub, bar_messages(random_walk_bars(4, symbol="IBM", timeframe="1h")))
    response = await stub.ListSymbols(pb.ListSymbolsRequest())
    summary = [(item.symbol, item.timeframe, item.bars) for item in response.symbols]
    assert summary == [("AAPL", "1d", 20), ("IBM", "1h", 4)]
    assert response.symbols[0].last_close_time.seconds == SERIES.close_time[-1]
    assert response.symbols[0].position.sequence == 20
