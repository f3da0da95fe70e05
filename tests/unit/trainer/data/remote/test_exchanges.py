"""Coinbase, Kraken and Binance through ccxt, pointed at a server that answers as they do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tickcast_modelkit.timeframe import Timeframe
from tickcast_trainer.sources import exchanges
from tickcast_trainer.sources.exchanges import Exchange
from tickcast_trainer.sources.received import ReceivedBars
from tickcast_trainer.sources.remote import (
    BarRequest,
    InvalidAnswer,
    NotOffered,
    RateLimited,
    RemoteContext,
)

HOUR = 3600
FIRST = 1_704_067_200
"""2024-01-01, when the coin was listed."""

LAST = FIRST + 2499 * HOUR

MakeContext = Callable[..., RemoteContext]
MakeAnswer = Callable[..., Any]

CANDLES = {
    "coinbase": "/api/v3/brokerage/market/products/BTC-USD/candles",
    "kraken": "/0/public/OHLC",
    "binance": "/api/v3/klines",
}
SYMBOLS = {"coinbase": "BTC/USD", "kraken": "BTC/USD", "binance": "BTC/USDT"}


def values(time: int) -> list[str]:
    return [f"{100 + time % 7}.5", "120.25", "90.75", f"{100 + time % 5}.25", f"{time % 11}.125"]


def times(begin: int, end: int) -> list[int]:
    """Open times of the candles from begin to end, both included, that there are."""
    first = max(FIRST, -(-begin // HOUR) * HOUR)
    return list(range(first, min(end, LAST) + 1, HOUR))


def coinbase_candles(query: dict[str, str]) -> Any:
    # Newest first, and an error beyond 350 candles.
    asked = times(int(query["start"]), int(query["end"]))
    assert int(query["end"]) - int(query["start"]) <= 350 * HOUR
    names = ("open", "high", "low", "close", "volume")
    return {
        "candles": [
            {"start": str(time), **dict(zip(names, values(time), strict=True))}
            for time in reversed(asked)
        ]
    }


def kraken_candles(query: dict[str, str]) -> Any:
    # The last 720 and no others, whatever was asked for.
    held = times(LAST - 719 * HOUR, LAST)
    rows = []
    for time in held:
        if time > int(query["since"]):
            prices, volume = values(time)[:4], values(time)[4]
            rows.append([time, *prices, "100.0", volume, 12])
    return {"error": [], "result": {"XXBTZUSD": rows, "last": LAST}}


def binance_candles(query: dict[str, str]) -> Any:
    # The first ones from the start on, however long after it.
    found = times(int(query["startTime"]) // 1000, LAST)[: int(query["limit"])]
    return [
        [time * 1000, *values(time), time * 1000 + HOUR * 1000 - 1, "0", 12, "0", "0", "0"]
        for time in found
    ]


LISTINGS: dict[str, dict[str, Any]] = {
    "coinbase": {
        "/v2/currencies": {"data": [{"id": "USD", "name": "US Dollar", "min_size": "0.01"}]},
        "/v2/currencies/crypto": {"data": [{"code": "BTC", "name": "Bitcoin", "type": "crypto"}]},
        "/v2/exchange-rates": {"data": {"currency": "USD", "rates": {"BTC": "0.000015"}}},
        "/api/v3/brokerage/market/products": {
            "products": [
                {
                    "product_id": "BTC-USD",
                    "price": "67060",
                    "base_increment": "0.00000001",
                    "quote_increment": "0.01",
                    "price_increment": "0.01",
                    "quote_min_size": "1",
                    "quote_max_size": "150000000",
                    "base_min_size": "0.00000001",
                    "base_max_size": "3400",
                    "status": "online",
                    "trading_disabled": False,
                    "product_type": "SPOT",
                    "quote_currency_id": "USD",
                    "base_currency_id": "BTC",
                }
            ],
            "num_products": 1,
        },
    },
    "kraken": {
        "/0/public/Assets": {
            "error": [],
            "result": {
                "XXBT": {"aclass": "currency", "altname": "XBT", "decimals": 10},
                "ZUSD": {"aclass": "currency", "altname": "USD", "decimals": 4},
            },
        },
        "/0/public/AssetPairs": {
            "error": [],
            "result": {
                "XXBTZUSD": {
                    "altname": "XBTUSD",
                    "wsname": "XBT/USD",
                    "base": "XXBT",
                    "quote": "ZUSD",
                    "pair_decimals": 1,
                    "lot_decimals": 8,
                    "leverage_buy": [],
                    "fees": [[0, 0.4]],
                    "fees_maker": [[0, 0.25]],
                    "ordermin": "0.0001",
                    "status": "online",
                }
            },
        },
    },
    "binance": {
        "/api/v3/exchangeInfo": {
            "timezone": "UTC",
            "symbols": [
                {
                    "symbol": "BTCUSDT",
                    "status": "TRADING",
                    "baseAsset": "BTC",
                    "baseAssetPrecision": 8,
                    "quoteAsset": "USDT",
                    "quotePrecision": 8,
                    "isSpotTradingAllowed": True,
                    "filters": [],
                    "permissions": ["SPOT"],
                }
            ],
        },
    },
}
REPLIES = {"coinbase": coinbase_candles, "kraken": kraken_candles, "binance": binance_candles}


def answer_as(name: str, vendor: Any, answer: MakeAnswer) -> None:
    """Have the vendor answer as an exchange whose coin has 2,500 candles of an hour."""
    for path, listing in LISTINGS[name].items():
        vendor.reply(path, lambda question, known=listing: answer(body=listed(known, question)))
    vendor.reply(CANDLES[name], lambda question: answer(body=REPLIES[name](question.query)))


def listed(listing: dict[str, Any], question: Any) -> dict[str, Any]:
    # Coinbase lists its futures at the same path.
    return {"products": []} if question.query.get("product_type") == "FUTURE" else listing


@pytest.fixture(params=["coinbase", "kraken", "binance"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def exchange(name: str, vendor: Any, answer: MakeAnswer, context: MakeContext) -> Exchange:
    """The source of an exchange, pointed at the vendor."""
    answer_as(name, vendor, answer)
    made: Exchange = getattr(exchanges, name)(
        context(**{f"TICKCAST_SOURCE_{name.upper()}_URL": vendor.url})
    )
    # Its own pace would be kept in real time.
    made._client.enableRateLimit = False
    return made


def ask(exchange: Exchange, name: str, start: int, end: int) -> ReceivedBars:
    timeframe = Timeframe.parse("1h")
    return exchange.fetch(
        BarRequest(symbol=SYMBOLS[name], timeframe=timeframe, start=start, end=end)
    )


def test_the_candles_asked_for_come_page_by_page(
    exchange: Exchange, name: str, vendor: Any
) -> None:
    # From before the listing to past the end, and off the hour.
    bars = ask(exchange, name, FIRST - 1000 * HOUR + 1, LAST + 500 * HOUR)
    expected = times(FIRST if name != "kraken" else LAST - 719 * HOUR, LAST)
    assert np.array_equal(bars.open_time, expected)
    assert bars.ohlcv.tolist() == [[float(one) for one in values(time)] for time in expected]
    assert np.isnan(bars.adjusted_close).all()
    assert len(vendor.asked(CANDLES[name])) == {"coinbase": 14, "kraken": 2, "binance": 4}[name]


def test_no_candle_outside_is_kept(exchange: Exchange, name: str) -> None:
    start, end = LAST - 100 * HOUR + 1, LAST - 50 * HOUR
    bars = ask(exchange, name, start, end)
    assert bars.open_time.tolist() == times(start, end - 1)


def test_after_429_it_waits_as_long_as_it_is_told(
    exchange: Exchange, name: str, vendor: Any, answer: MakeAnswer, clock: Any
) -> None:
    busy = answer(status=429, body={}, headers={"Retry-After": "7"})
    query = {
        "start": str(LAST - 10 * HOUR),
        "end": str(LAST),
        "since": str(LAST - 11 * HOUR),
        "startTime": str((LAST - 10 * HOUR) * 1000),
        "limit": "1000",
    }
    vendor.on(CANDLES[name], busy, busy, answer(body=REPLIES[name](query)))
    assert len(ask(exchange, name, LAST - 10 * HOUR, LAST)) == 10
    assert clock.slept == [7.0, 7.0]


def test_an_exchange_that_stays_busy_is_given_up(
    exchange: Exchange, name: str, vendor: Any, answer: MakeAnswer
) -> None:
    vendor.on(CANDLES[name], answer(status=429, body={}))
    with pytest.raises(RateLimited, match=f"{name}: "):
        ask(exchange, name, LAST - 10 * HOUR, LAST)
    assert len(vendor.asked(CANDLES[name])) == 5


@pytest.mark.parametrize("broken", ["candles", "listing"])
def test_a_truncated_answer_is_no_answer_without_candles(
    exchange: Exchange, name: str, vendor: Any, answer: MakeAnswer, broken: str
) -> None:
    path = CANDLES[name] if broken == "candles" else list(LISTINGS[name])[-1]
    vendor.on(path, answer(body='{"result": {"XXB'))
    with pytest.raises(InvalidAnswer, match=f"{name}: answered with no JSON"):
        ask(exchange, name, LAST - 10 * HOUR, LAST)
    assert len(vendor.asked(path)) >= 5


def test_a_body_that_is_cut_short_is_asked_for_again(
    exchange: Exchange, name: str, vendor: Any, answer: MakeAnswer, clock: Any
) -> None:
    whole = vendor.answer
    cut = [answer(body={"result": {}}, cut_at=5)]

    def sometimes(question: Any) -> Any:
        return cut.pop() if cut and question.path == CANDLES[name] else whole(question)

    vendor.answer = sometimes
    assert len(ask(exchange, name, LAST - 10 * HOUR, LAST)) == 10
    assert len(clock.slept) == 1


def test_an_unknown_symbol_and_timeframe_are_refused(exchange: Exchange) -> None:
    for symbol, timeframe in (("NO/SUCH", "1h"), ("BTC/USD", "7m")):
        asked = BarRequest(
            symbol=symbol, timeframe=Timeframe.parse(timeframe), start=FIRST, end=LAST
        )
        with pytest.raises(NotOffered):
            exchange.fetch(asked)


def test_pages_are_kept(name: str, vendor: Any, answer: MakeAnswer, context: MakeContext) -> None:
    answer_as(name, vendor, answer)
    found = []
    for _ in range(2):
        made = getattr(exchanges, name)(
            context(max_age_seconds=1e12, **{f"TICKCAST_SOURCE_{name.upper()}_URL": vendor.url})
        )
        made._client.enableRateLimit = False
        found.append(ask(made, name, LAST - 10 * HOUR, LAST))
    assert len(vendor.asked(CANDLES[name])) == 1
    assert np.array_equal(found[0].ohlcv, found[1].ohlcv)
