"""A vendor's JSON over HTTPS: paced, asked again where that helps, kept, its key never shown.

The key is added below everything that logs: in the transport, so that neither the log of httpx
(which names every URL) nor an error, a cached answer or a row's provenance can hold it.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.request import getproxies, proxy_bypass

import httpx
from pydantic import SecretStr, TypeAdapter, ValidationError

from tickcast_trainer.sources.answers import AnswerCache
from tickcast_trainer.sources.pacing import Pacer
from tickcast_trainer.sources.remote import NotOffered, RemoteContext, RemoteSourceError
from tickcast_trainer.sources.retrying import (
    broken_answer,
    passing_status,
    retry_after,
    with_retries,
)

_T = TypeVar("_T")
_TIMEOUT_SECONDS = 30.0
_SHOWN = 200
_OK = 200

Refusal = Callable[[Any], None]
"""Looks at a document that came with status 200; raises where it is an error after all."""


class JsonApi:
    """Asks one vendor for documents."""

    def __init__(
        self,
        name: str,
        base_url: str,
        context: RemoteContext,
        *,
        per_minute: float,
        key: SecretStr | None = None,
        key_parameter: str = "",
        key_header: str = "",
    ) -> None:
        self._name = name
        self._key = key
        self._context = context
        self._pacer = Pacer(per_minute=per_minute, clock=context.clock, sleep=context.sleep)
        self._cache = AnswerCache(
            context.cache / name, max_age_seconds=context.max_age_seconds, clock=context.clock
        )
        self._client = httpx.Client(
            base_url=base_url,
            transport=_KeyTransport(_transport(base_url), key, key_parameter, key_header),
            timeout=_TIMEOUT_SECONDS,
            follow_redirects=False,
        )

    def get(
        self,
        path: str,
        parameters: Mapping[str, str],
        shape: TypeAdapter[_T],
        *,
        refuse: Refusal = lambda _document: None,
    ) -> tuple[_T, str]:
        """Return a document of ``shape``, and the URL, without the key, that gave it.

        Raises RateLimited, NotOffered, InvalidAnswer and RemoteSourceError.
        """
        url = str(self._client.build_request("GET", path, params=dict(parameters)).url)
        question = {"url": url}
        if (kept := self._cache.get(question)) is not None:
            return shape.validate_json(kept), url

        def ask() -> tuple[_T, bytes]:
            content = self._ask(path, parameters)
            return self._read(content, shape, refuse), content

        document, content = with_retries(ask, sleep=self._context.sleep)
        self._cache.put(question, content)
        return document, url

    def hide_key(self, text: str) -> str:
        """Return a vendor's words without the key, which some of them repeat."""
        if self._key is None:
            return text
        return text.replace(self._key.get_secret_value(), "***")

    def _ask(self, path: str, parameters: Mapping[str, str]) -> bytes:
        self._pacer.wait()
        try:
            response = self._client.get(path, params=dict(parameters))
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise broken_answer(self._name, f"nothing usable ({error})") from error
        if response.status_code == _OK:
            return response.content
        said = self.hide_key(" ".join(response.text.split()))[:_SHOWN]
        wait = retry_after(response.headers.get("retry-after"), now=self._context.clock())
        if passing := passing_status(self._name, response.status_code, wait=wait, said=said):
            raise passing
        raise RemoteSourceError(f"{self._name}: answered {response.status_code}: {said}")

    def _read(self, content: bytes, shape: TypeAdapter[_T], refuse: Refusal) -> _T:
        try:
            document = json.loads(content)
        except ValueError as error:
            raise broken_answer(self._name, f"no JSON ({error})") from error
        refuse(document)
        try:
            return shape.validate_json(content)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise broken_answer(
                self._name, f"another document than it promises: {where}: {first['msg']}"
            ) from error


def not_offered(source: str, request_timeframe: str, offered: Mapping[str, object]) -> NotOffered:
    """Return what to raise for a timeframe that a source does not have."""
    return NotOffered(
        f"timeframe: was {request_timeframe}, needed one of {', '.join(offered)} from {source}"
    )


def _transport(base_url: str) -> httpx.HTTPTransport:
    # A client with a transport of its own ignores the environment's proxies, so it is asked here.
    url = httpx.URL(base_url)
    proxy = None if proxy_bypass(url.host) else getproxies().get(url.scheme)
    # Paced requests are too far apart for a kept connection to pay, and so none is left to close.
    return httpx.HTTPTransport(proxy=proxy, limits=httpx.Limits(max_keepalive_connections=0))


class _KeyTransport(httpx.BaseTransport):
    def __init__(
        self, inner: httpx.BaseTransport, key: SecretStr | None, parameter: str, header: str
    ) -> None:
        self._inner = inner
        self._key = key
        self._parameter = parameter
        self._header = header

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._key is None:
            return self._inner.handle_request(request)
        key = self._key.get_secret_value()
        headers = httpx.Headers(request.headers)
        url = request.url
        if self._header:
            headers[self._header] = key
        if self._parameter:
            url = url.copy_add_param(self._parameter, key)
        keyed = httpx.Request(
            request.method,
            url,
            headers=headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        return self._inner.handle_request(keyed)

    def close(self) -> None:
        self._inner.close()
