"""The reference of the contract: every service, message and enum of proto/, with its comment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)

from scripts.docs_pages.markdown import cell, table

PACKAGE = ".tickcast.v1."
BUF = Path(sys.executable).with_name("buf")
HEAD = """\
# Contract

Every service, message and enum of `tickcast.v1`, with its comment in
[proto/](../../proto/README.md). Reasons of errors: [errors.md](../errors.md).
"""
WELL_KNOWN = "https://protobuf.dev/reference/protobuf/google.protobuf/#"


def page(proto: Path) -> str:
    """The page, from the `.proto` files of a folder."""
    built = subprocess.run(
        [BUF, "build", "--path", "tickcast", "--output", "-"],
        cwd=proto,
        check=True,
        stdout=subprocess.PIPE,
    )
    files = [
        Commented(file)
        for file in FileDescriptorSet.FromString(built.stdout).file
        if file.name.startswith("tickcast/")
    ]
    services = [section for file in files for section in file.services()]
    types = [section for file in files for section in file.types()]
    return "\n".join([HEAD, "## Services\n", *services, "## Messages and enums\n", *sorted(types)])


@dataclass(frozen=True)
class Commented:
    """A file of the contract, with the comments that stand in front of its elements."""

    file: FileDescriptorProto

    def comment(self, *path: int) -> str:
        """What is said of the element at a path, as in SourceCodeInfo; empty when nothing is."""
        for location in self.file.source_code_info.location:
            if tuple(location.path) == path:
                lines = location.leading_comments.strip().splitlines()
                return "\n".join(line.strip() for line in lines)
        return ""

    def services(self) -> Iterator[str]:
        """A section for each service."""
        for index, service in enumerate(self.file.service):
            path = (FileDescriptorProto.SERVICE_FIELD_NUMBER, index)
            yield f"### {service.name}\n\n{self.comment(*path)}\n"
            for number, method in enumerate(service.method):
                method_path = (*path, ServiceDescriptorProto.METHOD_FIELD_NUMBER, number)
                yield f"#### {method.name}\n\n{signature(method)}\n\n{self.comment(*method_path)}\n"

    def types(self) -> Iterator[str]:
        """A section for each message and enum."""
        for index, message in enumerate(self.file.message_type):
            path = (FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER, index)
            rows = [
                [
                    f"`{field.name}`",
                    field_type(message, field),
                    cell(self.comment(*path, DescriptorProto.FIELD_FIELD_NUMBER, number)),
                ]
                for number, field in enumerate(message.field)
            ]
            fields = table(["field", "type", "meaning"], rows) if rows else "It has no fields."
            yield f"### {message.name}\n\n{self.comment(*path)}\n\n{fields}\n"
        for index, enum in enumerate(self.file.enum_type):
            path = (FileDescriptorProto.ENUM_TYPE_FIELD_NUMBER, index)
            rows = [
                [
                    f"`{value.name}`",
                    str(value.number),
                    cell(self.comment(*path, EnumDescriptorProto.VALUE_FIELD_NUMBER, number)),
                ]
                for number, value in enumerate(enum.value)
            ]
            values = table(["value", "number", "meaning"], rows)
            yield f"### {enum.name}\n\n{self.comment(*path)}\n\n{values}\n"


def signature(method: MethodDescriptorProto) -> str:
    """What a method takes and gives."""
    stream = "stream of " if method.server_streaming else ""
    return f"{linked(method.input_type)} → {stream}{linked(method.output_type)}"


def field_type(message: DescriptorProto, field: FieldDescriptorProto) -> str:
    """The type of a field, with a link to where it is told, and how often it may be there."""
    name = value_type(field)
    for entry in message.nested_type:
        if entry.options.map_entry and field.type_name.endswith(f".{message.name}.{entry.name}"):
            key, value = map(value_type, entry.field)
            return f"map from {key} to {value}"
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return f"repeated {name}"
    if field.proto3_optional:
        return f"optional {name}"
    if field.HasField("oneof_index"):
        return f"{name}, one of `{message.oneof_decl[field.oneof_index].name}`"
    return name


def value_type(field: FieldDescriptorProto) -> str:
    """The type of one value of a field."""
    if field.type_name:
        return linked(field.type_name)
    return f"`{FieldDescriptorProto.Type.Name(field.type).removeprefix('TYPE_').lower()}`"


def linked(type_name: str) -> str:
    """A type's name, as a link where there is something to link to."""
    short = type_name.rpartition(".")[2]
    if type_name.startswith(PACKAGE):
        return f"[{short}](#{short.lower()})"
    if type_name.startswith(".google.protobuf."):
        return f"[{short}]({WELL_KNOWN}{short.lower()})"
    return f"`{type_name.removeprefix('.')}`"
