"""Commands under headings in --help, by what somebody wants to do."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from typer.core import TyperGroup


class Heading(StrEnum):
    """What commands are for, in the order of --help."""

    ASK = "Ask"
    WATCH = "Watch"
    OPERATE = "Operate"
    TRAIN = "Train"
    OTHER = "Other"


class CommandGroup(TyperGroup):
    """Lists commands under the heading that each was registered with."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Writes a list for each heading that has commands."""
        names = self.list_commands(ctx)
        width = max(map(len, names))
        for heading in Heading:
            rows = [
                # Names are as wide in every list, so that the summaries are in one column.
                (name.ljust(width), command.get_short_help_str(formatter.width - width - 6))
                for name in names
                if getattr(command := self.commands[name], "rich_help_panel", None) == heading
            ]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


def examples(*lines: str) -> str:
    """The end of a command's --help; lines stay as they are."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
