"""Keeps the loaded models in step with the model repository on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from tickcast_modelkit.errors import ModelkitError
from tickcast_modelkit.features import FeatureSet
from tickcast_modelkit.package import list_models, list_versions, read_aliases

from tickcast_server.serving.model import LoadedModel, load_model
from tickcast_server.serving.models import (
    Catalogue,
    ModelEntry,
    Models,
    ModelVersion,
    choose_default,
)

# What tells whether a version's files were changed: path, size and time of change of each.
Fingerprint = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class _Known:
    fingerprint: Fingerprint
    version: ModelVersion


class Repository:
    """Looks at the folder now and then, and loads what is new off the event loop."""

    def __init__(
        self,
        folder: Path,
        models: Models,
        *,
        feature_sets: Mapping[str, FeatureSet],
        threads: int,
        poll: float,
        now: Callable[[], float],
        listeners: Sequence[Callable[[Catalogue], None]],
    ) -> None:
        self._folder = folder
        self._models = models
        self._feature_sets = feature_sets
        self._threads = threads
        self._poll = poll
        self._now = now
        self._listeners = listeners
        self._known: dict[str, dict[int, _Known]] = {}
        self._log = structlog.get_logger("tickcast.models")

    async def refresh(self) -> None:
        """Brings the models in step once."""
        catalogue = await asyncio.to_thread(self._scan)
        if catalogue != self._models.catalogue:
            self._models.replace(catalogue)
            for listener in self._listeners:
                listener(self._models.catalogue)

    async def watch(self) -> None:
        """Brings the models in step for ever."""
        while True:
            await asyncio.sleep(self._poll)
            try:
                await self.refresh()
            except Exception:  # noqa: BLE001  # the watch must outlive whatever it sees
                self._log.exception(
                    "the model repository cannot be read; the loaded versions go on",
                    folder=str(self._folder),
                    action="check that the folder exists and is readable",
                )

    def _scan(self) -> dict[str, ModelEntry]:
        names = list_models(self._folder) if self._folder.is_dir() else []
        known, self._known = self._known, {}
        return {name: self._scan_model(name, known.get(name, {})) for name in names}

    def _scan_model(self, name: str, known: Mapping[int, _Known]) -> ModelEntry:
        current = {
            number: self._scan_version(name, number, known.get(number))
            for number in list_versions(self._folder, name)
        }
        self._known[name] = current
        versions = {number: item.version for number, item in current.items()}
        aliases = self._aliases(name)
        before = self._models.catalogue.get(name)
        return ModelEntry(
            name=name,
            versions=versions,
            aliases=aliases,
            default=choose_default(versions, aliases, before.default if before else 0),
        )

    def _scan_version(self, name: str, number: int, known: _Known | None) -> _Known:
        path = self._folder / name / str(number)
        fingerprint = _fingerprint(path)
        if known is not None and known.fingerprint == fingerprint:
            return known
        before = known.version.loaded if known is not None else None
        return _Known(fingerprint, self._load(path, name, number, before))

    def _load(self, path: Path, name: str, number: int, before: LoadedModel | None) -> ModelVersion:
        resource = f"models/{name}/versions/{number}"
        try:
            model = load_model(
                path, feature_sets=self._feature_sets, threads=self._threads, now=self._now()
            )
        except Exception as error:  # noqa: BLE001  # whatever a package does, the others go on
            self._log.error(
                "a model version was refused; what was loaded before goes on",
                model_version=resource,
                cause=str(error),
                action="train or copy the version again, or remove its folder",
            )
            return ModelVersion(name=resource, loaded=before, failure=str(error))
        self._log.info(
            "a model version was loaded",
            model_version=model.name,
            estimator=model.manifest.estimator,
            feature_set=model.feature_set.id,
        )
        return ModelVersion(name=resource, loaded=model, failure=None)

    def _aliases(self, name: str) -> dict[str, int]:
        try:
            return dict(read_aliases(self._folder, name))
        except ModelkitError as error:
            entry = self._models.catalogue.get(name)
            self._log.error(
                "the aliases of a model cannot be read; those read before go on",
                model=f"models/{name}",
                cause=str(error),
                action="correct or remove aliases.json in the model's folder",
            )
            return dict(entry.aliases) if entry else {}


def _fingerprint(path: Path) -> Fingerprint:
    found = []
    for file in sorted(path.iterdir()):
        status = file.stat()
        found.append((file.name, status.st_size, status.st_mtime_ns))
    return tuple(found)
