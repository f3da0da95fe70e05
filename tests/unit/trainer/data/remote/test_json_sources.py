"""Alpha Vantage, Financial Modeling Prep and CoinGecko: documents, pages and refusals."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tickcast_modelkit.timeframe import Timeframe
from tickcast_trainer.sources import alphavantage, coingecko, fmp
from tickcast_trainer.sources.received import ReceivedBars
from tickcast_trainer.sources.remote import (
    BarRequest,
    InvalidAnswer,
    MissingKey,
    NotOffered,
    RateLimited,
    RemoteContext,
    RemoteSource,
    RemoteSourceError,
)

KEY = "S3CRETKEY"
DAY = 86_400

MakeContext = Callable[..., RemoteContext]
MakeAnswer = Callable[..., Any]


def at(text: str) -> int:
    return int(np.datetime64(text, "s").astype(np.int64))


def ask(
    source: RemoteSource,
    symbol: str,
    start: str,
    end: str,
    timeframe: str = "1d",
) -> ReceivedBars:
    request = BarRequest(
        symbol=symbol, timeframe=Timeframe.parse(timeframe), start=at(start), end=at(end)
    )
    return source.fetch(request)


ADJUSTED: dict[str, dict[str, Any]] = {
    "Meta Data": {
        "1. Information": "Daily Time Series with Splits and Dividend Events",
        "2. Symbol": "IBM",
        "5. Time Zone": "US/Eastern",
    },
    "Time Series (Daily)": {
        "2024-01-05": {
            "1. open": "159.0000",
            "2. high": "160.5500",
            "3. low": "158.1500",
            "4. close": "159.1600",
            "5. adjusted close": "158.0000",
            "6. volume": "3365400",
            "7. dividend amount": "0.0000",
            "8. split coefficient": "1.0",
        },
        "2024-01-04": {
            "1. open": "160.0000",
            "2. high": "161.0000",
            "3. low": "159.0000",
            "4. close": "160.8600",
            "5. adjusted close": "159.7000",
            "6. volume": "3212300",
            "7. dividend amount": "0.0000",
            "8. split coefficient": "1.0",
        },
    },
}
DAILY = {
    "Meta Data": {"2. Symbol": "IBM"},
    "Time Series (Daily)": {
        day: {
            "1. open": row["1. open"],
            "2. high": row["2. high"],
            "3. low": row["3. low"],
            "4. close": row["4. close"],
            "5. volume": row["6. volume"],
        }
        for day, row in ADJUSTED["Time Series (Daily)"].items()
    },
}
PREMIUM = {
    "Information": "Thank you for using Alpha Vantage! This is a premium endpoint. You may "
    "subscribe to any of the premium plans to instantly unlock all premium endpoints"
}
TOO_QUICK = {
    "Information": "Thank you for using Alpha Vantage! Please consider spreading out your free API "
    "requests more sparingly (1 request per second). You may subscribe to any of the premium plans"
}
DAY_USED_UP = {
    "Information": f"We have detected your API key as {KEY} and our standard API rate limit is 25 "
    "requests per day. Please subscribe to any of the premium plans"
}
UNKNOWN = {"Error Message": "Invalid API call. Please retry or visit the documentation"}


@pytest.fixture
def alpha(vendor: Any, context: MakeContext) -> alphavantage.AlphaVantage:
    return alphavantage.make(
        context(TICKCAST_SOURCE_ALPHAVANTAGE_KEY=KEY, TICKCAST_SOURCE_ALPHAVANTAGE_URL=vendor.url)
    )


def test_daily_bars_of_alpha_vantage(
    vendor: Any, answer: MakeAnswer, alpha: alphavantage.AlphaVantage
) -> None:
    vendor.on("/query", answer(body=ADJUSTED))
    bars = ask(alpha, "IBM", "2024-01-01", "2024-02-01")
    assert bars.open_time.tolist() == [at("2024-01-04"), at("2024-01-05")]
    assert bars.ohlcv.tolist() == [
        [160.0, 161.0, 159.0, 160.86, 3212300.0],
        [159.0, 160.55, 158.15, 159.16, 3365400.0],
    ]
    assert bars.adjusted_close.tolist() == [159.7, 158.0]
    assert vendor.asked("/query") == [
        {
            "function": "TIME_SERIES_DAILY_ADJUSTED",
            "symbol": "IBM",
            "outputsize": "full",
            "apikey": KEY,
        }
    ]


def test_only_the_bars_asked_for_are_kept(
    vendor: Any, answer: MakeAnswer, alpha: alphavantage.AlphaVantage
) -> None:
    vendor.on("/query", answer(body=ADJUSTED))
    assert len(ask(alpha, "IBM", "2024-01-05", "2024-02-01")) == 1
    assert len(ask(alpha, "IBM", "2024-01-04", "2024-01-05")) == 1


def test_a_key_without_adjusted_closes_gets_bars_as_traded_and_a_warning(
    vendor: Any,
    answer: MakeAnswer,
    alpha: alphavantage.AlphaVantage,
    caplog: pytest.LogCaptureFixture,
) -> None:
    vendor.on("/query", answer(body=PREMIUM), answer(body=DAILY))
    bars = ask(alpha, "IBM", "2024-01-01", "2024-02-01")
    assert len(bars) == 2
    assert np.isnan(bars.adjusted_close).all()
    assert [query["function"] for query in vendor.asked("/query")] == [
        "TIME_SERIES_DAILY_ADJUSTED",
        "TIME_SERIES_DAILY",
    ]
    assert "as traded, splits and all" in caplog.text


def intraday(month: str) -> dict[str, Any]:
    row = {
        "1. open": "1",
        "2. high": "2",
        "3. low": "1",
        "4. close": "2",
        "5. volume": "7",
    }
    return {
        "Meta Data": {"4. Interval": "5min", "6. Time Zone": "US/Eastern"},
        "Time Series (5min)": {f"{month}-15 09:35:00": row, f"{month}-15 09:30:00": row},
    }


def test_bars_within_the_day_come_month_by_month_in_the_time_of_new_york(
    vendor: Any, answer: MakeAnswer, alpha: alphavantage.AlphaVantage
) -> None:
    vendor.reply("/query", lambda question: answer(body=intraday(question.query["month"])))
    bars = ask(alpha, "IBM", "2023-12-20", "2024-07-20T12:00", "5m")
    assert [query["month"] for query in vendor.asked("/query")] == [
        "2023-12",
        *(f"2024-0{month}" for month in range(1, 8)),
    ]
    assert bars.open_time[:2].tolist() == [at("2024-01-15T14:30"), at("2024-01-15T14:35")]
    assert bars.open_time[-2:].tolist() == [at("2024-07-15T13:30"), at("2024-07-15T13:35")]
    assert len(bars) == 14


def test_months_before_a_listing_are_empty(
    vendor: Any, answer: MakeAnswer, alpha: alphavantage.AlphaVantage
) -> None:
    vendor.on("/query", answer(body=UNKNOWN), answer(body=intraday("2024-02")))
    assert len(ask(alpha, "NEW", "2024-01-01", "2024-03-01", "5m")) == 2


@pytest.mark.parametrize(
    ("document", "error", "said"),
    [
        (DAY_USED_UP, RateLimited, "25 requests per day"),
        (UNKNOWN, NotOffered, "Invalid API call"),
        ({"Information": "The service is being moved."}, RemoteSourceError, "being moved"),
        ({"Weather": "fine", "Wind": "none"}, InvalidAnswer, "another document than it promises"),
    ],
)
def test_an_error_under_status_200_is_an_error(
    vendor: Any,
    answer: MakeAnswer,
    alpha: alphavantage.AlphaVantage,
    document: dict[str, str],
    error: type[Exception],
    said: str,
) -> None:
    vendor.on("/query", answer(body=document))
    with pytest.raises(error, match=said) as refusal:
        ask(alpha, "IBM", "2024-01-01", "2024-02-01")
    assert KEY not in str(refusal.value)


def test_asked_too_quickly_it_is_asked_again_after_a_minute(
    vendor: Any, answer: MakeAnswer, alpha: alphavantage.AlphaVantage, clock: Any
) -> None:
    vendor.on("/query", answer(body=TOO_QUICK), answer(body=ADJUSTED))
    assert len(ask(alpha, "IBM", "2024-01-01", "2024-02-01")) == 2
    assert clock.slept == [60.0]


def test_no_key_is_shown_logged_or_kept_anywhere(
    vendor: Any,
    answer: MakeAnswer,
    context: MakeContext,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    source = alphavantage.make(
        context(
            max_age_seconds=3600.0,
            TICKCAST_SOURCE_ALPHAVANTAGE_KEY=KEY,
            TICKCAST_SOURCE_ALPHAVANTAGE_URL=vendor.url,
        )
    )
    vendor.on(
        "/query",
        answer(status=500, body=f"no such key: {KEY}"),
        answer(body="{", cut_at=0),
        answer(body=TOO_QUICK),
        answer(body=ADJUSTED),
        answer(body=DAY_USED_UP),
    )
    bars = ask(source, "IBM", "2024-01-01", "2024-02-01")
    with pytest.raises(RateLimited) as refusal:
        ask(source, "AAPL", "2024-01-01", "2024-02-01")
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(vendor.asked("/query")) == 5
    assert all(query["apikey"] == KEY for query in vendor.asked("/query"))
    assert "HTTP Request: GET" in caplog.text
    assert kept
    assert KEY not in caplog.text
    assert KEY not in str(refusal.value)
    assert all(KEY not in text for text in bars.provenance)
    assert all(KEY.encode() not in path.read_bytes() for path in kept)


@pytest.mark.parametrize(
    ("source", "variable"),
    [(alphavantage, "TICKCAST_SOURCE_ALPHAVANTAGE_KEY"), (fmp, "TICKCAST_SOURCE_FMP_KEY")],
)
def test_a_missing_key_is_named_by_its_variable(
    context: MakeContext, source: Any, variable: str
) -> None:
    with pytest.raises(MissingKey, match=f"{variable}: was absent, needed a key"):
        source.make(context(**{variable: " "}))


@pytest.fixture
def prep(vendor: Any, context: MakeContext) -> fmp.FinancialModelingPrep:
    return fmp.make(
        context(TICKCAST_SOURCE_FMP_KEY=KEY, TICKCAST_SOURCE_FMP_URL=f"{vendor.url}/stable")
    )


def eod(day: str) -> dict[str, Any]:
    return {
        "symbol": "AAPL",
        "date": day,
        "open": 227.2,
        "high": 230.0,
        "low": 226.5,
        "close": 229.0,
        "volume": 39435294,
        "change": 1.8,
        "changePercent": 0.79,
        "vwap": 228.1,
    }


EOD = "/stable/historical-price-eod/full"


def test_daily_bars_of_fmp_come_in_pages_of_four_years(
    vendor: Any, answer: MakeAnswer, prep: fmp.FinancialModelingPrep
) -> None:
    vendor.reply(
        EOD,
        lambda question: answer(body=[eod(question.query["to"]), eod(question.query["from"])]),
    )
    bars = ask(prep, "AAPL", "2015-01-01T12:00", "2024-01-01")
    queries = vendor.asked(EOD)
    assert [(query["from"], query["to"]) for query in queries] == [
        ("2015-01-01", "2018-12-30"),
        ("2018-12-31", "2022-12-29"),
        ("2022-12-30", "2023-12-31"),
    ]
    # The first day opened before the start that was asked for.
    assert bars.open_time.tolist() == [
        at(day) for day in ("2018-12-30", "2018-12-31", "2022-12-29", "2022-12-30", "2023-12-31")
    ]
    assert bars.ohlcv[0].tolist() == [227.2, 230.0, 226.5, 229.0, 39435294.0]
    assert {question.headers["apikey"] for question in vendor.questions} == {KEY}
    assert all("apikey" not in query for query in queries)


def test_times_of_fmp_within_the_day_are_those_of_new_york(
    vendor: Any, answer: MakeAnswer, prep: fmp.FinancialModelingPrep
) -> None:
    vendor.on(
        "/stable/historical-chart/1hour",
        answer(body=[eod("2024-07-15 15:30:00"), eod("2024-07-15 09:30:00")]),
    )
    bars = ask(prep, "AAPL", "2024-07-15", "2024-07-16", "1h")
    assert bars.open_time.tolist() == [at("2024-07-15T13:30"), at("2024-07-15T19:30")]


@pytest.mark.parametrize(
    ("status", "document", "error"),
    [
        (200, {"Error Message": "Limit Reach . Please upgrade your plan"}, RateLimited),
        (200, {"Error Message": "Invalid API KEY."}, RemoteSourceError),
        (200, {"message": "Special Endpoint: not in your current subscription"}, NotOffered),
        (401, {"Error Message": "Invalid API KEY."}, RemoteSourceError),
        (200, {"rows": []}, InvalidAnswer),
        (200, [{"date": "2024-01-05", "open": "n/a"}], InvalidAnswer),
    ],
)
def test_refusals_of_fmp(
    vendor: Any,
    answer: MakeAnswer,
    prep: fmp.FinancialModelingPrep,
    status: int,
    document: Any,
    error: type[Exception],
) -> None:
    vendor.on(EOD, answer(status=status, body=document))
    with pytest.raises(error, match=r"^fmp: "):
        ask(prep, "AAPL", "2024-01-01", "2024-02-01")


def candle(close: str) -> list[float]:
    return [at(close) * 1000, 61942.0, 62211.0, 61721.0, 61845.0]


def test_times_of_coingecko_are_those_of_the_close(
    vendor: Any, answer: MakeAnswer, context: MakeContext
) -> None:
    source = coingecko.make(context(TICKCAST_SOURCE_COINGECKO_URL=vendor.url))
    path = "/coins/bitcoin/ohlc"
    vendor.on(path, answer(body=[candle("2024-01-05T04:00"), candle("2024-01-05T08:00")]))
    bars = ask(source, "bitcoin/usd", "2024-01-01", "2024-02-01", "4h")
    assert bars.open_time.tolist() == [at("2024-01-05"), at("2024-01-05T04:00")]
    assert bars.ohlcv[0].tolist() == [61942.0, 62211.0, 61721.0, 61845.0, 0.0]
    assert vendor.asked(path) == [{"vs_currency": "usd", "days": "30"}]


@pytest.mark.parametrize(
    ("environment", "header", "timeframe"),
    [
        ({}, None, "30m"),
        ({"TICKCAST_SOURCE_COINGECKO_KEY": KEY}, "x-cg-demo-api-key", "30m"),
        ({"TICKCAST_SOURCE_COINGECKO_PRO_KEY": KEY}, "x-cg-pro-api-key", "1d"),
    ],
)
def test_each_kind_of_coingecko_key_goes_in_its_header(
    vendor: Any,
    answer: MakeAnswer,
    context: MakeContext,
    environment: dict[str, str],
    header: str | None,
    timeframe: str,
) -> None:
    urls = {
        "TICKCAST_SOURCE_COINGECKO_URL": vendor.url,
        "TICKCAST_SOURCE_COINGECKO_PRO_URL": vendor.url,
    }
    source = coingecko.make(context(**environment, **urls))
    vendor.on("/coins/bitcoin/ohlc", answer(body=[]))
    vendor.on("/coins/bitcoin/ohlc/range", answer(body=[]))
    ask(source, "bitcoin/usd", "2024-01-01", "2024-02-01", timeframe)
    (question,) = vendor.questions
    sent = {name: value for name, value in question.headers.items() if name.startswith("x-cg")}
    assert sent == ({header: KEY} if header else {})


def test_a_pro_key_has_pages_of_half_a_year(
    vendor: Any, answer: MakeAnswer, context: MakeContext
) -> None:
    source = coingecko.make(
        context(TICKCAST_SOURCE_COINGECKO_PRO_KEY=KEY, TICKCAST_SOURCE_COINGECKO_PRO_URL=vendor.url)
    )

    def days(question: Any) -> Any:
        first, last = int(question.query["from"]), int(question.query["to"])
        closes = range(-(-first // DAY) * DAY, last + 1, DAY)
        return answer(body=[[close * 1000, 1.0, 2.0, 1.0, 2.0] for close in closes])

    vendor.reply("/coins/bitcoin/ohlc/range", days)
    bars = ask(source, "bitcoin/usd", "2023-01-01", "2024-01-01")
    assert len(vendor.questions) == 3
    assert np.array_equal(bars.open_time, at("2023-01-01") + DAY * np.arange(365))


@pytest.mark.parametrize(
    ("symbol", "timeframe", "said"),
    [("bitcoin/usd", "1d", "needed one of 30m, 4h"), ("bitcoin", "4h", "such as bitcoin/usd")],
)
def test_what_coingecko_does_not_offer_is_refused_before_it_is_asked(
    vendor: Any, context: MakeContext, symbol: str, timeframe: str, said: str
) -> None:
    source = coingecko.make(context(TICKCAST_SOURCE_COINGECKO_URL=vendor.url))
    with pytest.raises(NotOffered, match=said):
        ask(source, symbol, "2024-01-01", "2024-02-01", timeframe)
    assert vendor.questions == []


@pytest.mark.parametrize("timeframe", ["2d", "1w", "7m"])
def test_a_timeframe_that_a_source_lacks_is_refused_with_those_it_has(
    alpha: alphavantage.AlphaVantage, prep: fmp.FinancialModelingPrep, timeframe: str
) -> None:
    for source in (alpha, prep):
        with pytest.raises(
            NotOffered, match=rf"timeframe: was {timeframe}, needed one of 1m, .*1d"
        ):
            ask(source, "IBM", "2024-01-01", "2024-02-01", timeframe)
