"""A batch that is put together of encoded events is the one that protobuf would encode."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tickcast.v1 import market_data_service_pb2 as market_pb
from tickcast.v1 import prediction_service_pb2 as pb
from tickcast.v1 import stream_pb2
from tickcast_server.rpc.batched import Batcher

positions = st.builds(
    stream_pb2.StreamPosition,
    symbol=st.text(max_size=200),
    sequence=st.integers(0, 2**63 - 1),
)
predictions = st.lists(st.builds(pb.StreamPredictionsResponse, position=positions), max_size=40)
prices = st.lists(st.builds(market_pb.StreamPricesResponse, position=positions), max_size=40)


@given(predictions)
def test_of_predictions(events: list[pb.StreamPredictionsResponse]) -> None:
    batcher = Batcher(pb.StreamPredictionsResponse.DESCRIPTOR)
    found = batcher.together([event.SerializeToString() for event in events])
    if len(events) < 2:
        assert list(found) == [event.SerializeToString() for event in events]
    else:
        whole = pb.StreamPredictionsResponse(batch=pb.PredictionEventBatch(events=events))
        assert list(found) == [whole.SerializeToString()]


@given(prices)
def test_of_prices(events: list[market_pb.StreamPricesResponse]) -> None:
    batcher = Batcher(market_pb.StreamPricesResponse.DESCRIPTOR)
    (found,) = batcher.together([b"", *(event.SerializeToString() for event in events), b""])
    batch = market_pb.StreamPricesResponse.FromString(found).batch
    empty = market_pb.StreamPricesResponse()
    assert list(batch.events) == [empty, *events, empty]
