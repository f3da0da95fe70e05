"""How the SDK reaches its servers: deadlines, several connections, several servers, TLS, tokens."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tickcast import (
    AsyncClient,
    AsyncEventStream,
    BarEvent,
    DeadlineExceeded,
    Hedging,
    PriceStreamEvent,
    ServerUnavailable,
    StreamStarted,
    Tls,
)
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.rpc.tls import Certificates, PemFiles
from tickcast_server.store.embedded import EmbeddedValkey
from tickcast_server.testing import eventually, start_local

from tests.asking import Ask, Connect
from tests.certificates import Authority
from tests.conftest import AddPackage
from tests.recording_server import Recording, recording_server
from tests.sdk_bars import sdk_bars


async def predict(ask: Ask, **options: Any) -> Any:
    return await ask("predict", "AAPL", model="models/tiny", **options)


async def test_a_call_has_the_deadline_of_the_call_the_client_or_the_contract(
    recording: Recording, connect: Connect
) -> None:
    async with connect(recording.address) as ask:
        await predict(ask)
        await ask("batch_predict", ["AAPL"])
    async with connect(recording.address, timeout=60) as ask:
        await predict(ask)
        await predict(ask, timeout=30)
        with pytest.raises(ValueError, match="timeout: was 0, needed more than 0 seconds"):
            await predict(ask, timeout=0)
    # gRPC sends deadlines in coarse steps, and rounds them up.
    contract, batch, client, call = [call.seconds_left for call in recording.calls]
    assert 0 < contract < 5 < batch < 20 < call < 45 < client < 75


async def test_calls_take_connections_in_turn(recording: Recording, connect: Connect) -> None:
    async with connect(recording.address, channels=3) as ask:
        for _ in range(9):
            await predict(ask)
    peers = [call.peer for call in recording.calls]
    assert len(set(peers)) == 3
    assert peers[:3] * 3 == peers


async def test_streams_take_connections_in_turn(recording: Recording) -> None:
    async with AsyncClient(recording.address, channels=3) as client:
        for _ in range(3):
            # It is answered with no event, and that is no stream.
            with pytest.raises(ServerUnavailable):
                await anext(client.stream_prices("1d"))
    assert len({call.peer for call in recording.calls}) == 3


async def test_all_addresses_of_a_name_are_used(recording: Recording, connect: Connect) -> None:
    port = recording.address.rpartition(":")[2]
    async with connect(f"dns:///localhost:{port}") as ask:
        await predict(ask)
    assert len(recording.calls) == 1


async def test_calls_go_on_when_one_of_several_servers_is_gone(
    tmp_path: Path, repository: Path, add_package: AddPackage, connect: Connect
) -> None:
    add_package()
    # Two servers with the same models, and each with a store of its own.
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "models").symlink_to(repository)
    async with start_local(tmp_path) as first, start_local(tmp_path / "other") as second:
        target = f"{first.address},{second.address.replace('127.0.0.1', 'localhost')}"
        async with connect(target) as ask:

            async def both_were_asked() -> bool:
                await ask("list_models")
                return bool(calls(first) and calls(second))

            while not await both_were_asked():
                pass
            await second.stop()
            asked = calls(first)
            for _ in range(20):
                (model,) = await ask("list_models")
                assert model.name == "models/tiny"
            assert calls(first) == asked + 20


async def test_streams_go_on_at_another_server(
    tmp_path: Path, repository: Path, add_package: AddPackage
) -> None:
    add_package()
    series = sdk_bars(random_walk_bars(2, symbol="AAPL"))
    store = EmbeddedValkey(tmp_path / "valkey", fsync="everysec")
    await asyncio.to_thread(store.start)
    settings = {"redis_url": store.url, "grace": 1.0}
    try:
        async with (
            start_local(tmp_path, **settings) as first,
            start_local(tmp_path, **settings) as second,
            AsyncClient(f"{first.address},{second.address}") as client,
        ):
            # In turn, so that each server has one at least.
            streams = [client.stream_prices("1d") for _ in range(4)]
            assert {type(await anext(stream)) for stream in streams} == {StreamStarted}
            await client.ingest_bars(series[:1])
            assert [await closes(stream) for stream in streams] == [series[0].close] * 4
            await second.stop()
            await client.ingest_bars(series[1:])
            assert [await closes(stream) for stream in streams] == [series[1].close] * 4
            for stream in streams:
                await stream.close()
    finally:
        await asyncio.to_thread(store.stop)


async def closes(stream: AsyncEventStream[PriceStreamEvent]) -> float:
    """The close of the next bar in a stream."""
    async for event in stream:
        if isinstance(event, BarEvent):
            return event.bar.close
    raise AssertionError("the stream has ended")


def calls(app: App) -> float:
    labels = {"code": "OK", "method": "tickcast.v1.ModelService/ListModels"}
    return app.metrics.registry.get_sample_value("tickcast_calls_total", labels) or 0


async def test_an_answer_that_does_not_come_is_asked_for_again_over_another_connection(
    recording: Recording, connect: Connect
) -> None:
    recording.held = 1
    async with connect(recording.address, hedging=Hedging(after=0.05), timeout=60) as ask:
        await predict(ask)
        first, second = recording.calls
        assert first.peer != second.peer
        await eventually(lambda: recording.cancelled == 1)


async def test_a_hedge_that_finds_the_server_away_leaves_the_answer_to_the_other_call(
    recording: Recording, connect: Connect
) -> None:
    recording.held, recording.unavailable = 1, 1
    async with connect(recording.address, hedging=Hedging(after=0.05), timeout=60) as ask:
        asking = asyncio.create_task(predict(ask))
        await eventually(lambda: len(recording.calls) == 2 and not recording.unavailable)
        recording.released.set()
        await asking


async def test_hedges_are_a_share_of_all_calls(recording: Recording, connect: Connect) -> None:
    async with connect(recording.address, hedging=Hedging(after=0.01, share=0.5)) as ask:
        for _ in range(2):
            recording.held = 1
            await predict(ask)
        recording.held = 1
        with pytest.raises(DeadlineExceeded):
            await predict(ask, timeout=0.2)
    assert len(recording.calls) == 2 + 2 + 1


async def test_bars_are_never_sent_twice_at_once(recording: Recording, connect: Connect) -> None:
    recording.held = 1
    async with connect(recording.address, hedging=Hedging(after=0.01)) as ask:
        with pytest.raises(DeadlineExceeded):
            await ask("ingest_bars", [], timeout=0.2)
    assert len(recording.calls) == 1


async def test_a_token_goes_with_every_call_and_is_asked_for_each_time(
    recording: Recording, connect: Connect
) -> None:
    tokens = iter(["first", "second"])
    async with connect(recording.address, token=lambda: next(tokens)) as ask:
        await predict(ask)
        await predict(ask)
    async with connect(recording.address, token="fixed") as ask:
        await predict(ask)
    sent = [call.metadata["authorization"] for call in recording.calls]
    assert sent == ["Bearer first", "Bearer second", "Bearer fixed"]


async def test_a_token_that_cannot_be_sent_is_refused_without_being_shown(
    recording: Recording, connect: Connect
) -> None:
    async with connect(recording.address, token="secret\n") as ask:
        with pytest.raises(ValueError, match=r"^token: is empty or not printable") as refused:
            await predict(ask)
    assert "secret" not in str(refused.value)
    assert not recording.calls


async def test_both_ends_show_their_certificates(tmp_path: Path, connect: Connect) -> None:
    authority, clients = Authority(tmp_path / "servers"), Authority(tmp_path / "clients")
    pair, desk = authority.issue("prices.example"), clients.issue("desk", to="desk")
    files = PemFiles(certificate=pair.certificate, key=pair.key, client_ca=clients.root)
    known = Tls(
        root_certificates=authority.root,
        certificate=desk.certificate,
        key=desk.key.read_bytes(),
        server_name="prices.example",
    )
    async with recording_server(Certificates(files).credentials()) as recording:
        async with connect(recording.address, tls=known, token="secret") as ask:
            await predict(ask)
        # Several addresses have the name of one certificate.
        async with connect(f"{recording.address},{recording.address}", tls=known) as ask:
            await predict(ask)
        for strange in (
            Tls(root_certificates=authority.root, server_name="prices.example"),
            Tls(root_certificates=clients.root, server_name="prices.example"),
            Tls(
                root_certificates=authority.root,
                certificate=desk.certificate,
                key=desk.key,
                server_name="other.example",
            ),
        ):
            async with connect(recording.address, tls=strange) as ask:
                with pytest.raises((ServerUnavailable, DeadlineExceeded)):
                    await predict(ask, timeout=1)
    assert len(recording.calls) == 2
    assert recording.calls[0].metadata["authorization"] == "Bearer secret"


async def test_a_stream_goes_over_tls_too(tmp_path: Path, add_package: AddPackage) -> None:
    add_package()
    authority = Authority(tmp_path / "certificates")
    pair = authority.issue("127.0.0.1", "localhost")
    settings = {"tls": {"certificate": pair.certificate, "key": pair.key}}
    async with start_local(tmp_path, **settings) as app:
        tls = Tls(root_certificates=str(authority.root))
        async with (
            AsyncClient(app.address, tls=tls, channels=2, token="secret") as client,
            client.stream_prices("1d") as events,
        ):
            assert isinstance(await anext(events), StreamStarted)
        # Addresses of one host have its name in their certificates.
        port = app.address.rpartition(":")[2]
        async with AsyncClient(f"localhost:{port},localhost:{port}", tls=tls) as client:
            await client.list_models()
