"""Events of a stream, and the moments in between, in which a display lives on."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeAlias

from tickcast._events import PredictionStreamEvent
from tickcast._streams import EventStream

_Item: TypeAlias = PredictionStreamEvent | BaseException | None
"""`None` at the end; what the stream raised is raised again by the reader."""


def events_and_pauses(
    stream: EventStream[PredictionStreamEvent], *, pause: float
) -> Iterator[PredictionStreamEvent | None]:
    """Yields `None` whenever nothing came for `pause` seconds, until the stream ends."""
    items: SimpleQueue[_Item] = SimpleQueue()
    Thread(target=_read, args=(stream, items), daemon=True).start()
    while True:
        try:
            item = items.get(timeout=pause)
        except Empty:
            yield None
            continue
        if item is None:
            return
        if isinstance(item, BaseException):
            raise item
        yield item


def _read(stream: EventStream[PredictionStreamEvent], items: SimpleQueue[_Item]) -> None:
    try:
        for event in stream:
            items.put(event)
    except BaseException as error:  # noqa: BLE001  # it belongs to the thread that shows it
        items.put(error)
    else:
        items.put(None)
