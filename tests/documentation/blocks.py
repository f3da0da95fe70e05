"""The blocks of code in the pages of the checkout, found as a Markdown reader finds them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]

# Whose blocks are run. Those of benchmarks/ take minutes to an hour each.
PAGES = ("README.md", "CONTRIBUTING.md", "docs/**/*.md", "clients/*/README.md", "proto/README.md")

# A block without a language is typed into a shell; a drawing, or what a command prints, is `text`.
COMMANDS = frozenset({"", "bash", "console", "sh"})
PROMPT = "$ "


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block, such as ```toml title="promote.toml"."""

    page: str
    line: int
    """Of the page, of the block's first line."""

    language: str
    title: str
    """The file that the block is, or `prints` for what the commands before it print."""

    text: str

    @property
    def place(self) -> str:
        """Where it is, as editors take it."""
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """Every page whose blocks are run, by its path in the checkout."""
    return sorted(str(file.relative_to(ROOT)) for pattern in PAGES for file in ROOT.glob(pattern))


def blocks_of(page: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    tokens = MarkdownIt().parse((ROOT / page).read_text())
    return [
        Block(
            page=page,
            line=token.map[0] + 2,
            language=token.info.partition(" ")[0],
            title=title(token.info),
            text=token.content,
        )
        for token in tokens
        if token.type == "fence" and token.map
    ]


def title(info: str) -> str:
    """The title in what stands behind the fence; empty without one."""
    found = re.search(r'title="([^"]*)"', info)
    return found[1] if found else ""


def commands_of(block: Block) -> Iterator[str]:
    """The commands of a block, each with the lines that go on behind a backslash.

    Where some lines begin with a prompt, the others are what those print.
    """
    joined = block.text.replace("\\\n", "\\\0").splitlines()
    lines = [line.replace("\\\0", "\\\n") for line in joined]
    prompted = [line.removeprefix(PROMPT) for line in lines if line.startswith(PROMPT)]
    yield from prompted or (line for line in lines if line.strip() and not line.startswith("#"))
