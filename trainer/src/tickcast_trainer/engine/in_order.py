"""Keeping a few items under way, and their results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Handle = TypeVar("Handle")
Result = TypeVar("Result")


def in_order(
    items: Iterable[Item],
    *,
    submit: Callable[[Item], Handle],
    result: Callable[[Handle], Result],
    ahead: int,
) -> Iterator[Result]:
    """Yield the result of each item, with ``ahead`` of them submitted at any time.

    So the memory of items and results under way does not grow with their number.
    """
    remaining = iter(items)
    under_way = deque(submit(item) for item in islice(remaining, ahead))
    while under_way:
        yield result(under_way.popleft())
        under_way.extend(submit(item) for item in islice(remaining, 1))
