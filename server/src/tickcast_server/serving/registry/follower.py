"""Keeps the folder of models in step with what a server follows in a registry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from tickcast_server.serving.models import CHAMPION
from tickcast_server.serving.registry.cache import RegistryCache
from tickcast_server.serving.registry.client import RegistryClient, RegistryVersion
from tickcast_server.serving.registry.errors import (
    RegistryError,
    RegistryUnreachable,
    VersionRefused,
)
from tickcast_server.serving.registry.reference import RegistryReference

# Looks that a version is left out after it was refused: 2, 4, 8, ... and at most this many.
_LONGEST_PAUSE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryStatus:
    """How far the folder is in step with the registry."""

    url: str

    unreachable: str | None
    """Why the registry cannot be reached; None while it answers."""

    failures: Mapping[str, str | None]
    """Why what is followed is not here, by reference; None for what is."""


Listener = Callable[[RegistryStatus], None]


@dataclass(slots=True, kw_only=True)
class _Refusal:
    """Of one version: what it said, how often, and how many looks its download is left out."""

    failure: str
    times: int
    pause: int


class RegistryFollower:
    """Looks at the registry now and then, and downloads what is new off the event loop."""

    def __init__(
        self,
        client: RegistryClient,
        cache: RegistryCache,
        references: Sequence[RegistryReference],
        *,
        poll: float,
        listeners: Sequence[Listener],
    ) -> None:
        self._client = client
        self._cache = cache
        self._references = references
        self._failures: dict[RegistryReference, str | None] = dict.fromkeys(
            references, "the registry has not answered yet"
        )
        self._refusals: dict[str, _Refusal] = {}
        self._poll = poll
        self._listeners = listeners
        self._status: RegistryStatus | None = None
        self._log = structlog.get_logger("tickcast.registry")

    async def sync(self) -> None:
        """Brings the folder in step once. What goes wrong is told, and what is here goes on."""
        self._tell(await asyncio.to_thread(self._look))

    async def watch(self) -> None:
        """Brings the folder in step for ever."""
        while True:
            await asyncio.sleep(self._poll)
            await self.sync()

    def _look(self) -> RegistryStatus:
        unreachable = None
        for reference in self._references:
            try:
                self._failures[reference] = self._bring(reference)
            except RegistryUnreachable as error:
                # Nor would it answer for the others, and each would wait for the timeout.
                unreachable = str(error)
                break
        return RegistryStatus(
            url=self._client.url,
            unreachable=unreachable,
            failures={str(reference): failure for reference, failure in self._failures.items()},
        )

    def _bring(self, reference: RegistryReference) -> str | None:
        try:
            self._update(reference)
        except RegistryUnreachable:
            raise
        except RegistryError as error:
            failure = str(error)
        except Exception as error:  # noqa: BLE001  # whatever a version does, the others go on
            failure = f"{type(error).__name__}: {error}"
        else:
            return None
        if failure != self._failures[reference]:
            self._log.error(
                "a model of the registry was refused; what was loaded before goes on",
                reference=str(reference),
                cause=failure,
                action="correct it in the registry or train again; it is looked at again by itself",
            )
        return failure

    def _update(self, reference: RegistryReference) -> None:
        version = self._client.find(reference)
        if not self._cache.holds(version):
            self._download(version)
        # The one version that is followed is the one that is to answer.
        self._cache.point(reference.model, reference.alias or CHAMPION, version.number)

    def _download(self, version: RegistryVersion) -> None:
        refusal = self._refusals.get(version.name)
        if refusal is not None and refusal.pause > 0:
            refusal.pause -= 1
            raise VersionRefused(refusal.failure)
        try:
            path = self._client.locate(version)
            self._cache.add(version, lambda name: self._client.download(f"{path}/{name}"))
        except RegistryUnreachable:
            raise
        except RegistryError as error:
            times = 1 if refusal is None else refusal.times + 1
            pause = min(2 ** min(times, _LONGEST_PAUSE), _LONGEST_PAUSE)
            self._refusals[version.name] = _Refusal(failure=str(error), times=times, pause=pause)
            raise
        self._refusals.pop(version.name, None)
        self._log.info("a model version was downloaded", model_version=version.name)

    def _tell(self, status: RegistryStatus) -> None:
        before = self._status
        if status == before:
            return
        self._status = status
        was_away = before is not None and before.unreachable is not None
        if status.unreachable is not None and not was_away:
            self._log.warning(
                "the model registry cannot be reached; the versions that are here go on",
                registry=status.url,
                cause=status.unreachable,
                action="check the registry and TICKCAST_REGISTRY_URL; it reconnects by itself",
            )
        elif status.unreachable is None and was_away:
            self._log.info("the model registry answers again", registry=status.url)
        for listener in self._listeners:
            listener(status)
