"""New versions of the served model, as a desk that trains all day would publish them."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import grpc
from tickcast.v1.prediction_service_pb2 import PredictResponse
from tickcast_modelkit.package import read_package, set_alias, write_package

from benchmarks.common import models
from benchmarks.common.server import PREDICT, Server

_LOADED_SECONDS = 30.0
_LOOK_SECONDS = 0.005


class Releases:
    """Versions that are ready beside the repository, and moved into it one by one."""

    def __init__(self, server: Server, staging: Path, *, question: bytes) -> None:
        """`question` is a Predict whose answer tells which version serves."""
        self._repository = server.models
        self._staging = staging
        self._question = question
        self._channel = grpc.insecure_channel(server.address)
        self._ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(PREDICT)
        self._package = read_package(models.trained().folder)
        self._last = 1
        # So that versions are numbered on from the one that serves.
        shutil.copytree(server.models / models.NAME, staging / models.NAME)

    def close(self) -> None:
        """Ends the connection."""
        self._channel.close()

    def prepare(self, versions: int) -> None:
        """Writes that many versions more, where the server does not see them."""
        package = self._package
        for _ in range(versions):
            write_package(self._staging, package.manifest, package.onnx, package.golden, alias=None)

    def publish(self) -> None:
        """Moves the next version in, makes it champion, removes the last but one.

        Returns once it serves. Raises `TimeoutError`.
        """
        self._last += 1
        version = Path(models.NAME, str(self._last))
        (self._staging / version).rename(self._repository / version)
        set_alias(self._repository, models.NAME, "champion", self._last)
        shutil.rmtree(self._repository / models.NAME / str(self._last - 2), ignore_errors=True)
        self._wait_until_served()

    def _wait_until_served(self) -> None:
        deadline = time.monotonic() + _LOADED_SECONDS
        needed = f"{models.MODEL}/versions/{self._last}"
        while (found := self._serving()) != needed:
            if time.monotonic() > deadline:
                raise TimeoutError(f"served was {found}, needed {needed}")
            time.sleep(_LOOK_SECONDS)

    def _serving(self) -> str:
        answer = PredictResponse.FromString(self._ask(self._question))
        return answer.prediction.model_version
