"""Bars of coins from CoinGecko: an average over exchanges, without volume.

A symbol is a coin's id and a currency, such as ``bitcoin/usd``: tickers name several coins. Without
a key or with a demo key there are bars of 30 minutes of the last day and of 4 hours of the last 30
days; a pro key has hours and days of any time.
"""

from collections.abc import Iterator
from types import MappingProxyType
from urllib.parse import quote

from pydantic import TypeAdapter

from tickcast_trainer.sources.json_api import JsonApi, not_offered
from tickcast_trainer.sources.keys import base_url, find_key
from tickcast_trainer.sources.received import ReceivedBars, concatenate, page
from tickcast_trainer.sources.remote import BarRequest, NotOffered, RemoteContext
from tickcast_trainer.sources.slots import stretches

NAME = "coingecko"
_PRO = "coingecko_pro"
_URL = "https://api.coingecko.com/api/v3"
_PRO_URL = "https://pro-api.coingecko.com/api/v3"
_PER_MINUTE = 10.0
_KEYED_PER_MINUTE = 30.0
_PRO_PER_MINUTE = 250.0
_DAY = 86_400

_RECENT_DAYS = MappingProxyType({"30m": "1", "4h": "30"})
# Name of the interval, and days that one answer may span.
_RANGES = MappingProxyType({"1h": ("hourly", 31), "1d": ("daily", 180)})

_SHAPE = TypeAdapter(list[tuple[int, float, float, float, float]])


def make(context: RemoteContext) -> "CoinGecko":
    """Make the source, with the key of the paid service, of the free one, or none."""
    if pro := find_key(_PRO, context.environment):
        url = base_url(_PRO, context.environment, _PRO_URL)
        header, pace, key = "x-cg-pro-api-key", _PRO_PER_MINUTE, pro
        api = JsonApi(NAME, url, context, per_minute=pace, key=key, key_header=header)
        return CoinGecko(api, is_pro=True)
    demo = find_key(NAME, context.environment)
    url = base_url(NAME, context.environment, _URL)
    pace = _PER_MINUTE if demo is None else _KEYED_PER_MINUTE
    api = JsonApi(NAME, url, context, per_minute=pace, key=demo, key_header="x-cg-demo-api-key")
    return CoinGecko(api, is_pro=False)


class CoinGecko:
    """Prices of coins; every volume is 0."""

    name = NAME

    def __init__(self, api: JsonApi, *, is_pro: bool) -> None:
        self._api = api
        self._offered = {**_RECENT_DAYS, **(_RANGES if is_pro else {})}

    def fetch(self, request: BarRequest) -> ReceivedBars:
        """Return the bars asked for, as far as they go back."""
        timeframe = str(request.timeframe)
        if timeframe not in self._offered:
            raise not_offered(f"{NAME} with this key", timeframe, self._offered)
        coin, slash, currency = request.symbol.partition("/")
        if not slash:
            raise NotOffered(
                f"symbols: was {request.symbol}, needed a coin's id and a currency, "
                "such as bitcoin/usd"
            )
        path = f"/coins/{quote(coin, safe='')}/ohlc"
        if timeframe in _RANGES:
            bars = concatenate(list(self._ranges(request, path, currency)))
        else:
            parameters = {"vs_currency": currency, "days": _RECENT_DAYS[timeframe]}
            bars = self._page(request, path, parameters)
        return bars.take((bars.open_time >= request.start) & (bars.open_time < request.end))

    def _ranges(self, request: BarRequest, path: str, currency: str) -> Iterator[ReceivedBars]:
        interval, days = _RANGES[str(request.timeframe)]
        # Times of candles are those of their close.
        shift = request.timeframe.seconds
        for begin, end in stretches(request.start, request.end, days * _DAY):
            parameters = {
                "vs_currency": currency,
                "from": str(begin + shift),
                "to": str(end - 1 + shift),
                "interval": interval,
            }
            yield self._page(request, f"{path}/range", parameters)

    def _page(self, request: BarRequest, path: str, parameters: dict[str, str]) -> ReceivedBars:
        rows, url = self._api.get(path, parameters, _SHAPE)
        shift = request.timeframe.seconds
        return page(
            [milliseconds // 1000 - shift for milliseconds, *_ in rows],
            [[*prices, 0.0] for _, *prices in rows],
            provenance=url,
        )
