"""Messages as JSON, by protobuf's own mapping (https://protobuf.dev/programming-guides/json)."""

from __future__ import annotations

from google.protobuf import json_format
from google.protobuf.message import Message

from tickcast_server.rpc.form import Kind, unreadable


class Json:
    """Unlike binary, it refuses fields that it does not know: nothing else would tell of a typo."""

    def read(self, data: bytes, kind: type[Kind]) -> Kind:
        if not data:
            raise unreadable("was empty", kind)
        try:
            return json_format.Parse(data, kind())
        except (json_format.ParseError, UnicodeDecodeError) as error:
            raise unreadable(f"was no JSON of it ({_cause(error)})", kind) from error

    def write(self, message: Message) -> bytes:
        return json_format.MessageToJson(message, indent=None, ensure_ascii=False).encode()

    def rewrite(self, data: bytes, kind: type[Message]) -> bytes:
        return self.write(kind.FromString(data))


JSON = Json()


def _cause(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
