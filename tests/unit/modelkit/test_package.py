from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tickcast_modelkit.errors import (
    CorruptPackage,
    GoldenMismatch,
    InvalidAliases,
    InvalidArray,
    InvalidManifest,
    UnknownVersion,
)
from tickcast_modelkit.features import CORE, Rank, Windows, sliding_windows
from tickcast_modelkit.golden import GoldenRows
from tickcast_modelkit.manifest import Direction, Tails
from tickcast_modelkit.package import (
    PackagePath,
    list_models,
    list_versions,
    read_aliases,
    read_package,
    set_alias,
    write_package,
)
from tickcast_modelkit.testing import random_walk_bars, tiny_manifest

ONNX = b"the bytes of a model"


def predict(features: NDArray[np.float32]) -> NDArray[np.float32]:
    return features[:, 0]


GOLDEN = GoldenRows.make(CORE, next(sliding_windows(CORE, random_walk_bars(66)))[1], predict)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return tmp_path / "models"


def write(repository: Path, *, name: str = "tiny", alias: str | None = None) -> PackagePath:
    return write_package(repository, tiny_manifest(name=name), ONNX, GOLDEN, alias=alias)


def test_reads_back_what_it_wrote(repository: Path) -> None:
    path = write(repository)
    package = read_package(path.folder)
    assert package.onnx == ONNX
    package.golden.replay(CORE, predict)
    assert package.manifest == replace(
        tiny_manifest(),
        version=1,
        onnx_sha256=sha256(ONNX).hexdigest(),
        golden_sha256=sha256(GOLDEN.to_bytes()).hexdigest(),
    )


def test_golden_rows_have_tails_when_the_manifest_has(repository: Path) -> None:
    with_tails = replace(GOLDEN, tails=np.stack([GOLDEN.predictions] * 2, axis=1))
    with pytest.raises(
        InvalidArray, match="golden: was rows with tails, needed rows with no tails"
    ):
        write_package(repository, tiny_manifest(), ONNX, with_tails, alias=None)
    described = replace(
        tiny_manifest(),
        tails=Tails(
            output_name="tails",
            lower_correction=0.0,
            upper_correction=0.0,
            scale_feature=None,
            calibration_rows=100,
            parameters={},
        ),
    )
    with pytest.raises(
        InvalidArray, match="golden: was rows with no tails, needed rows with tails"
    ):
        write_package(repository, described, ONNX, GOLDEN, alias=None)
    path = write_package(repository, described, ONNX, with_tails, alias=None)
    assert read_package(path.folder).golden.tails is not None


def test_ranks_in_golden_rows_are_taken_as_they_are_stored() -> None:
    ranked = replace(CORE, ranks=(Rank("rank_return_5", of="return_5"),), universe=("A", "B"))
    windows = Windows(GOLDEN.ohlcv, GOLDEN.open_time)
    ranks = np.linspace(-0.5, 0.5, len(windows), dtype=np.float32)[:, np.newaxis]
    golden = GoldenRows.make(ranked, windows, predict, ranks=ranks)
    assert np.array_equal(golden.features[:, -1:], ranks)
    golden.replay(ranked, predict)
    with pytest.raises(GoldenMismatch, match="was 36 features, needed 35"):
        golden.replay(CORE, predict)


def test_golden_rows_have_probabilities_when_the_manifest_has(repository: Path) -> None:
    even = replace(GOLDEN, probabilities=np.full_like(GOLDEN.predictions, 0.5))
    with pytest.raises(InvalidArray, match="was rows with probabilities, needed rows with no prob"):
        write_package(repository, tiny_manifest(), ONNX, even, alias=None)
    direction = Direction(
        output_name="probability",
        brier_score=0.25,
        base_rate_brier_score=0.25,
        log_loss=0.69,
        base_rate_log_loss=0.69,
    )
    described = replace(tiny_manifest(), direction=direction)
    with pytest.raises(InvalidArray, match="was rows with no probabilities, needed rows with prob"):
        write_package(repository, described, ONNX, GOLDEN, alias=None)
    path = write_package(repository, described, ONNX, even, alias=None)
    assert read_package(path.folder).manifest.direction == direction


def test_a_package_is_three_files_under_the_model_and_its_version(repository: Path) -> None:
    path = write(repository)
    assert path.folder == repository / "tiny" / "1"
    names = sorted(file.name for file in path.folder.iterdir())
    assert names == ["golden.npz", "manifest.json", "model.onnx"]


def test_versions_count_from_one_for_each_model(repository: Path) -> None:
    assert [write(repository, name=name).version for name in ("a", "a", "b", "a")] == [1, 2, 1, 3]
    assert list_models(repository) == ["a", "b"]
    assert list_versions(repository, "a") == [1, 2, 3]


def test_versions_are_in_the_order_of_numbers(repository: Path) -> None:
    write(repository)
    (repository / "tiny" / "1").rename(repository / "tiny" / "9")
    assert write(repository).version == 10
    assert list_versions(repository, "tiny") == [9, 10]


def test_a_version_that_was_removed_is_not_used_again(repository: Path) -> None:
    write(repository)
    newest = write(repository).folder
    for file in newest.iterdir():
        file.unlink()
    newest.rmdir()
    assert write(repository).version == 3


def test_what_is_not_a_version_is_passed_over(repository: Path) -> None:
    write(repository)
    for name in ("01", "2.0", "x", "-1", ".tmp-1", "0"):
        (repository / "tiny" / name).mkdir()
    (repository / "tiny" / "7").write_text("a file")
    (repository / "Not A Model").mkdir()
    (repository / "empty").mkdir()
    assert list_models(repository) == ["tiny"]
    assert list_versions(repository, "tiny") == [1]


def test_nothing_is_found_where_nothing_is(repository: Path) -> None:
    assert list_models(repository) == []
    assert list_versions(repository, "tiny") == []
    assert read_aliases(repository, "tiny") == {}


def test_golden_rows_that_do_not_fit_the_manifest_are_not_written(repository: Path) -> None:
    manifest = tiny_manifest(feature_set=replace(CORE, features=CORE.features[:3]))
    with pytest.raises(
        InvalidArray, match=r"windows of 256 bars and 35 features, needed .* 3 feat"
    ):
        write_package(repository, manifest, ONNX, GOLDEN, alias=None)
    assert list_models(repository) == []


# Files that are not what they were


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("name", ["model.onnx", "golden.npz"])
@pytest.mark.parametrize("change", [truncate, flip_a_bit, empty])
def test_an_altered_file_is_refused_with_what_was_found_and_what_was_needed(
    repository: Path, name: str, change: Callable[[Path], None]
) -> None:
    file = write(repository).folder / name
    needed = sha256(file.read_bytes()).hexdigest()
    change(file)
    found = sha256(file.read_bytes()).hexdigest()
    with pytest.raises(CorruptPackage) as caught:
        read_package(file.parent)
    assert str(caught.value) == (
        f"{file}: was {file.stat().st_size} bytes with SHA-256 {found}, "
        f"needed SHA-256 {needed}, as in manifest.json"
    )


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "golden.npz"])
def test_a_missing_file_is_refused(repository: Path, name: str) -> None:
    file = write(repository).folder / name
    file.unlink()
    with pytest.raises(CorruptPackage, match=rf"{name}: was missing, needed a file"):
        read_package(file.parent)


def test_a_truncated_manifest_is_refused(repository: Path) -> None:
    folder = write(repository).folder
    truncate(folder / "manifest.json")
    truncate(folder / "manifest.json")
    with pytest.raises(InvalidManifest, match="needed one JSON document"):
        read_package(folder)


def test_a_folder_that_is_not_there_is_refused(repository: Path) -> None:
    with pytest.raises(CorruptPackage, match=r"manifest.json: was missing, needed a file"):
        read_package(repository / "tiny" / "1")


def test_a_package_in_the_wrong_place_is_refused(repository: Path) -> None:
    folder = write(repository).folder
    with_other_version = folder.rename(folder.with_name("2"))
    with pytest.raises(InvalidManifest, match=r"\$.version: was 1, needed 2"):
        read_package(with_other_version)
    (repository / "other").mkdir()
    with_other_name = with_other_version.rename(repository / "other" / "1")
    with pytest.raises(InvalidManifest, match=r"\$.name: was 'tiny', needed 'other'"):
        read_package(with_other_name)


def test_golden_rows_of_another_model_are_refused(repository: Path) -> None:
    folder = write(repository).folder
    narrow = replace(GOLDEN, features=np.ascontiguousarray(GOLDEN.features[:, :3])).to_bytes()
    (folder / "golden.npz").write_bytes(narrow)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["golden_sha256"] = sha256(narrow).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CorruptPackage, match=r"golden.npz: was windows of 256 bars and 3 features"):
        read_package(folder)


# Aliases


def test_an_alias_is_set_with_the_package_or_later(repository: Path) -> None:
    write(repository, alias="champion")
    write(repository, alias="challenger")
    assert read_aliases(repository, "tiny") == {"champion": 1, "challenger": 2}
    set_alias(repository, "tiny", "champion", 2)
    assert read_aliases(repository, "tiny") == {"champion": 2, "challenger": 2}
    write(repository)
    assert read_aliases(repository, "tiny") == {"champion": 2, "challenger": 2}


def test_an_alias_points_at_a_version_that_is_there(repository: Path) -> None:
    with pytest.raises(UnknownVersion, match="version of tiny: was 1, needed one of: none yet"):
        set_alias(repository, "tiny", "champion", 1)
    write(repository)
    with pytest.raises(UnknownVersion, match="version of tiny: was 2, needed one of: 1"):
        set_alias(repository, "tiny", "champion", 2)


@pytest.mark.parametrize("alias", ["", "3", "Champion", "a/b", "a b", "a\n"])
def test_an_alias_that_is_no_name_is_refused_before_anything_is_written(
    repository: Path, alias: str
) -> None:
    with pytest.raises(InvalidAliases, match=r"alias of tiny: was .*, needed lower-case letters"):
        write(repository, alias=alias)
    assert list_models(repository) == []
    write(repository)
    with pytest.raises(InvalidAliases, match="alias of tiny"):
        set_alias(repository, "tiny", alias, 1)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"champion": "3"}', '{"champion": 0}', '{"champion": true}', '{"": 1}']
)
def test_aliases_that_cannot_be_read_are_refused_and_kept(repository: Path, text: str) -> None:
    write(repository)
    file = repository / "tiny" / "aliases.json"
    file.write_text(text)
    with pytest.raises(InvalidAliases, match=r"aliases.json: was .*needed an object such as"):
        read_aliases(repository, "tiny")
    with pytest.raises(InvalidAliases, match=r"aliases.json"):
        write(repository, alias="champion")
    assert file.read_text() == text
    assert list_versions(repository, "tiny") == [1]


# What a crash leaves behind


def age(path: Path, seconds: float) -> None:
    status = path.stat()
    os.utime(path, (status.st_atime - seconds, status.st_mtime - seconds))


def test_what_a_crash_left_is_passed_over_and_removed_once_it_is_old(repository: Path) -> None:
    folder = write(repository).folder.parent
    for name, hours in (("old", 2), ("new", 0)):
        (folder / f".tmp-{name}").mkdir()
        (folder / f".tmp-{name}" / "model.onnx").write_bytes(b"half of a mod")
        (folder / f".tmp-{name}-file").write_bytes(b"{")
        for left in (folder / f".tmp-{name}", folder / f".tmp-{name}-file"):
            age(left, 3_600 * hours)
    assert list_versions(repository, "tiny") == [1]
    assert write(repository).version == 2
    hidden = sorted(entry.name for entry in folder.glob(".tmp-*"))
    assert hidden == [".tmp-new", ".tmp-new-file"]


def test_a_write_that_fails_leaves_nothing_behind(repository: Path) -> None:
    folder = write(repository).folder.parent
    parity = replace(tiny_manifest().parity, median_difference=float("nan"))
    manifest = replace(tiny_manifest(), parity=parity)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_package(repository, manifest, ONNX, GOLDEN, alias="champion")
    assert list(folder.glob(".tmp-*")) == []
    assert list_versions(repository, "tiny") == [1]
    assert read_aliases(repository, "tiny") == {}


def test_a_record_of_versions_that_cannot_be_read_is_refused(repository: Path) -> None:
    folder = write(repository).folder.parent
    (folder / ".last-version").write_text("many")
    with pytest.raises(CorruptPackage, match="was 'many', needed the last version written"):
        write(repository)


def test_everything_is_on_the_disk_before_it_has_its_name(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bool]] = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append((path.name, (repository / "tiny" / "1").exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    write(repository)
    before = [name for name, published in synced if not published]
    after = [name for name, published in synced if published]
    assert {"model.onnx", "golden.npz", "manifest.json"} <= set(before)
    assert before[-1].startswith(".tmp-")
    assert after == ["tiny"]
