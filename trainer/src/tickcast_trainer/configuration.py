"""How every program of the trainer gathers its settings.

Values come from, the later the stronger: the defaults of the settings class, a TOML file
(``--config``), environment variables under the program's prefix (``__`` leads into a section, as in
``TICKCAST_TRAIN_RIDGE__ALPHA``), and flags. An unknown key is an error, wherever it stands.
"""

import json
import os
import tomllib
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    CliApp,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from tickcast_trainer.errors import InvalidSettings


def _utc_without_zone(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


Instant = Annotated[datetime, AfterValidator(_utc_without_zone)]
"""An instant; one without a zone is in UTC."""


class Section(BaseModel):
    """A group of settings, a section of the TOML file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProgramSettings(BaseSettings):
    """What the settings of every program share."""

    model_config = SettingsConfigDict(
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
    )

    summary: ClassVar[str]
    """One sentence for ``--help``."""

    not_printed: ClassVar[frozenset[str]] = frozenset({"config", "print_config"})
    """Settings of one call, which a settings file does not hold."""

    config: Path | None = Field(default=None, description="TOML file with any of these settings")
    print_config: bool = Field(default=False, description="print the settings as TOML and stop")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the TOML file under the environment; no .env file is read."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    def to_toml(self) -> str:
        """Return the settings as a TOML file that gives the same run."""
        values = self.model_dump(mode="json", exclude=set(self.not_printed), exclude_none=True)
        sections = {key: value for key, value in values.items() if isinstance(value, dict)}
        lines = _toml_lines({key: value for key, value in values.items() if key not in sections})
        for name, section in sections.items():
            lines += ["", f"[{name}]", *_toml_lines(section)]
        return "\n".join(lines)


_Settings = TypeVar("_Settings", bound=ProgramSettings)


def load_settings(kind: type[_Settings], arguments: Sequence[str]) -> _Settings:
    """Gather the settings of a program from file, environment and ``arguments``.

    Raises InvalidSettings, naming each key, the value found and what is needed; SystemExit after
    ``--help``.
    """
    prefix = str(kind.model_config["env_prefix"])
    _refuse_unknown_variables(kind, prefix)
    file = _settings_file(prefix, arguments)
    configured = type(
        kind.__name__,
        (kind,),
        {
            "__module__": kind.__module__,
            "__doc__": kind.summary,
            "model_config": SettingsConfigDict(toml_file=file),
        },
    )
    try:
        loaded: _Settings = CliApp.run(
            configured, cli_args=list(arguments), cli_exit_on_error=False
        )
    except ValidationError as error:
        problems = [_describe(prefix, item) for item in error.errors()]
        raise InvalidSettings("\n".join(problems)) from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidSettings(f"{file}: was no TOML file ({error}), needed one") from error
    except SettingsError as error:
        raise InvalidSettings(str(error)) from error
    return loaded


def _settings_file(prefix: str, arguments: Sequence[str]) -> Path | None:
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config", default=os.environ.get(f"{prefix}CONFIG"))
    named: str | None = parser.parse_known_args(arguments)[0].config
    if named is None:
        return None
    if not Path(named).is_file():
        raise InvalidSettings(f"config: was {named}, needed a TOML file that exists")
    return Path(named)


def _refuse_unknown_variables(kind: type[ProgramSettings], prefix: str) -> None:
    # pydantic-settings reads the variables that it knows and never looks at the others.
    known = {name.upper() for name in kind.model_fields}
    for variable in sorted(os.environ):
        key = variable.upper().removeprefix(prefix)
        if key != variable.upper() and key.split("__")[0] not in known:
            names = ", ".join(prefix + name for name in sorted(known))
            raise InvalidSettings(f"environment: was {variable}, needed one of {names}")


def _describe(prefix: str, error: Any) -> str:
    path = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        variable = prefix + path.upper()
        return f"{path}: was absent, needed as --{path}, as {variable} or in the settings file"
    if error["type"] == "extra_forbidden":
        return f"{path}: was given, but there is no such setting"
    needed = error["msg"].removeprefix("Value error, ")
    # What does not fit together has no value of its own to show.
    return f"{path}: was {error['input']!r}, needed: {needed}" if path else needed


def _toml_lines(values: dict[str, Any]) -> list[str]:
    # JSON's scalars and lists of scalars are TOML's.
    return [f"{key} = {json.dumps(value)}" for key, value in values.items()]
