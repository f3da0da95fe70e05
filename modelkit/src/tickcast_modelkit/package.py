"""Model packages on disk: written whole or not at all, and checked before they are believed.

::

    <repository>/<name>/aliases.json        {"champion": 3}
    <repository>/<name>/3/manifest.json     model.onnx     golden.npz

A package is written to a hidden folder beside its versions, brought to the disk, and renamed into
place, so that a reader never sees half of one. What a crash leaves behind stays hidden, and is
removed by a later write once it is old. Writers of one model take turns through a lock.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from tickcast_modelkit.durable_files import (
    exclusive,
    remove_abandoned,
    replace_durably,
    sync_folder,
    temporary_name,
    write_durably,
)
from tickcast_modelkit.errors import (
    CorruptPackage,
    InvalidAliases,
    InvalidArray,
    InvalidManifest,
    UnknownVersion,
)
from tickcast_modelkit.golden import GOLDEN_FILE, GoldenRows
from tickcast_modelkit.manifest import Manifest, is_model_name

MANIFEST_FILE = "manifest.json"
MODEL_FILE = "model.onnx"
ALIASES_FILE = "aliases.json"

_LOCK_FILE = ".lock"
_LAST_VERSION_FILE = ".last-version"
_VERSION = re.compile(r"[1-9][0-9]*")
_ABANDONED_AFTER_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagePath:
    """Where a package is."""

    repository: Path
    name: str
    version: int

    @property
    def folder(self) -> Path:
        """The package's own folder."""
        return self.repository / self.name / str(self.version)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelPackage:
    """What a package holds."""

    manifest: Manifest
    onnx: bytes
    golden: GoldenRows


def write_package(
    repository: Path, manifest: Manifest, onnx: bytes, golden: GoldenRows, *, alias: str | None
) -> PackagePath:
    """Write the next version of a model, and point ``alias`` at it unless that is None.

    The version and the digests in ``manifest`` are assigned here. Versions only grow, also when the
    newest was removed. Raises InvalidArray when the golden rows do not fit the manifest, and
    InvalidAliases before anything is written when the alias cannot be set.
    """
    if misfit := _misfit(manifest, golden):
        raise InvalidArray("golden", was=misfit[0], needed=misfit[1])
    if alias is not None:
        _check_alias(manifest.name, alias)
    folder = repository / manifest.name
    folder.mkdir(parents=True, exist_ok=True)
    sync_folder(repository)
    with exclusive(folder / _LOCK_FILE):
        aliases = read_aliases(repository, manifest.name)
        remove_abandoned(folder, older_than=_ABANDONED_AFTER_SECONDS)
        version = _claim_version(folder)
        _publish(folder, replace(manifest, version=version), onnx, golden)
        if alias is not None:
            _write_aliases(folder, {**aliases, alias: version})
    return PackagePath(repository=repository, name=manifest.name, version=version)


def read_package(path: Path) -> ModelPackage:
    """Read and check the package in the folder ``path``, ``<repository>/<name>/<version>``.

    Raises InvalidManifest when the manifest does not follow its schema or belongs elsewhere, and
    CorruptPackage when a file is missing or its digest is not the manifest's.
    """
    manifest = Manifest.from_json(_content(path, MANIFEST_FILE))
    _check_place(manifest, path.absolute())
    onnx = _content(path, MODEL_FILE, manifest.onnx_sha256)
    golden = GoldenRows.from_bytes(_content(path, GOLDEN_FILE, manifest.golden_sha256))
    if misfit := _misfit(manifest, golden):
        raise CorruptPackage(GOLDEN_FILE, was=misfit[0], needed=misfit[1])
    return ModelPackage(manifest=manifest, onnx=onnx, golden=golden)


def list_models(repository: Path) -> list[str]:
    """Return the names of the models that have a version, sorted; none for a missing folder."""
    if not repository.is_dir():
        return []
    names = (entry.name for entry in repository.iterdir() if is_model_name(entry.name))
    return sorted(name for name in names if list_versions(repository, name))


def list_versions(repository: Path, name: str) -> list[int]:
    """Return the versions of a model, ascending; none for a model that does not exist."""
    folder = repository / name
    if not folder.is_dir():
        return []
    return sorted(int(entry.name) for entry in folder.iterdir() if _is_version(entry))


def read_aliases(repository: Path, name: str) -> dict[str, int]:
    """Return the versions that the aliases of a model point at; none when it has no aliases.

    Raises InvalidAliases.
    """
    path = repository / name / ALIASES_FILE
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    needed = 'an object such as {"champion": 3}'
    try:
        aliases = json.loads(text)
    except ValueError as error:
        raise InvalidAliases(f"{path}: was {len(text)} bytes ({error}), needed {needed}") from error
    if not isinstance(aliases, dict):
        raise InvalidAliases(f"{path}: was {type(aliases).__name__}, needed {needed}")
    for alias, version in aliases.items():
        if not is_model_name(alias) or type(version) is not int or version < 1:
            raise InvalidAliases(f"{path}: was {alias!r}: {version!r}, needed {needed}")
    return aliases


def set_alias(repository: Path, name: str, alias: str, version: int) -> None:
    """Point an alias of a model at one of its versions.

    Raises UnknownVersion or InvalidAliases.
    """
    _check_alias(name, alias)
    held = list_versions(repository, name)
    if version not in held:
        raise UnknownVersion(name, version, held)
    folder = repository / name
    with exclusive(folder / _LOCK_FILE):
        _write_aliases(folder, {**read_aliases(repository, name), alias: version})


def _publish(folder: Path, manifest: Manifest, onnx: bytes, golden: GoldenRows) -> None:
    golden_content = golden.to_bytes()
    manifest = replace(manifest, onnx_sha256=_sha256(onnx), golden_sha256=_sha256(golden_content))
    staging = folder / temporary_name()
    staging.mkdir()
    try:
        write_durably(staging / MODEL_FILE, onnx)
        write_durably(staging / GOLDEN_FILE, golden_content)
        write_durably(staging / MANIFEST_FILE, manifest.to_json().encode())
        sync_folder(staging)
        staging.rename(folder / str(manifest.version))
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    sync_folder(folder)


def _claim_version(folder: Path) -> int:
    used = [int(entry.name) for entry in folder.iterdir() if _VERSION.fullmatch(entry.name)]
    record = folder / _LAST_VERSION_FILE
    if record.exists():
        text = record.read_text()
        if not _VERSION.fullmatch(text.strip()):
            raise CorruptPackage(
                str(record), was=repr(text[:80]), needed="the last version written"
            )
        used.append(int(text))
    version = max(used, default=0) + 1
    replace_durably(record, f"{version}\n".encode())
    return version


def _write_aliases(folder: Path, aliases: dict[str, int]) -> None:
    text = json.dumps(aliases, indent=2, sort_keys=True) + "\n"
    replace_durably(folder / ALIASES_FILE, text.encode())


def _check_alias(name: str, alias: str) -> None:
    if not is_model_name(alias):
        raise InvalidAliases(
            f"alias of {name}: was {alias!r}, needed lower-case letters, digits and hyphens, "
            "the first a letter, such as champion"
        )


def _check_place(manifest: Manifest, path: Path) -> None:
    if manifest.name != path.parent.name:
        needed = f"{path.parent.name!r}, the name of its folder"
        raise InvalidManifest("$.name", was=repr(manifest.name), needed=needed)
    if str(manifest.version) != path.name:
        needed = f"{path.name}, the name of its folder"
        raise InvalidManifest("$.version", was=str(manifest.version), needed=needed)


def _content(folder: Path, name: str, sha256: str | None = None) -> bytes:
    try:
        content = (folder / name).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CorruptPackage(str(folder / name), was="missing", needed="a file") from error
    if sha256 is not None and (found := _sha256(content)) != sha256:
        raise CorruptPackage(
            str(folder / name),
            was=f"{len(content)} bytes with SHA-256 {found}",
            needed=f"SHA-256 {sha256}, as in {MANIFEST_FILE}",
        )
    return content


def _misfit(manifest: Manifest, golden: GoldenRows) -> tuple[str, str] | None:
    for name, held, described in (
        ("tails", golden.tails, manifest.tails),
        ("probabilities", golden.probabilities, manifest.direction),
    ):
        if (held is None) != (described is None):
            has, needs = ("no ", "") if held is None else ("", "no ")
            return f"rows with {has}{name}", f"rows with {needs}{name}, as in {MANIFEST_FILE}"
    found = (golden.ohlcv.shape[1], golden.features.shape[1])
    needed = (manifest.window, len(manifest.feature_names))
    if found == needed:
        return None
    return (
        f"windows of {found[0]} bars and {found[1]} features",
        f"windows of {needed[0]} bars and {needed[1]} features, as in {MANIFEST_FILE}",
    )


def _is_version(entry: Path) -> bool:
    return _VERSION.fullmatch(entry.name) is not None and entry.is_dir()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
