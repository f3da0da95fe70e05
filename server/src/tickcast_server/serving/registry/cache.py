"""Versions of the registry in the folder that the server loads models from.

A version keeps the number that it has in the registry: models/daily-ridge/versions/3 here is
models:/daily-ridge/3 there. Its manifest is written with that number; everything else is as it was
registered, which the digests prove.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tickcast_modelkit.durable_files import (
    remove_abandoned,
    sync_folder,
    temporary_name,
    write_durably,
)
from tickcast_modelkit.errors import ModelkitError
from tickcast_modelkit.golden import GOLDEN_FILE
from tickcast_modelkit.manifest import Manifest
from tickcast_modelkit.package import (
    MANIFEST_FILE,
    MODEL_FILE,
    list_versions,
    read_aliases,
    read_package,
    set_alias,
)

from tickcast_server.serving.registry.client import RegistryVersion
from tickcast_server.serving.registry.errors import CacheUnusable, VersionRefused

Fetch = Callable[[str], bytes]
"""Returns the file of a version that has this name."""

DIGEST_TAG = "tickcast.sha256."
"""Before the name of a file, by the trainer."""

_ABANDONED_AFTER_SECONDS = 3_600.0


class RegistryCache:
    """One folder, in the layout of a model repository."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def holds(self, version: RegistryVersion) -> bool:
        """Whether the version is here.

        Raises `VersionRefused` when its number is taken by another package, or by a damaged one.
        """
        if version.number not in list_versions(self._folder, version.model):
            return False
        path = self._path(version)
        try:
            manifest = Manifest.from_json((path / MANIFEST_FILE).read_bytes())
        except (ModelkitError, OSError) as error:
            raise VersionRefused(
                f"{version.name}: {path} is damaged ({error}): remove it"
            ) from error
        if manifest.onnx_sha256 != _digest(version, MODEL_FILE):
            raise VersionRefused(
                f"{version.name}: {path} is another package, needed a folder that no trainer "
                "writes to (TICKCAST_MODELS)"
            )
        return True

    def add(self, version: RegistryVersion, fetch: Fetch) -> None:
        """Downloads, checks and publishes a version: a reader sees all of it or nothing.

        Raises `VersionRefused`, `CacheUnusable` and what `fetch` raises.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            remove_abandoned(self._folder, older_than=_ABANDONED_AFTER_SECONDS)
            self._publish(version, fetch)
        except OSError as error:
            # Another server on the same folder may have been first.
            if not self.holds(version):
                raise CacheUnusable(f"{version.name}: {self._folder}: {error}") from error

    def point(self, model: str, alias: str, number: int) -> None:
        """Points an alias at a version that is here. Raises `CacheUnusable`."""
        try:
            if read_aliases(self._folder, model).get(alias) != number:
                set_alias(self._folder, model, alias, number)
        except (ModelkitError, OSError) as error:
            raise CacheUnusable(f"models/{model}: alias {alias}: {error}") from error

    def _publish(self, version: RegistryVersion, fetch: Fetch) -> None:
        path = self._path(version)
        # Hidden, and in the layout of a repository, so that a package is checked before it is seen.
        root = self._folder / temporary_name()
        staging = root / version.model / str(version.number)
        staging.mkdir(parents=True)
        try:
            for name in (MODEL_FILE, GOLDEN_FILE):
                write_durably(staging / name, _fetch_checked(version, name, fetch))
            manifest = _fetch_checked(version, MANIFEST_FILE, fetch)
            _write_manifest(version, manifest, staging)
            sync_folder(staging)
            path.parent.mkdir(exist_ok=True)
            staging.rename(path)
        finally:
            shutil.rmtree(root, ignore_errors=True)
        sync_folder(path.parent)
        sync_folder(self._folder)

    def _path(self, version: RegistryVersion) -> Path:
        return self._folder / version.model / str(version.number)


def _fetch_checked(version: RegistryVersion, name: str, fetch: Fetch) -> bytes:
    content = fetch(name)
    found, needed = hashlib.sha256(content).hexdigest(), _digest(version, name)
    if found != needed:
        raise VersionRefused(
            f"{version.name}: {name}: was {len(content)} bytes with SHA-256 {found}, "
            f"needed SHA-256 {needed}, as it was registered"
        )
    return content


def _digest(version: RegistryVersion, name: str) -> str:
    tag = f"{DIGEST_TAG}{name}"
    if tag not in version.tags:
        raise VersionRefused(
            f"{version.name}: was without the tag {tag}, needed a version that "
            "tickcast-train has registered"
        )
    return version.tags[tag]


def _write_manifest(version: RegistryVersion, content: bytes, folder: Path) -> None:
    try:
        manifest = replace(Manifest.from_json(content), version=version.number)
        write_durably(folder / MANIFEST_FILE, manifest.to_json().encode())
        read_package(folder)
    except ModelkitError as error:
        raise VersionRefused(f"{version.name}: {error}") from error
