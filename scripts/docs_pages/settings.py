"""The reference of settings: every flag and variable of every program, from its settings class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings
from tickcast_server.settings import Settings as ServeSettings
from tickcast_trainer.backtest.settings import BacktestSettings
from tickcast_trainer.promotion.settings import PromoteSettings, RollbackSettings
from tickcast_trainer.settings import TrainSettings

from scripts.docs_pages.markdown import cell, table

PROGRAMS: dict[str, type[BaseSettings]] = {
    "tickcast serve": ServeSettings,
    "tickcast train": TrainSettings,
    "tickcast backtest": BacktestSettings,
    "tickcast promote": PromoteSettings,
    "tickcast rollback": RollbackSettings,
}
HEAD = """\
# Settings

A value comes from, in this order: a flag, a variable of the environment, the TOML file of
`--config`, the default. In the file, `--store.fsync` is the key `fsync` of the section `[store]`.
`--print-config` shows the settings in force. An unknown key or variable is an error.
"""


def page() -> str:
    """The page, a section for each program."""
    sections = ("\n\n".join([f"## {name}", *tables(kind)]) for name, kind in PROGRAMS.items())
    return "\n\n".join([HEAD.rstrip(), *sections]) + "\n"


def tables(kind: type[BaseSettings]) -> Iterator[str]:
    """The settings of a program, then those of each of its groups."""
    prefix = str(kind.model_config.get("env_prefix"))
    shortcuts = kind.model_config.get("cli_shortcuts") or {}
    groups = {
        name: group for name, field in kind.model_fields.items() if (group := group_of(field))
    }
    single = {name: field for name, field in kind.model_fields.items() if name not in groups}
    heads = ["flag, variable", "default", "meaning"]
    yield table(heads, [row(prefix, name, field, shortcuts) for name, field in single.items()])
    for name, group in groups.items():
        rows = [row(prefix, f"{name}.{key}", field) for key, field in group.model_fields.items()]
        yield f"**{name}**: {group.__doc__ or ''}".rstrip(": ")
        yield table(heads, rows)


def group_of(field: FieldInfo) -> type[BaseModel] | None:
    """The class of a group of settings; none for a single setting."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def row(
    prefix: str, path: str, field: FieldInfo, shortcuts: Mapping[str, object] | None = None
) -> list[str]:
    """One setting."""
    flag = path.replace("_", "-")
    flag = f"`--{(shortcuts or {}).get(flag, flag)}`"
    if any(type(mark).__name__ == "_CliPositionalArg" for mark in field.metadata):
        flag = f"`{path.upper()}`, without a flag"
    variable = f"`{prefix}{path.replace('.', '__').upper()}`"
    meaning = "; ".join(filter(None, [field.description, choices(field.annotation)]))
    return [f"{flag}<br>{variable}", default(field), cell(meaning)]


def choices(annotation: Any) -> str:
    """What a setting may be, where that is a list of names."""
    literals = [annotation, *get_args(annotation)]
    names = [name for kind in literals if get_origin(kind) is Literal for name in get_args(kind)]
    return f"one of {', '.join(f'`{name}`' for name in names)}" if len(names) > 1 else ""


def default(field: FieldInfo) -> str:
    """The default as it would be typed."""
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    match value:
        case None | "" | () | {}:
            return "none"
        case bool():
            return f"`{str(value).lower()}`"
        case tuple():
            return f"`{','.join(map(str, value))}`"
        case Path() | str() | int() | float():
            return f"`{value}`"
    raise TypeError(f"default: was {value!r}, needed a plain value to show")
