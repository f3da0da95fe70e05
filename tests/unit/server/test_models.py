"""Which version a name stands for."""

from __future__ import annotations

import pytest
from tickcast_server.errors import ModelNotFound, ModelVersionNotFound, ModelVersionNotReady
from tickcast_server.serving.model import LoadedModel
from tickcast_server.serving.models import (
    ModelEntry,
    ModelRef,
    Models,
    ModelVersion,
    choose_default,
)


def version(number: int, *, ready: bool = True) -> ModelVersion:
    name = f"models/m/versions/{number}"
    loaded = LoadedModel.__new__(LoadedModel) if ready else None
    return ModelVersion(name=name, loaded=loaded, failure=None if ready else "it is damaged")


def versions(ready: list[int], failed: list[int]) -> dict[int, ModelVersion]:
    found = {number: version(number) for number in ready}
    return found | {number: version(number, ready=False) for number in failed}


@pytest.mark.parametrize(
    ("ready", "failed", "aliases", "before", "expected"),
    [
        ([1, 2, 3], [], {"champion": 2}, 0, 2),
        ([1, 2, 3], [], {}, 0, 3),
        ([1, 2, 3], [], {}, 2, 3),
        ([1, 2], [3], {"champion": 3}, 1, 1),
        ([1, 2], [3], {"champion": 3}, 0, 2),
        ([1, 2], [3], {"champion": 9}, 1, 1),
        ([], [1], {"champion": 1}, 0, 0),
        ([], [], {}, 0, 0),
    ],
)
def test_the_default_is_the_champion_or_what_answered_before(
    ready: list[int], failed: list[int], aliases: dict[str, int], before: int, expected: int
) -> None:
    assert choose_default(versions(ready, failed), aliases, before) == expected


@pytest.fixture
def models() -> Models:
    found = Models()
    entry = ModelEntry(
        name="m",
        versions=versions([1, 2], [3]),
        aliases={"champion": 1, "challenger": 2, "nightly": 3},
        default=1,
    )
    found.replace({"m": entry})
    return found


@pytest.mark.parametrize(
    ("name", "expected"), [(None, 1), ("1", 1), ("2", 2), ("champion", 1), ("challenger", 2)]
)
def test_a_name_stands_for_a_version(models: Models, name: str | None, expected: int) -> None:
    assert models.version(ModelRef("m", name)).name == f"models/m/versions/{expected}"


@pytest.mark.parametrize(
    ("ref", "error"),
    [
        (ModelRef("other", None), ModelNotFound),
        (ModelRef("m", "9"), ModelVersionNotFound),
        (ModelRef("m", "weekly"), ModelVersionNotFound),
        (ModelRef("m", "3"), ModelVersionNotReady),
        (ModelRef("m", "nightly"), ModelVersionNotReady),
    ],
)
def test_what_cannot_answer_is_refused(
    models: Models, ref: ModelRef, error: type[Exception]
) -> None:
    with pytest.raises(error):
        models.resolve(ref)


def test_a_catalogue_that_was_read_does_not_change(models: Models) -> None:
    before = models.catalogue
    models.replace({})
    assert list(before) == ["m"]
    assert not models.catalogue
