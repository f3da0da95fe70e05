"""Users declare feature sets in a file of their own, and their ids tell the numbers apart."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tickcast_modelkit import features
from tickcast_modelkit.checks import check_feature_set
from tickcast_modelkit.errors import FailedCheck, InvalidFeatureFile, UnknownFeatureFunction
from tickcast_modelkit.features import (
    CORE,
    calendar,
    candles,
    find_feature_set,
    from_specification,
    last_window,
    load_feature_file,
    momentum,
    returns,
    volatility,
    volume,
)
from tickcast_modelkit.features.functions import FUNCTIONS
from tickcast_modelkit.testing import random_walk_bars

FROM_MODELKIT = """
from tickcast_modelkit.features import CORE, Feature, FeatureSet
from tickcast_modelkit.features.returns import log_return

SHORT = FeatureSet(
    name="short", window=32, minimum_bars=16,
    features=(Feature("return_4", log_return, {"span": 4}), *CORE.features[-2:]),
)
"""

OF_ITS_OWN = """
import numpy as np
from tickcast_modelkit.features import Feature, FeatureSet

def range_share(bars, *, span):
    top = bars.high[:, -span:].max(axis=1)
    bottom = bars.low[:, -span:].min(axis=1)
    return np.log(top / bottom)

MINE = FeatureSet(
    name="mine", window=40, minimum_bars=20,
    features=(Feature("range_10", range_share, {"span": 10}),),
)
"""

RANKED = FROM_MODELKIT.replace("FeatureSet\n", "FeatureSet, Rank\n").replace(
    "),\n)", '),\n    ranks=(Rank("rank_return_4", of="return_4"),),\n)'
)
RANKED_OF_ITS_OWN = OF_ITS_OWN.replace("FeatureSet\n", "FeatureSet, Rank\n").replace(
    "),\n)", '),\n    ranks=(Rank("rank_range_10", of="range_10"),),\n)'
)


Declare = Callable[..., Path]


@pytest.fixture
def declare(tmp_path: Path) -> Declare:
    def write(text: str, name: str = "mine.py") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_a_set_of_modelkits_functions_is_whole_in_its_specification(declare: Declare) -> None:
    (found,) = load_feature_file(declare(FROM_MODELKIT)).values()
    assert found.code == ""
    again = from_specification(found.specification())
    assert again.id == found.id
    bars = random_walk_bars(50)
    window = last_window(found, bars.open_time, bars.ohlcv)
    assert np.array_equal(found.compute(window), again.compute(window))
    assert from_specification(CORE.specification()).id == CORE.id


def test_a_set_with_functions_of_its_own_digests_its_file(declare: Declare) -> None:
    (one,) = load_feature_file(declare(OF_ITS_OWN)).values()
    (same,) = load_feature_file(declare(OF_ITS_OWN, "copy.py")).values()
    (other,) = load_feature_file(declare(OF_ITS_OWN.replace("np.log", "np.log1p"))).values()
    assert one.id == same.id != other.id
    check_feature_set(one)
    with pytest.raises(UnknownFeatureFunction, match="needed that file"):
        from_specification(one.specification())


def test_a_declared_set_crosses_processes_by_its_file(declare: Declare) -> None:
    path = declare(OF_ITS_OWN)
    (found,) = load_feature_file(path).values()
    pickled = pickle.dumps(found)
    assert pickle.loads(pickled).id == found.id  # noqa: S301  # our own bytes
    assert pickle.loads(pickle.dumps(CORE)).id == CORE.id  # noqa: S301
    path.write_text(OF_ITS_OWN.replace("np.log", "np.log1p"))
    with pytest.raises(InvalidFeatureFile, match="it changed"):
        pickle.loads(pickled)  # noqa: S301


def test_a_feature_that_breaks_a_promise_is_found(declare: Declare) -> None:
    in_currency = OF_ITS_OWN.replace("np.log(top / bottom)", "top - bottom")
    (found,) = load_feature_file(declare(in_currency)).values()
    with pytest.raises(FailedCheck, match="scale: range_10 had other bits"):
        check_feature_set(found)


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("x = 1", "declared no FeatureSet"),
        ("from tickcast_modelkit.features import CORE", "declared no FeatureSet"),
        ("raise RuntimeError('broken')", "failed with RuntimeError: broken"),
        ("def (", "failed with SyntaxError"),
        (OF_ITS_OWN + OF_ITS_OWN.replace("MINE", "TWIN"), "needed unique names"),
        (
            OF_ITS_OWN.replace("range_share, {", "np.max, {"),
            "needed a function of tickcast_modelkit.features or one that is defined in the file",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_what_is_wrong(
    declare: Declare, text: str, finding: str
) -> None:
    path = declare(text)
    with pytest.raises(InvalidFeatureFile) as caught:
        load_feature_file(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert finding in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidFeatureFile, match="was not readable"):
        load_feature_file(tmp_path / "nope.py")


def test_an_unknown_function_or_revision_is_named() -> None:
    specification = CORE.specification()
    first, *rest = specification.features
    for other in (replace(first, function="of_tomorrow"), replace(first, revision=2)):
        with pytest.raises(UnknownFeatureFunction, match="feature return_1: was"):
            from_specification(replace(specification, features=(other, *rest)))


def test_a_set_is_found_among_those_known_or_made() -> None:
    specification = CORE.specification()
    assert find_feature_set(CORE.id, specification, {CORE.id: CORE}) is CORE
    assert find_feature_set(CORE.id, specification, {}).id == CORE.id
    with pytest.raises(UnknownFeatureFunction, match=f"was core-0, needed {CORE.id}"):
        find_feature_set("core-0", specification, {})


@pytest.mark.parametrize("text", [RANKED, RANKED_OF_ITS_OWN])
def test_a_known_set_that_ranks_is_bound_to_the_universe_that_a_package_names(
    declare: Declare, text: str
) -> None:
    (declared,) = load_feature_file(declare(text)).values()
    bound = declared.bound_to(["A", "B"])
    found = find_feature_set(bound.id, bound.specification(), {declared.id: declared})
    assert found.id == bound.id
    assert found.universe == ("A", "B")


def test_a_set_that_ranks_and_is_of_modelkits_functions_needs_no_file(declare: Declare) -> None:
    (declared,) = load_feature_file(declare(RANKED)).values()
    bound = declared.bound_to(["A", "B"])
    assert find_feature_set(bound.id, bound.specification(), {}).id == bound.id
    assert from_specification(declared.specification()).is_unbound


def test_bound_sets_and_their_own_parts_cross_processes_by_the_file(declare: Declare) -> None:
    (declared,) = load_feature_file(declare(RANKED_OF_ITS_OWN)).values()
    bound = declared.bound_to(["A", "B"])
    for one in (declared, bound, bound.own):
        again = pickle.loads(pickle.dumps(one))  # noqa: S301  # our own bytes
        assert again.id == one.id
        assert (again.ranks, again.universe) == (one.ranks, one.universe)


def test_every_feature_function_of_modelkit_can_be_named() -> None:
    rooms = (calendar, candles, momentum, returns, volatility, volume)
    public = {
        name: function
        for room in rooms
        for name, function in inspect.getmembers(room, inspect.isfunction)
        if function.__module__ == room.__name__ and not name.startswith("_")
    }
    assert public == dict(FUNCTIONS)
    assert set(features.__all__) >= {"from_specification", "load_feature_file"}
