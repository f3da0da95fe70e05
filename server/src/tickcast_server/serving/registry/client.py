"""What the server asks of an MLflow tracking server, over its REST API: it only reads.

A client of our own, for four calls: MLflow's brings two dozen distributions, which answer no
request. The calls block, and are made off the event loop.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from tickcast_server.serving.registry.errors import (
    RegistryRefused,
    RegistryUnreachable,
    VersionRefused,
)
from tickcast_server.serving.registry.reference import RegistryReference

_API = "/api/2.0/"
_SERVED = "mlflow-artifacts:/"
_CHUNK_BYTES = 1 << 20

# A slow registry may take this many times the timeout for a whole file.
_PATIENCE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryVersion:
    """One version in the registry."""

    model: str
    number: int

    tags: Mapping[str, str]
    """What the trainer said of it, the digests of its files among others."""

    @property
    def name(self) -> str:
        """Resource name that it has here, models/{model}/versions/{number}."""
        return f"models/{self.model}/versions/{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryClient:
    """One registry. Every method raises `RegistryUnreachable` or `RegistryRefused`."""

    url: str
    authorization: str | None

    timeout: float
    """Seconds to wait for the connection and for each piece of an answer."""

    def find(self, reference: RegistryReference) -> RegistryVersion:
        """The version that a reference stands for now."""
        if reference.alias is not None:
            path = "mlflow/registered-models/alias"
            query = {"name": reference.model, "alias": reference.alias}
        else:
            path = "mlflow/model-versions/get"
            query = {"name": reference.model, "version": str(reference.number)}
        found = self._get(path, query)["model_version"]
        tags = {tag["key"]: tag["value"] for tag in found.get("tags", [])}
        return RegistryVersion(model=reference.model, number=int(found["version"]), tags=tags)

    def locate(self, version: RegistryVersion) -> str:
        """Where the files of a version are, a path for `download`.

        Raises `VersionRefused` when the registry does not serve them itself.
        """
        query = {"name": version.model, "version": str(version.number)}
        location = str(self._get("mlflow/model-versions/get-download-uri", query)["artifact_uri"])
        # Two slashes would name another host.
        if not location.startswith(_SERVED) or location.startswith(f"{_SERVED}/"):
            raise VersionRefused(
                f"{version.name}: its files were at {location}, needed mlflow-artifacts:/...: "
                "start the MLflow server with --serve-artifacts and --artifacts-destination"
            )
        return location.removeprefix(_SERVED)

    def download(self, path: str) -> bytes:
        """The content of one file."""
        deadline = time.monotonic() + _PATIENCE * self.timeout
        chunks = []
        with self._answer(f"mlflow-artifacts/artifacts/{quote(path)}") as response:
            while chunk := response.read(_CHUNK_BYTES):
                chunks.append(chunk)
                if time.monotonic() > deadline:
                    raise RegistryUnreachable(f"{path} not downloaded within {_PATIENCE} timeouts")
        return b"".join(chunks)

    def _get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        with self._answer(f"{path}?{urlencode(query)}") as response:
            return _document(response)

    @contextmanager
    def _answer(self, path: str) -> Iterator[HTTPResponse]:
        parts = urlsplit(self.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=self.timeout)
        headers = {"Authorization": self.authorization} if self.authorization else {}
        try:
            connection.request("GET", parts.path.rstrip("/") + _API + path, headers=headers)
            response = connection.getresponse()
            if response.status != 200:
                raise _refusal(response)
            yield response
        except (OSError, HTTPException) as error:
            raise RegistryUnreachable(str(error) or type(error).__name__) from error
        finally:
            connection.close()


def authorization(*, token: str | None, username: str | None, password: str | None) -> str | None:
    """The header that says who asks; None for nobody."""
    if token:
        return f"Bearer {token}"
    if username and password:
        return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
    return None


def _document(response: HTTPResponse) -> dict[str, Any]:
    try:
        document = json.loads(response.read())
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise RegistryUnreachable(f"{response.status} {response.reason} without JSON")
    return document


def _refusal(response: HTTPResponse) -> RegistryRefused | RegistryUnreachable:
    if response.status in {401, 403}:
        return RegistryRefused(
            f"{response.status} {response.reason}: needed TICKCAST_REGISTRY__TOKEN, or "
            "TICKCAST_REGISTRY__USERNAME and TICKCAST_REGISTRY__PASSWORD, of somebody who may read"
        )
    try:
        document = _document(response)
    except RegistryUnreachable as error:
        # A redirect too: the registry's own address is what is needed.
        return error
    text = f"{document.get('error_code', response.status)}: {document.get('message', '')}"
    return RegistryUnreachable(text) if response.status >= 500 else RegistryRefused(text)
