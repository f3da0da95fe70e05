"""Options and arguments that several commands have."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from tickcast.cli import names

ModelOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Model: NAME for its champion, or models/NAME/versions/VERSION. "
        "By default the only one that the server holds.",
        autocompletion=names.models,
    ),
]

SymbolArgument: TypeAlias = Annotated[
    str, typer.Argument(help="Symbol, for example AAPL.", autocompletion=names.symbols)
]

TimeframeOption: TypeAlias = Annotated[
    str,
    typer.Option(help="Length of a bar: a count and one of s, m, h, d, w, for example 5m."),
]
