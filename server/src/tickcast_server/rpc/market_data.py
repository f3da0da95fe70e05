"""MarketDataService."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from tickcast.v1 import market_data_service_pb2 as pb

from tickcast_server.errors import SymbolNotFound, TimeframeNotFound
from tickcast_server.feeds.intake import Intake, Outcome, Stored
from tickcast_server.feeds.leaving_out import PriceMoves
from tickcast_server.feeds.stream import Position, StreamQuery, WhenBehind
from tickcast_server.feeds.streams import Streams
from tickcast_server.rpc import decode, encode
from tickcast_server.rpc.batched import Batcher
from tickcast_server.rpc.call import Call
from tickcast_server.rpc.decode_bars import offered_bars
from tickcast_server.rpc.paging import page_of, page_request
from tickcast_server.rpc.price_feed import PriceFeed
from tickcast_server.rpc.status import status_of
from tickcast_server.rpc.violations import Violations
from tickcast_server.store.memory import Memory
from tickcast_server.store.store import SeriesEnds, SeriesKey, Store

# Past any time that a bar can have; a bound for listings that have none.
_END_OF_TIME = 2**40

_DEFAULT_PAGE = 500
_LARGEST_PAGE = 5_000

_BATCHER = Batcher(pb.StreamPricesResponse.DESCRIPTOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDataServicer:
    """Decodes, stores or reads bars, encodes."""

    intake: Intake
    memory: Memory
    store: Store
    feed: PriceFeed
    streams: Streams

    async def ingest_bars(self, request: pb.IngestBarsRequest, call: Call) -> pb.IngestBarsResponse:
        bars = offered_bars(request)
        with call.turn.waiting():
            outcomes = await self.intake.ingest(bars)
        # A name to ask about a refusal by; making one takes as long as answering a bar.
        request_id = "" if all(isinstance(one, Stored) for one in outcomes) else call.request_id
        response = pb.IngestBarsResponse()
        for outcome in outcomes:
            _write_result(outcome, request_id, response.results.add())
        return response

    async def stream_prices(
        self, request: pb.StreamPricesRequest, call: Call
    ) -> AsyncGenerator[bytes]:
        query = self._stream_query(request)
        moves = PriceMoves(request.minimum_move)
        opened = self.streams.open(query, client=call.client, connection=call.connection)
        async with opened as (stream, batches):
            async for batch in batches:
                responses: Sequence[bytes] = self.feed.responses(batch, moves)
                if request.batched:
                    responses = _BATCHER.together(responses)
                for response in responses:
                    stream.heard()
                    yield response

    async def list_bars(self, request: pb.ListBarsRequest, call: Call) -> pb.ListBarsResponse:
        wrong = Violations()
        decode.symbol(request.symbol, "symbol", wrong)
        decode.timeframe(request.timeframe, "timeframe", wrong)
        wrong.check()
        start = decode.seconds_of(request.start_time) if request.HasField("start_time") else 0
        end = decode.seconds_of(request.end_time) if request.HasField("end_time") else _END_OF_TIME
        page = page_request(
            size=request.page_size,
            token=request.page_token,
            default=_DEFAULT_PAGE,
            maximum=_LARGEST_PAGE,
            arguments=[request.symbol, request.timeframe, str(start), str(end)],
        )
        key = SeriesKey(request.symbol, request.timeframe)
        self._require(key)
        after = int(page.after) + 1 if page.after else start
        with call.turn.waiting():
            block = await self.store.bars_between(key, max(start, after), end, page.size + 1)
        shown = block[: page.size]
        more = len(block) > len(shown)
        return pb.ListBarsResponse(
            bars=[encode.bar(key, shown.row(index)) for index in range(len(shown))],
            next_page_token=page.token(str(shown.open_time[-1])) if more else "",
        )

    async def list_symbols(
        self, request: pb.ListSymbolsRequest, call: Call
    ) -> pb.ListSymbolsResponse:
        wrong = Violations()
        if request.timeframe:
            decode.timeframe(request.timeframe, "timeframe", wrong)
        wrong.check()
        page = page_request(
            size=request.page_size,
            token=request.page_token,
            default=_DEFAULT_PAGE,
            maximum=_LARGEST_PAGE,
            arguments=[request.timeframe],
        )
        keys, token = page_of(page, self.memory.known(request.timeframe), "\0".join)
        with call.turn.waiting():
            ends = await self.store.ends(keys)
        epoch = self.memory.epoch
        return pb.ListSymbolsResponse(
            symbols=[
                _summary(key, end, epoch)
                for key, end in zip(keys, ends, strict=True)
                if end is not None
            ],
            next_page_token=token,
        )

    def _require(self, key: SeriesKey) -> None:
        if self.memory.last_sequence(key):
            return
        held = [known.timeframe for known in self.memory.known() if known.symbol == key.symbol]
        if not held:
            raise SymbolNotFound(key.symbol)
        raise TimeframeNotFound(key.symbol, key.timeframe, held)

    def _stream_query(self, request: pb.StreamPricesRequest) -> StreamQuery:
        wrong = Violations()
        decode.timeframe(request.timeframe, "timeframe", wrong)
        symbols = decode.symbols(request.symbols, wrong)
        resume_after = decode.resume_positions(request.resume_after, symbols, wrong)
        decode.resume_timeframes(request.resume_after, request.timeframe, wrong)
        heartbeat = decode.heartbeat(
            request.heartbeat_interval if request.HasField("heartbeat_interval") else None, wrong
        )
        when_behind = decode.when_behind(request.slow_reader_policy, WhenBehind.CONFLATE, wrong)
        decode.minimum_move(request.minimum_move, wrong)
        wrong.check()
        return StreamQuery(
            timeframe=request.timeframe,
            symbols=symbols,
            resume_after=resume_after,
            snapshot=request.snapshot,
            heartbeat=heartbeat,
            when_behind=when_behind,
        )


def _write_result(outcome: Outcome, request_id: str, into: pb.IngestBarResult) -> None:
    if isinstance(outcome, Stored):
        position = Position(outcome.epoch, outcome.sequence)
        encode.write_position(outcome.key, position, into.stored.position)
        into.stored.duplicate = outcome.duplicate
    else:
        into.error.CopyFrom(status_of(outcome, request_id=request_id))


def _summary(key: SeriesKey, ends: SeriesEnds, epoch: str) -> pb.SymbolSummary:
    return pb.SymbolSummary(
        symbol=key.symbol,
        timeframe=key.timeframe,
        bars=ends.last_sequence - ends.first_sequence + 1,
        first_open_time=encode.timestamp(ends.first.open_time),
        last_close_time=encode.timestamp(ends.last.close_time),
        position=encode.position(key, Position(epoch, ends.last_sequence)),
    )
