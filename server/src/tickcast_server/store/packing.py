"""Bars and feature rows as bytes.

A feature row carries a checksum over its key as well as its content, so that a reply that
belongs to another key, or to a damaged value, is never taken for an answer.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

from tickcast_server.store.store import BarRow, FeatureRow

_BAR = struct.Struct("<qq5d")
_FEATURES = struct.Struct("<4sIqqdiI")
_MAGIC = b"TCF1"


class DamagedValue(ValueError):
    """Bytes from the store that are not what was asked for."""


def pack_bar(bar: BarRow) -> bytes:
    """56 bytes, little-endian."""
    return _BAR.pack(*bar)


def unpack_bar(data: bytes) -> BarRow:
    """The inverse of `pack_bar`.

    Raises `DamagedValue` for a wrong length.
    """
    if len(data) != _BAR.size:
        raise DamagedValue(f"a stored bar has {len(data)} bytes, needed {_BAR.size}")
    return BarRow(*_BAR.unpack(data))


def pack_features(key: bytes, row: FeatureRow) -> bytes:
    """Header and float32 values, little-endian. `key` is the key that it will be stored under."""
    values = row.values.astype("<f4", copy=False).tobytes()
    head = (row.sequence, row.as_of_time, row.last_close, row.bars_used, len(row.values))
    unsigned = _FEATURES.pack(_MAGIC, 0, *head)
    checksum = zlib.crc32(values, zlib.crc32(unsigned, zlib.crc32(key)))
    return _FEATURES.pack(_MAGIC, checksum, *head) + values


def unpack_features(key: bytes, data: bytes) -> FeatureRow:
    """The inverse of `pack_features`.

    Raises `DamagedValue` when the bytes are not a feature row stored under `key`.
    """
    if len(data) < _FEATURES.size or data[:4] != _MAGIC:
        raise DamagedValue(f"{key!r} does not hold a feature row")
    _, checksum, *head = _FEATURES.unpack_from(data)
    values = data[_FEATURES.size :]
    unsigned = _FEATURES.pack(_MAGIC, 0, *head)
    if zlib.crc32(values, zlib.crc32(unsigned, zlib.crc32(key))) != checksum:
        raise DamagedValue(f"{key!r} holds a feature row with a wrong checksum")
    sequence, as_of_time, last_close, bars_used, count = head
    if len(values) != 4 * count:
        raise DamagedValue(f"{key!r} holds {len(values)} bytes of features, needed {4 * count}")
    return FeatureRow(
        sequence=sequence,
        as_of_time=as_of_time,
        last_close=last_close,
        bars_used=bars_used,
        values=np.frombuffer(values, dtype="<f4").astype(np.float32, copy=False),
    )
