"""Benchmarks are found by their names."""

import importlib
from importlib.util import find_spec

import pytest

from benchmarks.__main__ import known, main, module_of


@pytest.mark.parametrize("name", known())
def test_every_name_has_a_module(name: str) -> None:
    module = module_of(name)

    assert module is not None
    assert find_spec(module) is not None


def test_the_suite_is_all_of_serving_but_what_asks_another_question() -> None:
    suite = importlib.import_module("benchmarks.serving.run").SUITE

    named = {benchmark.__module__.rpartition(".")[2] for benchmark in suite}
    assert named | {"paired", "breakdown"} == {
        name for name in known() if module_of(name) == f"benchmarks.serving.{name}"
    }


def test_an_unknown_name_is_told_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predct"]) == 2

    assert "was predct, needed one of" in capsys.readouterr().err
