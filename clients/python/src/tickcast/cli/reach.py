"""The options before a command: where the server is, and how it is reached."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from tickcast._channel import DEFAULT_TARGET, TARGET_VARIABLE
from tickcast._tls import Tls
from tickcast.cli.session import BadUsage, Session

VARIABLE_PREFIX = "TICKCAST_CLIENT_"
"""What the names of variables for this program begin with, but for that of the target."""


def _version(shown: bool) -> None:
    if shown:
        print(f"tickcast {version('tickcast')}")
        raise typer.Exit


def reach(
    context: typer.Context,
    target: Annotated[
        str | None,
        typer.Option(
            envvar=TARGET_VARIABLE,
            help=f"Where the server is, as host:port; by default {DEFAULT_TARGET}.",
        ),
    ] = None,
    tls: Annotated[
        bool,
        typer.Option(
            "--tls",
            envvar=f"{VARIABLE_PREFIX}TLS",
            help="Encrypt the connection; the server's certificate is of a public authority.",
        ),
    ] = False,
    tls_ca: Annotated[
        Path | None,
        typer.Option(
            envvar=f"{VARIABLE_PREFIX}TLS_CA",
            help="Encrypt it; PEM file of the authority of the server's certificate.",
        ),
    ] = None,
    tls_certificate: Annotated[
        Path | None,
        typer.Option(
            envvar=f"{VARIABLE_PREFIX}TLS_CERTIFICATE",
            help="PEM file of your own certificate, for a server that asks for one.",
        ),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(envvar=f"{VARIABLE_PREFIX}TLS_KEY", help="PEM file of its private key."),
    ] = None,
    tls_server_name: Annotated[
        str | None,
        typer.Option(
            envvar=f"{VARIABLE_PREFIX}TLS_SERVER_NAME",
            help="Name in the server's certificate; by default the target's host.",
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            envvar=f"{VARIABLE_PREFIX}TOKEN_FILE",
            help="File whose content is sent as a bearer token; read again for every call.",
        ),
    ] = None,
    insecure_token: Annotated[
        bool,
        typer.Option(
            "--insecure-token",
            envvar=f"{VARIABLE_PREFIX}INSECURE_TOKEN",
            help="Send the token in plain text to another machine.",
        ),
    ] = False,
    show_version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version.")
    ] = False,
) -> None:
    """Keeps what commands need to connect."""
    # Completion, which runs no callback, reads the same parameters from the context.
    del target, tls, tls_ca, tls_certificate, tls_key, tls_server_name
    del token_file, insecure_token, show_version
    context.obj = session(context.params)


def session(params: Mapping[str, Any]) -> Session:
    """What the options ask for, by the names of the parameters above. Raises `BadUsage`."""
    files = {
        "root_certificates": params.get("tls_ca"),
        "certificate": params.get("tls_certificate"),
        "key": params.get("tls_key"),
        "server_name": params.get("tls_server_name"),
    }
    token_file: Path | None = params.get("token_file")
    try:
        tls = Tls(**files) if params.get("tls") or any(files.values()) else None
    except ValueError as error:
        raise BadUsage(str(error)) from error
    return Session(
        given_target=params.get("target"),
        tls=tls,
        token=None if token_file is None else partial(_token, token_file),
        insecure_token=bool(params.get("insecure_token")),
    )


def _token(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError as error:
        raise BadUsage(f"--token-file: {file} cannot be read: {error.strerror}") from error
