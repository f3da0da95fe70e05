"""Where the registry is, and who asks."""

import pytest
from tickcast_trainer.errors import InvalidSettings
from tickcast_trainer.registry.address import find_authorization, find_url

VARIABLE = {"MLFLOW_TRACKING_URI": "https://there:5000/mlflow/"}


def test_a_url_that_is_given_wins_over_the_environment() -> None:
    assert find_url("http://here:5000", VARIABLE) == "http://here:5000"
    assert find_url(None, VARIABLE) == "https://there:5000/mlflow"


def test_a_url_that_is_missing_is_asked_for() -> None:
    with pytest.raises(InvalidSettings, match="as --registry-url or as MLFLOW_TRACKING_URI"):
        find_url(None, {})


@pytest.mark.parametrize(
    "url",
    ["here:5000", "sqlite:///mlflow.db", "mlruns", "http://", "http://here:port", "http://here?a"],
)
def test_what_is_no_server_is_refused(url: str) -> None:
    with pytest.raises(InvalidSettings, match="needed http://host:port"):
        find_url(url, {})


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidSettings, match="MLFLOW_TRACKING_PASSWORD") as caught:
        find_url("http://trader:secret@here:5000", {})
    assert "secret" not in str(caught.value)


def test_credentials_are_those_of_mlflows_own_client() -> None:
    user = {"MLFLOW_TRACKING_USERNAME": "trader", "MLFLOW_TRACKING_PASSWORD": "secret"}
    assert find_authorization({}) is None
    assert find_authorization(user) == "Basic dHJhZGVyOnNlY3JldA=="
    assert find_authorization(user | {"MLFLOW_TRACKING_TOKEN": "t"}) == "Bearer t"
    assert find_authorization({"MLFLOW_TRACKING_USERNAME": "trader"}) is None
