"""The server's settings: defaults here, then a TOML file, TICKCAST_* variables, and flags."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    CliSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from tickcast_server.serving.registry.reference import RegistryReference, check_references

PREFIX = "TICKCAST_"

# Variables with our prefix that other programs of the platform read.
_OTHERS = (
    "TICKCAST_TRAIN_",
    "TICKCAST_BACKTEST_",
    "TICKCAST_PROMOTE_",
    "TICKCAST_ROLLBACK_",
    "TICKCAST_SOURCE_",
    "TICKCAST_BARS",
    "TICKCAST_TARGET",
    "TICKCAST_CLIENT_",
)


class UnknownVariable(ValueError):
    """An environment variable has our prefix and no setting of that name."""


def _check_address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isdecimal() and int(port) < 2**16):
        raise ValueError("needed host:port, such as 127.0.0.1:50051 or [::1]:50051")
    return text


def _check_optional_address(text: str) -> str:
    return _check_address(text) if text else text


def _check_store_url(url: SecretStr | None) -> SecretStr | None:
    text = url.get_secret_value() if url is not None else ""
    if url is not None and not text.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("needed a URL that begins with redis://, rediss:// or unix://")
    return url


def _check_registry_url(url: str | None) -> str | None:
    if url is not None and not _is_web_server(url):
        raise ValueError(
            "needed http://host:port or https://host:port; user and password go into "
            "TICKCAST_REGISTRY__USERNAME and TICKCAST_REGISTRY__PASSWORD"
        )
    return url


def _is_web_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # Raises ValueError when it is no number.
        _ = parts.port
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and plain


def _check_origin(text: str) -> str:
    if text != "*" and not (_is_web_server(text) and not urlsplit(text).path):
        raise ValueError("needed scheme://host or scheme://host:port without a path, or *")
    return text


def _check_workers(workers: int) -> int:
    # Elsewhere a shared port gives every connection to the process that came last.
    if workers > 1 and sys.platform != "linux":
        raise ValueError("needed 1: only Linux spreads the connections of a port over processes")
    return workers


Address = Annotated[str, AfterValidator(_check_address)]
OptionalAddress = Annotated[str, AfterValidator(_check_optional_address)]
Origin = Annotated[str, AfterValidator(_check_origin)]
StoreUrl = Annotated[SecretStr | None, AfterValidator(_check_store_url)]
RegistryUrl = Annotated[str | None, AfterValidator(_check_registry_url)]
Workers = Annotated[PositiveInt, AfterValidator(_check_workers)]


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TlsSettings(_Group):
    """How gRPC is encrypted: PEM files, which are read again when they change."""

    certificate: Path | None = Field(
        default=None,
        description="the server's certificate, and those between it and its authority; "
        "none for plain text",
    )
    key: Path | None = Field(default=None, description="its private key, without a passphrase")
    client_ca: Path | None = Field(
        default=None,
        description="authorities of which every client must have a certificate; none to ask for "
        "none",
    )

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("needed certificate and key, or neither")
        if self.client_ca is not None and self.certificate is None:
            raise ValueError("needed certificate and key together with client_ca")
        return self


class StoreSettings(_Group):
    """How bars and features are kept."""

    prefix: str = Field(default="tickcast", description="begins every key in the store")
    retained_bars: PositiveInt = Field(
        default=2_048, ge=512, description="bars kept of each symbol and timeframe, at least"
    )
    retained_events: PositiveInt = Field(
        default=20_000, description="bars kept for other server processes to follow, at least"
    )
    timeout: PositiveFloat = Field(
        default=1.0, description="seconds to wait for the store's answer"
    )
    fsync: Literal["always", "everysec"] = Field(
        default="always",
        description="embedded store only: when an acknowledged bar is on disk; "
        "everysec risks a second of bars when the machine loses power",
    )


class ModelSettings(_Group):
    """How models are loaded."""

    poll: PositiveFloat = Field(default=1.0, description="seconds between looks at the repository")
    threads: PositiveInt = Field(default=1, description="threads of one onnxruntime call")


class RegistrySettings(_Group):
    """How the model registry is asked."""

    poll: PositiveFloat = Field(default=10.0, description="seconds between looks at the registry")
    timeout: PositiveFloat = Field(
        default=5.0, description="seconds to wait for the registry's answer"
    )
    token: SecretStr | None = Field(default=None, description="sent as a bearer token")
    username: str | None = Field(default=None, description="sent with the password")
    password: SecretStr | None = Field(default=None, description="sent with the username")


class StreamSettings(_Group):
    """How streams treat their readers."""

    limit: PositiveInt = Field(
        default=1_024,
        description="bars of one symbol that a reader may be behind: prices then skip to the "
        "latest, predictions end with RESOURCE_EXHAUSTED, unless the reader asks for the other",
    )
    most: PositiveInt = Field(default=20_000, description="streams that may be open")
    most_of_client: PositiveInt = Field(
        default=2_000,
        description="streams that one host may have open; raise it where many clients come "
        "through one proxy",
    )
    most_of_connection: PositiveInt = Field(
        default=100,
        description="streams that one connection may have open, fewer than its calls; further ones "
        "are refused, and open on another connection",
    )
    shared: NonNegativeInt = Field(
        default=16_384,
        description="messages about bars that are kept for other streams to send as they are",
    )


class AnswerSettings(_Group):
    """How answers are given again."""

    kept: NonNegativeInt = Field(
        default=4_096,
        description="answers to Predict by symbol that are kept until a bar or a model changes; "
        "0 for none",
    )


class BatchLimitSettings(_Group):
    """When calls that wait for one model are answered by one run of it."""

    most: PositiveInt = Field(
        default=1, description="rows of a batch; 1 for none: a small model is faster without"
    )
    delay: NonNegativeFloat = Field(
        default=0.0,
        lt=1.0,
        description="seconds that the first call waits for others; 0 for those there already",
    )


class BatchSettings(BatchLimitSettings):
    """How calls of Predict are put together, for all models and for some."""

    models: dict[str, BatchLimitSettings] = Field(
        default_factory=dict, description="the same for single models, by name"
    )


class AgeSettings(_Group):
    """How old the last bar of a symbol may be, and what becomes of a prediction from an older."""

    bars: PositiveFloat | None = Field(
        default=None,
        description="age of the last bar, in bars of the model's timeframe, past which a "
        "prediction by symbol is outdated; none for never",
    )
    then: Literal["flag", "refuse"] = Field(
        default="flag", description="what becomes of an outdated prediction"
    )


class StalenessSettings(AgeSettings):
    """How old the last bar may be when a model is asked, for all models and for some."""

    models: dict[str, AgeSettings] = Field(
        default_factory=dict, description="the same for single models, by name"
    )


class WaitSettings(_Group):
    """How many unary calls may wait for the store at a time."""

    least: PositiveInt = Field(default=32, description="this many always may")
    most: PositiveInt = Field(default=1_024, description="no more than this ever may")
    slow: PositiveFloat = Field(
        default=0.5, description="seconds: a longer wait lowers the limit by a tenth"
    )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"needed least at most as high as most, {self.most}")
        return self


class MetricsSettings(_Group):
    """What is measured."""

    stages: bool = Field(
        default=True, description="keep where the time of predictions goes, by model and stage"
    )


class LogSettings(_Group):
    """What is logged, and how."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    form: Literal["json", "text"] = "json"


class Settings(BaseSettings):
    """All settings of one server."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
    )

    address: Address = Field(
        default="127.0.0.1:50051", description="host:port that gRPC listens on"
    )
    metrics_address: OptionalAddress = Field(
        default="127.0.0.1:9464", description="host:port of the Prometheus metrics; empty for none"
    )
    http_address: OptionalAddress = Field(
        default="",
        description="host:port of Connect and gRPC-Web, for curl and browsers; empty for none",
    )
    http_cors: Annotated[tuple[Origin, ...], NoDecode] = Field(
        default=(),
        description="origins whose pages may ask there, such as https://desk.example, separated "
        "by commas; * for all",
    )
    workers: Workers = Field(
        default=1,
        description="processes that serve on the address; with more than one, another "
        "one keeps them",
    )
    data: Path = Field(default=Path(".tickcast"), description="folder of the embedded store")
    models: Path = Field(
        default=Path(".tickcast/models"), description="model repository, as the trainer writes it"
    )
    features: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(),
        description="Python files that declare feature sets of models, separated by commas; "
        "they are run",
    )
    redis_url: StoreUrl = Field(
        default=None, description="Valkey or Redis to use instead of the embedded one"
    )
    registry_url: RegistryUrl = Field(
        default=None, description="MLflow server to bring models from into the model repository"
    )
    registry_models: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        validate_default=True,
        description="what to follow there, such as daily-ridge@champion,hourly-ridge/3",
    )
    grace: PositiveFloat = Field(
        default=20.0, description="seconds that running calls have to end after SIGTERM"
    )
    tls: TlsSettings = TlsSettings()
    store: StoreSettings = StoreSettings()
    model: ModelSettings = ModelSettings()
    registry: RegistrySettings = RegistrySettings()
    stream: StreamSettings = StreamSettings()
    calls_of_connection: PositiveInt = Field(
        default=128,
        validate_default=True,
        description="calls, streams among them, that one connection may have open; further ones "
        "wait with their client",
    )
    answers: AnswerSettings = AnswerSettings()
    batch: BatchSettings = BatchSettings()
    staleness: StalenessSettings = StalenessSettings()
    waits: WaitSettings = WaitSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()

    @property
    def registry_references(self) -> tuple[RegistryReference, ...]:
        """What to follow in the registry."""
        return tuple(map(RegistryReference.parse, self.registry_models))

    @field_validator("registry_models", mode="before")
    @classmethod
    def _split_registry_models(cls, value: object) -> object:
        return [item for item in value.split(",") if item] if isinstance(value, str) else value

    @field_validator("registry_models")
    @classmethod
    def _check_registry_models(
        cls, value: tuple[str, ...], info: ValidationInfo
    ) -> tuple[str, ...]:
        # Without the key, the URL was refused itself.
        if "registry_url" in info.data and bool(value) != bool(info.data["registry_url"]):
            raise ValueError("needed together with registry_url, and not without it")
        check_references([RegistryReference.parse(item) for item in value])
        return value

    @field_validator("calls_of_connection")
    @classmethod
    def _check_calls_beside_streams(cls, value: int, info: ValidationInfo) -> int:
        # Without the group, one of its settings was refused itself.
        if "stream" in info.data and value <= info.data["stream"].most_of_connection:
            raise ValueError(
                "needed more than stream.most_of_connection, which is "
                f"{info.data['stream'].most_of_connection}: calls beside streams would wait "
                "with their client"
            )
        return value

    @field_validator("features", "http_cors", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [name.strip() for name in value.split(",") if name.strip()]

    def masked(self) -> dict[str, Any]:
        """The settings as JSON values, without their secrets."""
        return self.model_dump(mode="json")

    def revealed(self) -> str:
        """The settings as JSON with their secrets, for another process of the same server."""
        return json.dumps(self.model_dump(), default=_plain)


def _plain(value: SecretStr | Path) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def load_settings(
    argv: Sequence[str] = (), *, config: Path | None = None, environ: Mapping[str, str]
) -> Settings:
    """Reads the settings from every source.

    Raises `pydantic.ValidationError`, `UnknownVariable`, `OSError` or `tomllib.TOMLDecodeError`;
    prints help and raises `SystemExit` for `--help`.
    """
    _check_variables(environ)
    if config is not None:
        # The library takes a file that is not there for an empty one.
        config.open("rb").close()

    class Sources(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,  # named by the library
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            flags: CliSettingsSource[Any] = CliSettingsSource(
                settings_cls,
                cli_prog_name="tickcast-server",
                cli_parse_args=list(argv),
                cli_kebab_case=True,
                cli_implicit_flags=True,
                cli_avoid_json=True,
                cli_hide_none_type=True,
            )
            if config is None:
                return flags, env_settings
            return flags, env_settings, TomlConfigSettingsSource(settings_cls, config)

    Sources.__doc__ = Settings.__doc__
    return Sources()


def describe(error: ValidationError) -> str:
    """One line for each wrong setting: its name, what was found, what is needed."""
    lines = []
    for item in error.errors(include_url=False):
        name = ".".join(map(str, item["loc"]))
        # What is wrong with a URL may be its password.
        found = "" if name in {"redis_url", "registry_url"} else f"was {item['input']!r}, "
        problem = item["msg"].removeprefix("Value error, ")
        lines.append(f"{name}: {found}{problem[:1].lower()}{problem[1:]}")
    return "\n".join(lines)


def _check_variables(environ: Mapping[str, str]) -> None:
    fields = {name.upper() for name in Settings.model_fields}
    for name in environ:
        if not name.startswith(PREFIX) or name.startswith(_OTHERS):
            continue
        first = name.removeprefix(PREFIX).split("__")[0]
        if first not in fields:
            known = ", ".join(sorted(PREFIX + field for field in fields))
            raise UnknownVariable(f"{name}: no such setting, needed one of {known}")


def environment() -> Mapping[str, str]:
    """The process's environment variables."""
    return os.environ
