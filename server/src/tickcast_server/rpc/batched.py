"""Several encoded events in one response, without encoding them again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from google.protobuf.descriptor import Descriptor, FieldDescriptor

# https://protobuf.dev/programming-guides/encoding: a message inside another is its field's number
# and this type, its length, and its bytes.
_LENGTH_DELIMITED = 2


class Batcher:
    """Puts the responses of one method together."""

    def __init__(self, response: Descriptor) -> None:
        """`response` has a field `batch`, a message whose field `events` repeats it."""
        batch = response.fields_by_name["batch"]
        self._batch = _tag(batch)
        if batch.message_type is None:
            raise TypeError(f"{batch.full_name}: was no message, needed one")
        self._events = _tag(batch.message_type.fields_by_name["events"])

    def together(self, responses: Sequence[bytes]) -> Sequence[bytes]:
        """One response with all of these in it; a single one, or none, as it is."""
        if len(responses) < 2:
            return responses
        events = b"".join(self._events_of(responses))
        return [b"".join((self._batch, _varint(len(events)), events))]

    def _events_of(self, responses: Sequence[bytes]) -> Iterator[bytes]:
        for response in responses:
            yield self._events
            yield _varint(len(response))
            yield response


def _tag(field: FieldDescriptor) -> bytes:
    return _varint(field.number << 3 | _LENGTH_DELIMITED)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
