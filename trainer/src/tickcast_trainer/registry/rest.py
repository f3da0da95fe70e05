"""Requests to an MLflow tracking server, over its REST API.

A client of our own, for a dozen calls: MLflow's brings two dozen distributions, which would have to
agree with ours for ever.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from tickcast_trainer.registry.errors import RegistryRefused, RegistryUnreachable

_API = "/api/2.0/"
_JSON = "application/json"
_BYTES = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestServer:
    """One server. Every request has a connection of its own, as minutes may lie between two.

    Every method raises RegistryUnreachable or RegistryRefused.
    """

    url: str
    """Without a slash at its end."""

    authorization: str | None
    timeout: float
    """Seconds to wait for the connection and for each piece of the answer."""

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Ask for what is at ``path`` of the API."""
        return self._request("GET", f"{path}?{urlencode(query)}", None, _JSON)

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Have something done that is at ``path`` of the API."""
        return self._request("POST", path, json.dumps(body, allow_nan=False).encode(), _JSON)

    def put(self, path: str, content: bytes) -> None:
        """Put a file at ``path`` of the API."""
        self._request("PUT", quote(path), content, _BYTES)

    def _request(self, method: str, path: str, body: bytes | None, kind: str) -> dict[str, Any]:
        headers = {"Accept": _JSON, "Content-Type": kind}
        if self.authorization is not None:
            headers["Authorization"] = self.authorization
        connection = self._connection()
        try:
            connection.request(method, urlsplit(self.url).path + _API + path, body, headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, HTTPException) as error:
            raise RegistryUnreachable(self.url, str(error) or type(error).__name__) from error
        finally:
            connection.close()
        return self._document(response.status, response.reason, content)

    def _connection(self) -> HTTPConnection:
        parts = urlsplit(self.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        return kind(parts.hostname or "", parts.port, timeout=self.timeout)

    def _document(self, status: int, reason: str, content: bytes) -> dict[str, Any]:
        if status in {401, 403}:
            needed = (
                "needed MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD, of somebody who may write"
            )
            raise RegistryRefused(self.url, f"{status} {reason}", needed)
        try:
            document = json.loads(content)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            # A redirect too: the registry's own address is what is needed.
            raise RegistryUnreachable(self.url, f"{status} {reason} without JSON")
        if status != 200:
            code = str(document.get("error_code", f"{status} {reason}"))
            raise RegistryRefused(self.url, code, str(document.get("message", "")))
        return document
