"""Ranks among symbols: where a symbol's feature stands beside those of others at the same time.

A rank is centred and a mid-rank: from -0.5 for the least to 0.5 for the greatest, the same for all
that are equal, and 0 for a symbol by itself. Characteristics are brought onto this scale by Kelly,
Pruitt and Su (2019), "Characteristics are covariances: A unified model of risk and return", Journal
of Financial Economics 134(3); the mean of the ranks of equals is that of Kendall (1945), "The
treatment of ties in ranking problems", Biometrika 33(3).

A rank follows from whole numbers, so that it is the same bits however its section was put together.

Who is in a section follows from bars alone, so that trainer and server agree. Present are symbols
of the universe with a bar that closed at the as-of time and at least ``minimum_bars`` up to it.
Expected are all symbols of the universe but those that are too young: whose bars reach the as-of
time, and of which fewer than ``minimum_bars`` had closed by then. A symbol without bars, or whose
bars have ended, is expected: it may as well be late. ``needed_symbols`` says how many must be
present for any of them to be ranked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DEFAULT_MINIMUM_SHARE = 0.8

_SIGN = np.uint32(1 << 31)

# Below any share of a symbol that could matter, above the rounding of a share times a count.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Rank:
    """The rank of a feature among the symbols that have a row at the same as-of time."""

    name: str
    """Unique in its set, such as ``rank_return_21``."""

    of: str
    """Name of the feature of the same set that is ranked."""


def rank_each(section: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rank of each value (n,) among those of its section, shape (n,).

    ``section`` (n,) numbers the cross-sections, from 0 to below 2**32; ``values`` are finite. The
    order of the rows does not matter. Takes one sort, and a few times the memory of ``section``.
    """
    if not len(values):
        return np.empty(0, dtype=np.float32)
    key = (section.astype(np.uint64) << np.uint64(32)) | _ordered(values)
    order = np.argsort(key)
    key = key[order]
    begins_run = np.r_[True, key[1:] != key[:-1]]
    key >>= np.uint64(32)
    begins_section = np.r_[True, key[1:] != key[:-1]]
    run, start = np.flatnonzero(begins_run), np.flatnonzero(begins_section)
    of_run = np.cumsum(begins_section[run]) - 1
    equal = np.diff(run, append=len(key))
    count = np.diff(start, append=len(key))
    result = np.empty(len(key), dtype=np.float32)
    result[order] = np.repeat(_centred(run - start[of_run], equal, count[of_run]), equal)
    return result


def rank_among(ascending: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rank of values (k,) in one section, given all of its values (n,) in order.

    ``values`` are among those of the section.
    """
    below = np.searchsorted(ascending, values, side="left")
    equal = np.searchsorted(ascending, values, side="right") - below
    return _centred(below, equal, np.asarray(len(ascending)))


def needed_symbols(minimum_share: float, expected: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many symbols a section needs where so many are expected: at least one."""
    share = np.ceil(minimum_share * expected - _ROUNDING).astype(np.int64)
    needed: NDArray[np.int64] = np.maximum(share, 1)
    return needed


def _centred(
    below: NDArray[np.int64], equal: NDArray[np.int64], count: NDArray[np.int64]
) -> NDArray[np.float32]:
    others = np.maximum(count - 1, 1)
    rank: NDArray[np.float32] = ((2 * below + equal - count) / (2 * others)).astype(np.float32)
    return rank


def _ordered(values: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Whole numbers in the order of the values: IEEE 754 binary32 sorts as sign and magnitude."""
    # By adding 0.0, the two zeros are one value.
    bits = (values + np.float32(0.0)).view(np.uint32)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)
