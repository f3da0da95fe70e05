"""Python's garbage collector, told what a server is like.

What start-up makes stays for good, and bars and features of thousands of symbols stay for long:
looking through all of them again and again finds nothing, and holds up calls meanwhile.
"""

from __future__ import annotations

import gc

# Objects made between two looks at the youngest, and how many looks before the older are looked at.
# A call leaves five that only a look frees: with many more at a time, a look is felt itself.
_YOUNGEST, _OLDER, _OLDEST = 2_000, 4, 500


def settle() -> None:
    """For a process that has started: what it has made so far is left out of every later look."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNGEST, _OLDER, _OLDEST)
