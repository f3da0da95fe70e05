"""The reference of the command line: what each command takes, from the program itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from textwrap import dedent

import typer
from tickcast.cli.app import build
from typer.cli import get_docs_for_click

from scripts.docs_pages.settings import PROGRAMS

PROGRAM = "tickcast"
WIDTH = "88"
DATA_COMMANDS = ("import", "check", "show")
HEAD = """\
# Commands

What each command takes, as `tickcast COMMAND --help` says it. What they share, output and exit
codes among it: [command_line.md](../command_line.md).
"""
# What click shows as it is begins with a backspace.
KEPT_AS_IT_IS = re.compile(r"\x08\n(?P<head>.+)\n(?P<lines>(  .*\n)+)")
SETTINGS = "Its flags are settings: [settings.md](settings.md#{anchor}).\n"


def page() -> str:
    """The page, a section for each command."""
    program = typer.main.get_group(build())
    context = typer.Context(program, info_name=PROGRAM)
    brought = {point.name for point in entry_points(group="tickcast.commands")}
    sections = []
    for name, command in sorted(program.commands.items()):
        if name not in brought:
            told = get_docs_for_click(
                obj=command, ctx=context, name=name, indent=1, call_prefix=PROGRAM
            )
            sections.append(KEPT_AS_IT_IS.sub(fenced, told))
        else:
            sections.append(f"## `{PROGRAM} {name}`\n\n{command.help}\n\n{flags(name)}")
    return "\n".join([HEAD, *sections])


def fenced(kept: re.Match[str]) -> str:
    """Lines that help does not wrap, as a block that Markdown does not wrap."""
    return f"{kept['head']}\n\n```text\n{dedent(kept['lines'])}```\n"


def flags(name: str) -> str:
    """Where the flags of a command are told that another distribution brings."""
    words = f"{PROGRAM} {name}"
    if words in PROGRAMS:
        return SETTINGS.format(anchor=words.replace(" ", "-"))
    return "\n".join(helped(name, command) for command in DATA_COMMANDS)


def helped(*words: str) -> str:
    """What a command says of itself."""
    said = subprocess.run(
        [Path(sys.executable).with_name(PROGRAM), *words, "--help"],
        env=os.environ | {"COLUMNS": WIDTH},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return f"```text\n{said.stdout.strip()}\n```\n"
