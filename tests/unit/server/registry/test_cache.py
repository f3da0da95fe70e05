"""What of a registry comes into the folder of models, and what is refused by name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tickcast_modelkit.package import list_versions, read_aliases, read_package
from tickcast_server.serving.registry.cache import RegistryCache
from tickcast_server.serving.registry.client import RegistryVersion
from tickcast_server.serving.registry.errors import (
    CacheUnusable,
    RegistryUnreachable,
    VersionRefused,
)

FILES = ("model.onnx", "golden.npz", "manifest.json")

AddPackage = Callable[..., Path]


@pytest.fixture
def files(add_package: AddPackage) -> dict[str, bytes]:
    """The files of a package, as they were registered."""
    folder = add_package()
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def registered(files: dict[str, bytes], *, model: str = "tiny", number: int = 7) -> RegistryVersion:
    tags = {
        f"tickcast.sha256.{name}": hashlib.sha256(content).hexdigest()
        for name, content in files.items()
    }
    return RegistryVersion(model=model, number=number, tags=tags)


def test_a_version_is_a_package_of_the_registrys_number(
    files: dict[str, bytes], folder: Path
) -> None:
    cache, version = RegistryCache(folder), registered(files)
    assert not cache.holds(version)
    cache.add(version, files.__getitem__)
    assert cache.holds(version)
    package = read_package(folder / "tiny" / "7")
    assert package.manifest.version == 7
    assert package.onnx == files["model.onnx"]
    cache.point("tiny", "champion", 7)
    assert read_aliases(folder, "tiny") == {"champion": 7}


@pytest.mark.parametrize("name", FILES)
def test_a_file_with_another_digest_is_refused_by_name(
    files: dict[str, bytes], folder: Path, name: str
) -> None:
    damaged = files | {name: files[name] + b" "}
    with pytest.raises(VersionRefused, match=rf"^models/tiny/versions/7: {name}: was \d+ bytes"):
        RegistryCache(folder).add(registered(files), damaged.__getitem__)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", FILES)
def test_a_version_whose_digests_nobody_registered_is_refused(
    files: dict[str, bytes], folder: Path, name: str
) -> None:
    partly = {key: content for key, content in files.items() if key != name}
    with pytest.raises(VersionRefused, match=f"without the tag tickcast.sha256.{name}"):
        RegistryCache(folder).add(registered(partly), files.__getitem__)
    assert list(folder.iterdir()) == []


def test_a_package_of_another_model_is_refused(files: dict[str, bytes], folder: Path) -> None:
    version = registered(files, model="other")
    with pytest.raises(VersionRefused, match=r"\$\.name: was 'tiny', needed 'other'"):
        RegistryCache(folder).add(version, files.__getitem__)
    assert list(folder.iterdir()) == []


def test_a_registered_manifest_that_is_none_is_refused(
    files: dict[str, bytes], folder: Path
) -> None:
    document = json.loads(files["manifest.json"]) | {"surprise": 1}
    files["manifest.json"] = json.dumps(document).encode()
    with pytest.raises(VersionRefused, match="surprise"):
        RegistryCache(folder).add(registered(files), files.__getitem__)


def test_a_download_that_breaks_off_leaves_nothing(files: dict[str, bytes], folder: Path) -> None:
    def fetch(name: str) -> bytes:
        if name == "manifest.json":
            raise RegistryUnreachable("timed out")
        return files[name]

    with pytest.raises(RegistryUnreachable):
        RegistryCache(folder).add(registered(files), fetch)
    assert list(folder.iterdir()) == []


def test_a_number_that_another_package_has_is_refused(
    files: dict[str, bytes], folder: Path
) -> None:
    cache = RegistryCache(folder)
    cache.add(registered(files), files.__getitem__)
    others = registered(files | {"model.onnx": b"another"})
    with pytest.raises(VersionRefused, match="is another package"):
        cache.holds(others)


def test_what_another_process_downloaded_meanwhile_is_taken(
    files: dict[str, bytes], folder: Path
) -> None:
    cache, version = RegistryCache(folder), registered(files)

    def fetch(name: str) -> bytes:
        if name == "manifest.json":
            RegistryCache(folder).add(version, files.__getitem__)
        return files[name]

    cache.add(version, fetch)
    assert list_versions(folder, "tiny") == [7]
    assert [entry.name for entry in folder.iterdir()] == ["tiny"]


def test_a_folder_that_cannot_be_written_is_named(files: dict[str, bytes], folder: Path) -> None:
    folder.write_text("a file")
    with pytest.raises(CacheUnusable, match=str(folder)):
        RegistryCache(folder).add(registered(files), files.__getitem__)


def test_an_alias_for_a_version_that_is_not_here_is_refused(
    files: dict[str, bytes], folder: Path
) -> None:
    cache = RegistryCache(folder)
    cache.add(registered(files), files.__getitem__)
    with pytest.raises(CacheUnusable, match="alias champion"):
        cache.point("tiny", "champion", 8)
