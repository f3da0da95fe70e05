"""The Open Inference Protocol, message by message: the numbers of Predict, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_status import rpc_status
from numpy.typing import NDArray
from tickcast import AsyncClient, BatchItem, Features, ModelWithoutManifest, Prediction
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.rpc.inference.protocol import grpc_service_pb2 as pb
from tickcast_server.testing import detail, eventually, reason, start_local, start_workers

from tests.foreign_graphs import doubled, listed, reshaped, write_graph
from tests.sdk_bars import sdk_bars

SERVICE = "inference.GRPCInferenceService"
SERIES = random_walk_bars(80, symbol="AAPL")
OTHER = random_walk_bars(90, symbol="MSFT", seed=4)
WIDTH = len(CORE.names)
ROWS = np.random.default_rng(3).normal(0, 1, (7, WIDTH)).astype(np.float32)

AddPackage = Callable[..., Path]
Ask = Callable[..., Awaitable[Any]]


def caller(channel: grpc.aio.Channel) -> Ask:
    """Calls a method by its name, with its request."""

    async def call(method: str, request: Any = None, **options: Any) -> Any:
        given = request if request is not None else getattr(pb, f"{method}Request")()
        answer = getattr(pb, f"{method}Response").FromString
        return await channel.unary_unary(
            f"/{SERVICE}/{method}", type(given).SerializeToString, answer
        )(given, timeout=20, **options)

    return call


@pytest.fixture
def ask(channel: grpc.aio.Channel) -> Ask:
    return caller(channel)


@pytest.fixture
async def client(server: App) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(server.address) as opened:
        await opened.ingest_bars(sdk_bars(SERIES))
        await opened.ingest_bars(sdk_bars(OTHER))
        yield opened


def raw(rows: NDArray[np.float32], **fields: Any) -> pb.ModelInferRequest:
    """A request for these rows of features, raw."""
    request = pb.ModelInferRequest(model_name="tiny", **fields)
    request.inputs.add(name="features", datatype="FP32", shape=rows.shape)
    request.raw_input_contents.append(rows.tobytes())
    return request


def typed(rows: NDArray[np.float32]) -> pb.ModelInferRequest:
    """The same, typed."""
    request = pb.ModelInferRequest(model_name="tiny")
    given = request.inputs.add(name="features", datatype="FP32", shape=rows.shape)
    given.contents.fp32_contents.extend(rows.reshape(-1).tolist())
    return request


def by_symbol(*symbols: str) -> pb.ModelInferRequest:
    request = pb.ModelInferRequest(model_name="tiny")
    given = request.inputs.add(name="symbol", datatype="BYTES", shape=[len(symbols)])
    given.contents.bytes_contents.extend(text.encode() for text in symbols)
    return request


def predictions(response: pb.ModelInferResponse) -> list[float]:
    (output,) = response.outputs
    assert (output.name, output.datatype) == ("prediction", "FP32")
    values: list[float] = np.frombuffer(response.raw_output_contents[0], "<f4").tolist()
    assert list(output.shape) == [len(values), 1]
    return values


async def refusal(awaitable: Awaitable[Any]) -> tuple[str, str]:
    """The first field that an INVALID_ARGUMENT names, and what it says of it."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await awaitable
    status = rpc_status.from_call(caught.value)
    assert status is not None
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT, caught.value
    violation = detail(status, error_details_pb2.BadRequest).field_violations[0]
    return violation.field, violation.description


@pytest.mark.parametrize("message", [raw, typed])
async def test_features_have_the_numbers_of_predict_to_the_last_bit(
    client: AsyncClient, ask: Ask, message: Callable[[NDArray[np.float32]], pb.ModelInferRequest]
) -> None:
    given = [
        Features(values=row.tolist(), as_of_time=datetime(2024, 1, 2, tzinfo=UTC)) for row in ROWS
    ]
    one_by_one = [
        (await client.predict("AAPL", model="models/tiny", features=item)).predicted_return
        for item in given
    ]
    assert [
        predictions(await ask("ModelInfer", message(row.reshape(1, -1))))[0] for row in ROWS
    ] == one_by_one
    together = await client.batch_predict(
        [BatchItem(symbol="AAPL", features=item) for item in given], model="models/tiny"
    )
    assert all(isinstance(item, Prediction) for item in together)
    assert predictions(await ask("ModelInfer", message(ROWS))) == [
        item.predicted_return for item in together if isinstance(item, Prediction)
    ]


async def test_a_symbol_has_the_numbers_of_predict_and_says_what_they_are_made_of(
    client: AsyncClient, ask: Ask
) -> None:
    wanted = await client.predict("AAPL", model="models/tiny")
    response = await ask("ModelInfer", by_symbol("AAPL"))
    assert predictions(response) == [wanted.predicted_return]
    told, interval = response.parameters, wanted.return_interval
    assert interval is not None
    assert told["as_of_time"].int64_param == wanted.as_of_time.timestamp()
    assert told["target_time"].int64_param == wanted.target_time.timestamp()
    assert told["predicted_price"].double_param == wanted.predicted_price
    assert told["return_lower"].double_param == interval.lower
    assert told["return_upper"].double_param == interval.upper
    assert told["bars_used"].int64_param == len(SERIES)
    assert told["age_seconds"].double_param > 0
    assert not told["stale"].bool_param


async def test_several_symbols_are_told_of_by_the_oldest(client: AsyncClient, ask: Ask) -> None:
    wanted = [await client.predict(name, model="models/tiny") for name in ("MSFT", "AAPL")]
    response = await ask("ModelInfer", by_symbol("MSFT", "AAPL"))
    assert predictions(response) == [one.predicted_return for one in wanted]
    oldest = min(one.as_of_time for one in wanted)
    assert response.parameters["as_of_time"].int64_param == oldest.timestamp()
    assert "predicted_price" not in response.parameters


async def test_a_symbol_without_bars_is_not_found(client: AsyncClient, ask: Ask) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask("ModelInfer", by_symbol("NONE"))
    status = rpc_status.from_call(caught.value)
    assert status is not None
    assert reason(status) == "SYMBOL_NOT_FOUND"


async def test_the_answer_repeats_the_id_and_names_the_version(server: App, ask: Ask) -> None:
    response = await ask("ModelInfer", raw(ROWS, id="order-7"))
    assert (response.id, response.model_name, response.model_version) == ("order-7", "tiny", "1")


async def test_typed_contents_are_given_beside_the_raw_ones_when_asked_for(
    server: App, ask: Ask
) -> None:
    plain = await ask("ModelInfer", raw(ROWS))
    assert not plain.outputs[0].HasField("contents")
    request = raw(ROWS)
    request.parameters["typed_contents"].bool_param = True
    both = await ask("ModelInfer", request)
    assert list(both.outputs[0].contents.fp32_contents) == predictions(both) == predictions(plain)


async def test_a_request_may_come_compressed(server: App, ask: Ask) -> None:
    plain, packed = [
        await ask("ModelInfer", raw(ROWS), compression=kind)
        for kind in (grpc.Compression.NoCompression, grpc.Compression.Gzip)
    ]
    assert plain == packed


def with_datatype(request: pb.ModelInferRequest) -> None:
    request.inputs[0].datatype = "FP64"


def with_shape(request: pb.ModelInferRequest) -> None:
    request.inputs[0].shape[1] = 34


def without_rows(request: pb.ModelInferRequest) -> None:
    request.inputs[0].shape[0] = 0
    request.raw_input_contents[0] = b""


def with_a_negative_size(request: pb.ModelInferRequest) -> None:
    request.inputs[0].shape[0] = -7


def with_fewer_bytes(request: pb.ModelInferRequest) -> None:
    request.raw_input_contents[0] = request.raw_input_contents[0][:-1]


def with_an_unknown_input(request: pb.ModelInferRequest) -> None:
    request.inputs[0].name = "feature"


def with_an_input_twice(request: pb.ModelInferRequest) -> None:
    request.inputs.append(request.inputs[0])
    request.raw_input_contents.append(request.raw_input_contents[0])


def with_more_contents_than_inputs(request: pb.ModelInferRequest) -> None:
    request.raw_input_contents.append(b"")


def with_both_contents(request: pb.ModelInferRequest) -> None:
    request.inputs[0].contents.fp32_contents.append(1.0)


def with_an_unknown_output(request: pb.ModelInferRequest) -> None:
    request.outputs.add(name="predictions")


def with_an_output_twice(request: pb.ModelInferRequest) -> None:
    request.outputs.add(name="prediction")
    request.outputs.add(name="prediction")


def with_too_many_rows(request: pb.ModelInferRequest) -> None:
    request.inputs[0].shape[0] = 5_001


def with_shared_memory(request: pb.ModelInferRequest) -> None:
    request.inputs[0].parameters["shared_memory_region"].string_param = "mine"


def with_a_class_count(request: pb.ModelInferRequest) -> None:
    request.outputs.add(name="prediction").parameters["classification"].int64_param = 3


def with_a_sequence(request: pb.ModelInferRequest) -> None:
    request.parameters["sequence_id"].int64_param = 9


def with_a_negative_timeout(request: pb.ModelInferRequest) -> None:
    request.parameters["timeout"].int64_param = -1


def with_a_priority_in_words(request: pb.ModelInferRequest) -> None:
    request.parameters["priority"].string_param = "high"


def with_no_number(request: pb.ModelInferRequest) -> None:
    rows = ROWS.copy()
    rows[1, 3] = np.nan
    request.raw_input_contents[0] = rows.tobytes()


def with_nothing(request: pb.ModelInferRequest) -> None:
    request.Clear()
    request.model_name = "tiny"


def without_a_model(request: pb.ModelInferRequest) -> None:
    request.model_name = ""


@pytest.mark.parametrize(
    ("change", "field", "description"),
    [
        (with_datatype, "inputs[0].datatype", "was 'FP64', needed 'FP32' for 'features'"),
        (with_shape, "inputs[0].shape", "was [7, 34], needed [-1, 35] for 'features'"),
        (without_rows, "inputs[0].shape", "was [0, 35], needed [-1, 35] for 'features'"),
        (with_a_negative_size, "inputs[0].shape", "was [-7, 35], needed [-1, 35]"),
        (with_fewer_bytes, "inputs[0].raw_input_contents", "was 979 bytes, needed 980 for 'feat"),
        (with_an_unknown_input, "inputs[0].name", "was 'feature', needed features once"),
        (with_an_input_twice, "inputs[1].name", "was 'features' again, needed features once"),
        (with_more_contents_than_inputs, "raw_input_contents", "was 2, needed 1"),
        (with_both_contents, "inputs[0].contents", "was given for 'features' beside raw_input"),
        (with_an_unknown_output, "outputs[0].name", "was 'predictions', needed one of prediction"),
        (with_an_output_twice, "outputs[1].name", "was 'prediction' again, needed one of"),
        (with_too_many_rows, "inputs[0].shape", "was [5001, 35] for 'features', needed at most"),
        (with_shared_memory, "inputs[0].parameters.shared_memory_region", "was 'mine', needed"),
        (with_a_class_count, "outputs[0].parameters.classification", "was 3, needed"),
        (with_a_sequence, "parameters.sequence_id", "was 9, needed no sequence"),
        (with_a_negative_timeout, "parameters.timeout", "was -1, needed an int64_param or"),
        (with_a_priority_in_words, "parameters.priority", "was 'high', needed an int64_param"),
        (with_no_number, "inputs.features[1][3]", "was nan, needed a finite number"),
        (with_nothing, "inputs.features", "was empty, needed FP32 of shape [-1, 35]"),
        (without_a_model, "model_name", "was empty, needed the name of a model"),
    ],
)
async def test_what_is_wrong_is_named_with_what_was_given_and_needed(
    server: App,
    ask: Ask,
    change: Callable[[pb.ModelInferRequest], None],
    field: str,
    description: str,
) -> None:
    request = raw(ROWS)
    change(request)
    found, said = await refusal(ask("ModelInfer", request))
    assert found == field
    assert said.startswith(description), said


async def test_a_timeout_ends_what_is_not_answered_by_then(server: App, ask: Ask) -> None:
    request = by_symbol("AAPL")
    request.parameters["timeout"].uint64_param = 1
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask("ModelInfer", request)
    # Whether the store was asked before the time had passed is not for a test to say.
    assert caught.value.code() in {
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.NOT_FOUND,
    }


@pytest.mark.parametrize(
    ("name", "version", "wanted"),
    [
        ("none", "", "MODEL_NOT_FOUND"),
        ("tiny", "7", "MODEL_VERSION_NOT_FOUND"),
        ("tiny", "9" * 30, "MODEL_VERSION_NOT_FOUND"),
        ("tiny", "one two", "MODEL_VERSION_NOT_FOUND"),
    ],
)
async def test_a_model_or_version_that_is_not_there_is_not_found(
    server: App, ask: Ask, name: str, version: str, wanted: str
) -> None:
    for method in ("ModelMetadata", "ModelConfig", "ModelStatistics"):
        request = getattr(pb, f"{method}Request")(name=name, version=version)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(method, request)
        status = rpc_status.from_call(caught.value)
        assert status is not None
        assert reason(status) == wanted
    ready = await ask("ModelReady", pb.ModelReadyRequest(name=name, version=version))
    assert not ready.ready


async def test_versions_answer_by_number_and_alias_and_the_default_by_none(
    server: App, ask: Ask, add_package: AddPackage
) -> None:
    add_package(seed=2, alias="challenger")
    await ask("RepositoryModelLoad", pb.RepositoryModelLoadRequest(model_name="tiny"))
    for asked, answered in {"": "1", "1": "1", "2": "2", "challenger": "2"}.items():
        response = await ask("ModelInfer", raw(ROWS, model_version=asked))
        assert response.model_version == answered
    metadata = await ask("ModelMetadata", pb.ModelMetadataRequest(name="tiny"))
    assert list(metadata.versions) == ["1", "2"]


async def test_methods_that_are_not_served_are_unimplemented(
    server: App, channel: grpc.aio.Channel
) -> None:
    for method in ("SystemSharedMemoryStatus", "TraceSetting", "LogSettings"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(f"/{SERVICE}/{method}", bytes, bytes)(b"", timeout=20)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_health_knows_the_service(server: App, channel: grpc.aio.Channel) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    status = await stub.Check(health_pb2.HealthCheckRequest(service=SERVICE))
    assert status.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
@pytest.mark.parametrize("symbol", [SERVICE, "tickcast.v1.PredictionService"])
async def test_reflection_describes_it_beside_the_contract(
    server: App, channel: grpc.aio.Channel, version: str, symbol: str
) -> None:
    info = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )(
        iter(
            [
                reflection_pb2.ServerReflectionRequest(list_services=""),
                reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol),
            ]
        )
    )
    listed_services, described = [answer async for answer in info]
    assert symbol in {item.name for item in listed_services.list_services_response.service}
    files = [
        FileDescriptorProto.FromString(data)
        for data in described.file_descriptor_response.file_descriptor_proto
    ]
    services = {f"{file.package}.{item.name}" for file in files for item in file.service}
    assert symbol in services


async def test_the_last_response_to_a_message_is_marked_when_asked_for(
    server: App, channel: grpc.aio.Channel
) -> None:
    request = raw(ROWS, id="a")
    request.parameters["triton_enable_empty_final_response"].bool_param = True
    stream = channel.stream_stream(
        f"/{SERVICE}/ModelStreamInfer",
        pb.ModelInferRequest.SerializeToString,
        pb.ModelStreamInferResponse.FromString,
    )()
    await stream.write(request)
    answer: Any = await stream.read()
    await stream.done_writing()
    assert answer.infer_response.parameters["triton_final_response"].bool_param


async def test_a_stream_on_which_nothing_is_asked_holds_up_no_shutdown(
    tmp_path: Path, add_package: AddPackage
) -> None:
    add_package()
    async with start_local(tmp_path, grace=60.0) as app:
        channel = grpc.aio.insecure_channel(app.address)
        stream = channel.stream_stream(f"/{SERVICE}/ModelStreamInfer", bytes, bytes)()
        await stream.write(raw(ROWS).SerializeToString())
        assert await stream.read()
        async with asyncio.timeout(30):
            await app.stop()
        await channel.close()


##### Graphs that Tickcast did not train


def doubled_request(rows: int = 2, **fields: Any) -> pb.ModelInferRequest:
    request = pb.ModelInferRequest(model_name="doubled", **fields)
    x = request.inputs.add(name="x", datatype="FP64", shape=[rows, 2])
    x.contents.fp64_contents.extend([0.1] * rows * 2)
    n = request.inputs.add(name="n", datatype="INT64", shape=[rows])
    n.contents.int64_contents.extend([2**40] * rows)
    s = request.inputs.add(name="s", datatype="BYTES", shape=[rows])
    s.contents.bytes_contents.extend(["höher".encode()] * rows)
    return request


async def test_a_graph_without_a_manifest_is_served_by_its_own_tensors(
    server: App, ask: Ask, repository: Path
) -> None:
    write_graph(repository / "doubled" / "3", doubled())
    await ask("RepositoryModelLoad", pb.RepositoryModelLoadRequest(model_name="doubled"))
    metadata = await ask("ModelMetadata", pb.ModelMetadataRequest(name="doubled"))
    assert list(metadata.versions) == ["3"]
    assert [(item.name, item.datatype, list(item.shape)) for item in metadata.inputs] == [
        ("x", "FP64", [-1, 2]),
        ("n", "INT64", [-1]),
        ("s", "BYTES", [-1]),
    ]
    request = doubled_request()
    for name in ("same", "scaled", "sum"):
        request.outputs.add(name=name)
    response = await ask("ModelInfer", request)
    assert [item.name for item in response.outputs] == ["same", "scaled", "sum"]
    same, scaled, total = response.raw_output_contents
    word = "höher".encode()
    assert same == (len(word).to_bytes(4, "little") + word) * 2
    assert np.frombuffer(scaled, "<f8").tolist() == [0.2] * 4
    assert np.frombuffer(total, "<i8").tolist() == [2**41] * 2


async def test_a_graph_in_the_folder_of_its_model_is_version_1_and_is_swapped(
    server: App, ask: Ask, repository: Path
) -> None:
    write_graph(repository / "doubled", doubled(2.0))
    await eventually(lambda: "doubled" in server.models.catalogue)

    async def first() -> float:
        response = await ask("ModelInfer", doubled_request(1))
        assert response.model_version == "1"
        return float(np.frombuffer(response.raw_output_contents[0], "<f8")[0])

    assert await first() == 0.2
    write_graph(repository / "doubled", doubled(4.0))
    await ask("RepositoryModelLoad", pb.RepositoryModelLoadRequest(model_name="doubled"))
    assert await first() == 0.4


async def test_a_graph_without_a_manifest_makes_no_prediction_and_says_so(
    client: AsyncClient, server: App, repository: Path
) -> None:
    write_graph(repository / "doubled", doubled())
    await eventually(lambda: "doubled" in server.models.catalogue)
    with pytest.raises(ModelWithoutManifest, match=r"GRPCInferenceService serves it"):
        await client.predict("AAPL", model="models/doubled")
    listed_models = {model.name for model in await client.list_models()}
    assert listed_models == {"models/tiny", "models/doubled"}
    (version,) = await client.list_model_versions("models/doubled")
    assert (version.name, version.timeframe) == ("models/doubled/versions/1", "")


async def test_what_is_no_tensor_is_refused_with_the_fix_and_the_others_go_on(
    server: App, ask: Ask, repository: Path
) -> None:
    write_graph(repository / "listed" / "1", listed())
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask("RepositoryModelLoad", pb.RepositoryModelLoadRequest(model_name="listed"))
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "options={'zipmap': False}" in str(caught.value.details())
    index = await ask("RepositoryIndex")
    assert {row.name: row.state for row in index.models} == {
        "listed": "UNAVAILABLE",
        "tiny": "READY",
    }
    ready = await ask("RepositoryIndex", pb.RepositoryIndexRequest(ready=True))
    assert [row.name for row in ready.models] == ["tiny"]


async def test_values_that_a_graph_cannot_compute_with_are_the_callers_affair(
    server: App, ask: Ask, repository: Path
) -> None:
    write_graph(repository / "reshaped", reshaped())
    await eventually(lambda: "reshaped" in server.models.catalogue)
    request = pb.ModelInferRequest(model_name="reshaped")
    given = request.inputs.add(name="x", datatype="FP32", shape=[3])
    given.contents.fp32_contents.extend([1, 2, 3])
    field, said = await refusal(ask("ModelInfer", request))
    assert field == "inputs"
    assert "Reshape" in said


async def test_several_wrong_inputs_are_told_of_together(
    server: App, ask: Ask, repository: Path
) -> None:
    write_graph(repository / "doubled", doubled())
    await eventually(lambda: "doubled" in server.models.catalogue)
    request = doubled_request()
    request.inputs[0].datatype = "FP32"
    request.inputs[2].contents.bytes_contents[1] = b"\xff"
    del request.inputs[1]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask("ModelInfer", request)
    status = rpc_status.from_call(caught.value)
    assert status is not None
    violations = detail(status, error_details_pb2.BadRequest).field_violations
    assert [item.field for item in violations] == [
        "inputs[0].datatype",
        "inputs[1].contents",
        "inputs.n",
    ]


async def test_an_unloaded_model_stays_out_until_it_is_loaded(
    server: App, ask: Ask, repository: Path
) -> None:
    await ask("RepositoryModelUnload", pb.RepositoryModelUnloadRequest(model_name="tiny"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask("ModelInfer", raw(ROWS))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    await ask("RepositoryModelLoad", pb.RepositoryModelLoadRequest(model_name="tiny"))
    assert predictions(await ask("ModelInfer", raw(ROWS)))


async def test_a_model_is_loaded_as_its_folder_has_it_and_not_as_the_caller_says(
    server: App, ask: Ask
) -> None:
    request = pb.RepositoryModelLoadRequest(model_name="tiny")
    request.parameters["config"].string_param = "{}"
    field, said = await refusal(ask("RepositoryModelLoad", request))
    assert field == "parameters.config"
    assert "as its folder has it" in said


async def test_one_of_several_processes_unloads_nothing(
    tmp_path: Path, add_package: AddPackage
) -> None:
    add_package()
    async with start_workers(tmp_path, 2) as workers:
        async with grpc.aio.insecure_channel(workers.address) as channel:
            request = pb.RepositoryModelUnloadRequest(model_name="tiny")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await caller(channel)("RepositoryModelUnload", request)
        workers.process.terminate()
    status = rpc_status.from_call(caught.value)
    assert status is not None
    assert reason(status) == "UNLOAD_REFUSED"
