"""What holds for every rank, whatever the peers."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from tickcast_modelkit.features.cross_section import needed_symbols, rank_among, rank_each

# Small whole numbers among them, so that there are ties.
numbers = st.one_of(
    st.integers(-3, 3).map(float),
    st.sampled_from([-0.0, 1e-45, -1e-45, 3.4e38, -3.4e38]),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
)
peers = arrays.arrays(np.float32, st.integers(1, 40), elements=numbers)


def ranks(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return rank_each(np.zeros(len(values), dtype=np.int64), values)


@given(peers)
def test_a_rank_is_the_mean_place_among_the_others_from_minus_a_half_to_a_half(
    values: NDArray[np.float32],
) -> None:
    for value, rank in zip(values, ranks(values), strict=True):
        below, equal = (values < value).sum(), (values == value).sum()
        place = below + 0.5 * (equal - 1)
        expected = place / (len(values) - 1) - 0.5 if len(values) > 1 else 0.0
        assert np.isclose(rank, expected, rtol=0.0, atol=1e-7)


@given(peers)
def test_ranks_are_bounded_and_balanced(values: NDArray[np.float32]) -> None:
    found = ranks(values)
    assert found.dtype == np.float32
    assert (np.abs(found) <= 0.5).all()
    assert abs(float(found.astype(np.float64).sum())) < 1e-5
    if len(np.unique(values)) == len(values) > 1:
        assert found.min() == -0.5
        assert found.max() == 0.5


@given(peers, st.randoms())
def test_the_order_of_the_peers_does_not_matter(
    values: NDArray[np.float32], random: Random
) -> None:
    order = list(range(len(values)))
    random.shuffle(order)
    assert ranks(values[order]).tobytes() == ranks(values)[order].tobytes()


@given(peers)
def test_equal_values_share_a_rank_and_greater_ones_have_a_greater(
    values: NDArray[np.float32],
) -> None:
    found = ranks(values)
    order = np.argsort(values, kind="stable")
    steps, moved = np.diff(found[order]), values[order][1:] != values[order][:-1]
    assert ((steps > 0) == moved).all()
    assert (steps[~moved] == 0).all()


@given(arrays.arrays(np.float32, st.integers(1, 40), elements=st.integers(-50, 50).map(float)))
def test_a_growing_transform_of_the_values_changes_no_rank(values: NDArray[np.float32]) -> None:
    # Exact in float32, so that no two values become one.
    for transformed in (2.0 * values + 7.0, values**3, np.float32(2.0**40) * values):
        assert ranks(transformed.astype(np.float32)).tobytes() == ranks(values).tobytes()
    assert np.array_equal(ranks(-values), -ranks(values))


@given(peers)
def test_one_asked_among_its_section_has_the_same_bits_as_all_together(
    values: NDArray[np.float32],
) -> None:
    assert rank_among(np.sort(values), values).tobytes() == ranks(values).tobytes()
    one = rank_among(np.sort(values), values[:1])
    assert one.tobytes() == ranks(values)[:1].tobytes()


@given(st.lists(peers, min_size=1, max_size=6), st.randoms())
def test_sections_do_not_touch_each_other(
    sections: list[NDArray[np.float32]], random: Random
) -> None:
    number = np.repeat(np.arange(len(sections)), [len(one) for one in sections])
    order = list(range(len(number)))
    random.shuffle(order)
    together = np.empty(len(number), dtype=np.float32)
    together[order] = rank_each(number[order], np.concatenate(sections)[order])
    assert together.tobytes() == np.concatenate([ranks(one) for one in sections]).tobytes()


def test_a_symbol_by_itself_and_no_symbol_at_all() -> None:
    assert ranks(np.array([3.0], dtype=np.float32)).tolist() == [0.0]
    assert rank_each(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)).shape == (0,)


@given(st.integers(1, 100), st.integers(0, 10_000))
def test_a_share_in_whole_percent_is_not_rounded_up_by_its_binary_form(
    percent: int, expected: int
) -> None:
    needed = int(needed_symbols(percent / 100, np.asarray(expected)))
    assert needed == max(1, -(-percent * expected // 100))
