"""The store in Valkey or Redis.

<prefix>:epoch                               identity of the store
<prefix>:series                              sorted set: symbol, NUL, timeframe
<prefix>:bars:<timeframe>:<symbol>           stream: id <open time ms>-<sequence>, packed bar
<prefix>:features:<set>:<timeframe>:<symbol> packed feature row
<prefix>:events                              stream: every bar that was stored, for all processes
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from typing import Any, Self

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError

from tickcast_server.errors import StoreUnavailable
from tickcast_server.store.packing import (
    DamagedValue,
    pack_bar,
    pack_features,
    unpack_bar,
    unpack_features,
)
from tickcast_server.store.store import (
    AppendResult,
    AppendStatus,
    BarBlock,
    BarRow,
    BarStored,
    EpochChanged,
    FeatureRow,
    SeriesEnds,
    SeriesKey,
    block_of,
)

_RENEW_EPOCH = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) end
return redis.call('GET', KEYS[1])
"""

# Series that one call of the script appends to: the store does nothing else meanwhile.
_SERIES_AT_ONCE = 100

Entry = tuple[bytes, dict[bytes, bytes]]


class RedisStore:
    """A `Store` over redis-py.

    Nothing is retried here: a caller that waits decides for itself, and the request path must
    not wait.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str,
        retained_bars: int,
        retained_events: int,
        timeout: float,
        poll: float,
    ) -> None:
        self._prefix = prefix
        self._retained_bars = retained_bars
        self._retained_events = retained_events
        self._poll = poll
        self._redis = _connect(url, timeout=timeout, connections=32)
        # A blocking read keeps its connection busy for as long as nothing happens.
        self._events = _connect(url, timeout=poll + timeout, connections=1)
        self._append = _Script(
            self._redis, resources.files(__package__).joinpath("append.lua").read_text()
        )
        self._renew = _Script(self._redis, _RENEW_EPOCH)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open_epoch(self) -> str:
        with _unavailable("reading its epoch"):
            await self._redis.set(self._key("epoch"), secrets.token_hex(8), nx=True)
            return _text(await self._redis.get(self._key("epoch")))

    async def renew_epoch(self, old: str) -> str:
        with _unavailable("renewing its epoch"):
            return _text(await self._renew([self._key("epoch")], [old, secrets.token_hex(8)]))

    async def append(
        self, epoch: str, batches: Sequence[tuple[SeriesKey, Sequence[BarRow]]]
    ) -> list[list[AppendResult]]:
        calls = [
            self._append_call(epoch, batches[start : start + _SERIES_AT_ONCE])
            for start in range(0, len(batches), _SERIES_AT_ONCE)
        ]
        with _unavailable("appending bars"):
            try:
                replies = await self._append.many(calls)
            except ResponseError as error:
                if not str(error).startswith("EPOCH"):
                    raise
                raise EpochChanged(await self.open_epoch()) from error
        return [[_append_result(item) for item in series] for reply in replies for series in reply]

    def _append_call(
        self, epoch: str, batches: Sequence[tuple[SeriesKey, Sequence[BarRow]]]
    ) -> tuple[list[bytes], list[bytes | int | str]]:
        keys = [self._key("epoch"), self._key("series"), self._key("events")]
        arguments: list[bytes | int | str] = [epoch, self._retained_bars, self._retained_events]
        for key, rows in batches:
            keys.append(self._bars_key(key))
            arguments += (_member(key), len(rows))
            for row in rows:
                arguments += (row.open_time * 1000, pack_bar(row))
        return keys, arguments

    async def last_bars(self, key: SeriesKey, count: int) -> BarBlock:
        with _unavailable("reading bars"):
            entries = await self._redis.xrevrange(self._bars_key(key), count=count)
        return _block(entries[::-1])

    async def bars_until(self, key: SeriesKey, sequence: int, count: int) -> BarBlock:
        # Sequences have no holes, so that the distance from the last bar is a number of entries.
        newest = await self.last_bars(key, 1)
        behind = max(newest.last_sequence - sequence, 0)
        return (await self.last_bars(key, count + behind)).until(sequence).tail(count)

    async def bars_between(self, key: SeriesKey, start: int, end: int, limit: int) -> BarBlock:
        if end <= start or end <= 0:
            return block_of(1, [])
        with _unavailable("reading bars"):
            entries = await self._redis.xrange(
                self._bars_key(key), min=max(start, 0) * 1000, max=end * 1000 - 1, count=limit
            )
        return _block(entries)

    async def ends(self, keys: Sequence[SeriesKey]) -> list[SeriesEnds | None]:
        with _unavailable("reading the ends of series"):
            pipeline = self._redis.pipeline(transaction=False)
            for key in keys:
                pipeline.xrange(self._bars_key(key), count=1)
                pipeline.xrevrange(self._bars_key(key), count=1)
            replies = await pipeline.execute()
        return [_ends(first, last) for first, last in zip(replies[::2], replies[1::2], strict=True)]

    async def series(self) -> list[SeriesKey]:
        with _unavailable("listing series"):
            members = await self._redis.zrange(self._key("series"), 0, -1)
        return [_series_key(member) for member in members]

    async def save_features(
        self, feature_set: str, rows: Sequence[tuple[SeriesKey, FeatureRow]]
    ) -> None:
        with _unavailable("keeping features"):
            # One command for all: a command for each would take four times as long.
            await self._redis.mset(
                {
                    (name := self._features_key(key, feature_set)): pack_features(name, row)
                    for key, row in rows
                }
            )

    async def load_features(
        self, key: SeriesKey, feature_set: str
    ) -> tuple[FeatureRow | None, int]:
        name = self._features_key(key, feature_set)
        with _unavailable("reading features"):
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.get(name)
            pipeline.xrevrange(self._bars_key(key), count=1)
            data, entries = await pipeline.execute()
        last_sequence = _sequence(entries[0]) if entries else 0
        try:
            return (unpack_features(name, data) if data else None), last_sequence
        except DamagedValue:
            # A cached value that cannot be trusted is computed again from the bars.
            return None, last_sequence

    async def events(self) -> AsyncIterator[BarStored | None]:
        with _unavailable("following its events"):
            newest = await self._events.xrevrange(self._key("events"), count=1)
            position = newest[0][0] if newest else b"0"
            yield None
            while True:
                reply = await self._events.xread(
                    {self._key("events"): position}, count=1000, block=int(self._poll * 1000)
                )
                entries: Sequence[Entry] = _stream_entries(reply)
                for identity, fields in entries:
                    position = identity
                    yield BarStored(
                        _series_key(fields[b"k"]),
                        _text(fields[b"e"]),
                        int(fields[b"s"]),
                        unpack_bar(fields[b"b"]),
                    )
                yield None

    async def close(self) -> None:
        await self._events.aclose()
        await self._redis.aclose()

    def _key(self, name: str) -> bytes:
        return f"{self._prefix}:{name}".encode()

    def _bars_key(self, key: SeriesKey) -> bytes:
        return f"{self._prefix}:bars:{key.timeframe}:{key.symbol}".encode()

    def _features_key(self, key: SeriesKey, feature_set: str) -> bytes:
        return f"{self._prefix}:features:{feature_set}:{key.timeframe}:{key.symbol}".encode()


class _Script:
    def __init__(self, redis: Any, source: str) -> None:
        self._redis = redis
        self._source = source
        self._digest = ""

    async def __call__(self, keys: Sequence[bytes], arguments: Sequence[Any]) -> Any:
        (reply,) = await self.many([(keys, arguments)])
        return reply

    async def many(self, calls: Sequence[tuple[Sequence[bytes], Sequence[Any]]]) -> list[Any]:
        if not self._digest:
            self._digest = _text(await self._redis.script_load(self._source))
        try:
            return await self._pipeline(calls)
        except NoScriptError:
            # The store was restarted and has forgotten its scripts. Every script here is safe to
            # repeat, also when a part of the pipeline has run.
            await self._redis.script_load(self._source)
            return await self._pipeline(calls)

    async def _pipeline(self, calls: Sequence[tuple[Sequence[bytes], Sequence[Any]]]) -> list[Any]:
        pipeline = self._redis.pipeline(transaction=False)
        for keys, arguments in calls:
            pipeline.evalsha(self._digest, len(keys), *keys, *arguments)
        # Left to itself, the pipeline would put its own words before the script's.
        replies: list[Any] = await pipeline.execute(raise_on_error=False)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies


def _connect(url: str, *, timeout: float, connections: int) -> Any:
    # Typed loosely: redis-py annotates every reply as any of those of all its modes at once.
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=timeout,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )
    return Redis.from_pool(pool)


@contextmanager
def _unavailable(what: str) -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"{what}: {str(error) or type(error).__name__}") from error


def _member(key: SeriesKey) -> bytes:
    return f"{key.symbol}\0{key.timeframe}".encode()


def _series_key(member: bytes) -> SeriesKey:
    symbol, _, timeframe = member.decode().partition("\0")
    return SeriesKey(symbol, timeframe)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _sequence(entry: Entry) -> int:
    return int(entry[0].partition(b"-")[2])


def _bar(entry: Entry) -> BarRow:
    return unpack_bar(entry[1][b"b"])


def _block(entries: Sequence[Entry]) -> BarBlock:
    return block_of(_sequence(entries[0]) if entries else 1, [_bar(entry) for entry in entries])


def _ends(first: Sequence[Entry], last: Sequence[Entry]) -> SeriesEnds | None:
    if not first or not last:
        return None
    return SeriesEnds(
        first_sequence=_sequence(first[0]),
        first=_bar(first[0]),
        last_sequence=_sequence(last[0]),
        last=_bar(last[0]),
    )


def _append_result(item: tuple[int, int, bytes]) -> AppendResult:
    status, sequence, other = item
    return AppendResult(
        status=AppendStatus(status),
        sequence=sequence,
        other=unpack_bar(other) if other else None,
    )


def _stream_entries(reply: Any) -> Sequence[Entry]:
    if not reply:
        return ()
    ((_, entries),) = reply
    found: Sequence[Entry] = entries
    return found
