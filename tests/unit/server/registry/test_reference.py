"""What may be followed in a registry, and what the settings say of the rest."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import pytest
from pydantic import ValidationError
from tickcast_server.serving.registry.reference import RegistryReference
from tickcast_server.settings import Settings, describe, load_settings

URL = {"TICKCAST_REGISTRY_URL": "http://mlflow:5000"}


@pytest.mark.parametrize(
    ("text", "model", "alias", "number"),
    [
        ("daily-ridge@champion", "daily-ridge", "champion", None),
        ("daily-ridge/3", "daily-ridge", None, 3),
        ("models:/daily-ridge@nightly", "daily-ridge", "nightly", None),
        (" models:/daily-ridge/12 ", "daily-ridge", None, 12),
    ],
)
def test_an_alias_or_a_version_of_a_model_is_a_reference(
    text: str, model: str, alias: str | None, number: int | None
) -> None:
    found = RegistryReference.parse(text)
    assert found == RegistryReference(model=model, alias=alias, number=number)
    assert RegistryReference.parse(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "daily",
        "daily/",
        "daily@",
        "@champion",
        "daily/0",
        "daily/one",
        "../daily/1",
        "a/b@c",
        "Daily@x",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="needed NAME@ALIAS or NAME/VERSION"):
        RegistryReference.parse(text)


Load = Callable[[Mapping[str, str]], Settings]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """The settings that these variables give, and no others."""

    def call(variables: Mapping[str, str]) -> Settings:
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            return load_settings(environ=os.environ)

    return call


def refusal(load: Load, variables: Mapping[str, str]) -> str:
    with pytest.raises(ValidationError) as caught:
        load(variables)
    return describe(caught.value)


def test_references_are_separated_by_commas(load: Load) -> None:
    environ = URL | {"TICKCAST_REGISTRY_MODELS": "a@champion,a@challenger, b/2"}
    found = load(environ).registry_references
    assert [str(one) for one in found] == ["a@champion", "a@challenger", "b/2"]


@pytest.mark.parametrize("flags", [["--registry-models", "a@champion,b/2"]])
def test_flags_say_the_same_as_variables(flags: list[str]) -> None:
    settings = load_settings([*flags, "--registry-url", "http://mlflow:5000"], environ={})
    assert [str(one) for one in settings.registry_references] == ["a@champion", "b/2"]


@pytest.mark.parametrize("models", ["a@champion,a/2", "a/1,a/2", "a@champion,a@champion", "a"])
def test_references_that_could_disagree_are_refused(load: Load, models: str) -> None:
    assert "registry_models" in refusal(load, URL | {"TICKCAST_REGISTRY_MODELS": models})


def test_a_url_without_models_and_models_without_a_url_are_refused(load: Load) -> None:
    for environ in (URL, {"TICKCAST_REGISTRY_MODELS": "a@champion"}):
        assert "needed together with registry_url" in refusal(load, environ)


@pytest.mark.parametrize(
    "url",
    ["mlflow:5000", "ftp://mlflow", "http://", "http://a:b", "http://a?b", "http://u:secret@a"],
)
def test_what_is_no_url_of_a_server_is_refused_without_its_password(load: Load, url: str) -> None:
    said = refusal(load, {"TICKCAST_REGISTRY_URL": url, "TICKCAST_REGISTRY_MODELS": "a@b"})
    assert said.startswith("registry_url: needed http://host:port")
    assert "secret" not in said


def test_a_password_is_masked(load: Load) -> None:
    environ = URL | {
        "TICKCAST_REGISTRY_MODELS": "a@b",
        "TICKCAST_REGISTRY__USERNAME": "trader",
        "TICKCAST_REGISTRY__PASSWORD": "secret",
    }
    settings = load(environ)
    assert "secret" not in str(settings.masked())
    assert settings.registry.username == "trader"


def test_without_a_registry_none_is_followed() -> None:
    assert Settings().registry_references == ()
