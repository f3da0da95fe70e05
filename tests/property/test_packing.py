"""What is packed is what is unpacked, and nothing else is taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tickcast_server.store.packing import (
    DamagedValue,
    pack_bar,
    pack_features,
    unpack_bar,
    unpack_features,
)
from tickcast_server.store.store import BarRow, FeatureRow

finite = st.floats(allow_nan=False, allow_infinity=False)
instants = st.integers(0, 2**40)
keys = st.binary(min_size=1, max_size=80)
bars = st.builds(BarRow, instants, instants, finite, finite, finite, finite, finite)
rows = st.builds(
    FeatureRow,
    sequence=st.integers(1, 2**40),
    as_of_time=instants,
    last_close=finite,
    bars_used=st.integers(0, 2**20),
    values=arrays.arrays(np.float32, st.integers(0, 64)),
)


@given(bars)
def test_a_bar_comes_back_as_it_was(bar: BarRow) -> None:
    assert unpack_bar(pack_bar(bar)) == bar


@given(keys, rows)
def test_features_come_back_bit_for_bit(key: bytes, row: FeatureRow) -> None:
    found = unpack_features(key, pack_features(key, row))
    assert found.values.tobytes() == row.values.tobytes()
    assert (found.sequence, found.as_of_time, found.last_close, found.bars_used) == (
        row.sequence,
        row.as_of_time,
        row.last_close,
        row.bars_used,
    )


@given(keys, keys, rows)
def test_features_of_another_key_are_not_taken(one: bytes, other: bytes, row: FeatureRow) -> None:
    if one != other:
        with pytest.raises(DamagedValue):
            unpack_features(other, pack_features(one, row))


@given(keys, rows, st.data())
def test_a_changed_byte_is_noticed(key: bytes, row: FeatureRow, data: st.DataObject) -> None:
    packed = bytearray(pack_features(key, row))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DamagedValue):
        unpack_features(key, bytes(packed))


@given(keys, rows, st.integers(1, 40))
def test_a_value_cut_short_is_noticed(key: bytes, row: FeatureRow, cut: int) -> None:
    with pytest.raises(DamagedValue):
        unpack_features(key, pack_features(key, row)[:-cut])
