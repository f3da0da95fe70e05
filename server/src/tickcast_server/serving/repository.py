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

from tickcast_server.errors import ModelVersionNotReady
from tickcast_server.serving.foreign import (
    BARE_VERSION,
    ForeignModel,
    bare_models,
    is_foreign,
    load_foreign,
    unnamed_models,
)
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
        self._unloaded: frozenset[str] = frozenset()
        self._unnamed: list[str] = []
        # One look at a time: each goes on from what the one before it found.
        self._looking = asyncio.Lock()
        self._log = structlog.get_logger("tickcast.models")

    async def refresh(self) -> None:
        """Brings the models in step once."""
        async with self._looking:
            catalogue = await asyncio.to_thread(self._scan)
            if catalogue != self._models.catalogue:
                self._models.replace(catalogue)
                for listener in self._listeners:
                    listener(self._models.catalogue)

    async def load(self, model: str) -> None:
        """Takes a model into service as the folder has it now, also after `unload`.

        Raises `ModelNotFound`, and `ModelVersionNotReady` when the newest version was refused.
        """
        self._unloaded -= {model}
        await self.refresh()
        versions = self._models.entry(model).versions
        newest = versions[max(versions)]
        if newest.failure is not None:
            raise ModelVersionNotReady(newest.name, newest.failure)

    async def unload(self, model: str) -> None:
        """Takes a model out of service until `load`, or until this process ends.

        Raises `ModelNotFound`.
        """
        if model not in self.unloaded:
            self._models.entry(model)
        self._unloaded |= {model}
        await self.refresh()

    @property
    def unloaded(self) -> frozenset[str]:
        """Names of the models that were taken out of service."""
        return self._unloaded

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
        names = sorted({*names, *bare_models(self._folder)} - self._unloaded)
        self._tell_unnamed(unnamed_models(self._folder))
        known, self._known = self._known, {}
        return {name: self._scan_model(name, known.get(name, {})) for name in names}

    def _tell_unnamed(self, folders: list[str]) -> None:
        if folders and folders != self._unnamed:
            self._log.warning(
                "folders of the model repository are not served: their names are no model's",
                folders=folders,
                action="rename them: lower-case letters, digits and hyphens, a letter first",
            )
        self._unnamed = folders

    def _scan_model(self, name: str, known: Mapping[int, _Known]) -> ModelEntry:
        current = {
            number: self._scan_version(path, name, number, known.get(number))
            for number, path in self._versions(name).items()
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

    def _versions(self, name: str) -> dict[int, Path]:
        folder = self._folder / name
        bare = {BARE_VERSION: folder} if is_foreign(folder) else {}
        return bare | {number: folder / str(number) for number in list_versions(self._folder, name)}

    def _scan_version(self, path: Path, name: str, number: int, known: _Known | None) -> _Known:
        fingerprint = _fingerprint(path)
        if known is not None and known.fingerprint == fingerprint:
            return known
        before = known.version.loaded if known is not None else None
        return _Known(fingerprint, self._load(path, name, number, before))

    def _load(
        self, path: Path, name: str, number: int, before: LoadedModel | ForeignModel | None
    ) -> ModelVersion:
        resource = f"models/{name}/versions/{number}"
        foreign = is_foreign(path)
        try:
            model = self._foreign(path, resource) if foreign else self._package(path)
        except Exception as error:  # noqa: BLE001  # whatever a package does, the others go on
            self._log.error(
                "a model version was refused; what was loaded before goes on",
                model_version=resource,
                cause=str(error),
                action="export the graph again as the cause says, or remove its folder"
                if foreign
                else "train or copy the version again, or remove its folder",
            )
            return ModelVersion(name=resource, loaded=before, failure=str(error))
        return ModelVersion(name=resource, loaded=model, failure=None)

    def _package(self, path: Path) -> LoadedModel:
        model = load_model(
            path, feature_sets=self._feature_sets, threads=self._threads, now=self._now()
        )
        self._log.info(
            "a model version was loaded",
            model_version=model.name,
            estimator=model.manifest.estimator,
            feature_set=model.feature_set.id,
        )
        return model

    def _foreign(self, path: Path, resource: str) -> ForeignModel:
        model = load_foreign(path, name=resource, threads=self._threads, now=self._now())
        self._log.info(
            "a graph without a manifest was loaded",
            model_version=resource,
            inputs=list(model.signature.inputs),
            outputs=list(model.signature.outputs),
        )
        return model

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
        # A graph in the model's own folder has versions and aliases beside it.
        if file.is_dir():
            continue
        status = file.stat()
        found.append((file.name, status.st_size, status.st_mtime_ns))
    return tuple(found)
