"""The report of a run says at its top what its figures mean: knowledge, noise or a leak."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tickcast_trainer.cli import main

BARS = 2000


def write_market(folder: Path, *, persistence: float = 0.0, told_by_volume: float = 0.0) -> Path:
    """Three symbols; moves may repeat a share of the last, and volume may tell the next."""
    folder.mkdir()
    for seed, symbol in enumerate(("AAA", "BBB", "CCC")):
        random = np.random.default_rng(seed)
        moves = random.normal(0.0, 0.01, BARS)
        for bar in range(1, BARS):
            moves[bar] += persistence * moves[bar - 1]
        close = 50.0 * np.exp(np.cumsum(moves))
        open_ = np.concatenate([[50.0], close[:-1]])
        following = np.append(moves[1:], 0.0) / 0.01
        volume = np.exp(10.0 + random.normal(0.0, 0.5, BARS) + told_by_volume * following)
        pd.DataFrame(
            {
                "time": pd.date_range("2018-01-01", periods=BARS, freq="D", tz="UTC"),
                "open": open_,
                "high": 1.001 * np.maximum(open_, close),
                "low": 0.999 * np.minimum(open_, close),
                "close": close,
                "volume": volume,
            }
        ).to_csv(folder / f"{symbol}.csv", index=False)
    return folder


def train(bars: Path, models: Path, *arguments: str) -> int:
    where = ["--source", "csv", str(bars), "--models", str(models)]
    settings = ["--name", "m", "--estimators", "ridge", "--ridge.alpha", "1000", "--folds", "4"]
    return main([*settings, *where, *arguments])


def report_of(models: Path, version: int = 1) -> dict[str, Any]:
    text = (models / "m-ridge" / "reports" / f"{version}.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def top_of(models: Path) -> str:
    page = (models / "m-ridge" / "reports" / "1.html").read_text(encoding="utf-8")
    return page[page.index("<h1>") : page.index("<svg")]


def kinds(report: dict[str, Any], level: str) -> set[str]:
    return {one["kind"] for one in report["worries"] if one["level"] == level}


def test_a_planted_signal_is_told_as_such(tmp_path: Path) -> None:
    assert train(write_market(tmp_path / "bars", persistence=0.11), tmp_path / "models") == 0
    report = report_of(tmp_path / "models")
    assert report["verdict"].startswith("ridge beats the baselines")
    assert report["skill"]["beats_baselines"]
    assert kinds(report, "grave") == set()
    _, _, after = top_of(tmp_path / "models").partition("</h1>")
    assert after.startswith('<p class="verdict good"><strong>Beats the baselines.</strong>')
    # The last move is what tells the next.
    assert report["importance"]["features"][0]["feature"] == "return_1"


def test_a_classifier_tells_how_good_its_probabilities_are(tmp_path: Path) -> None:
    bars, models = write_market(tmp_path / "bars", persistence=0.11), tmp_path / "models"
    assert train(bars, models, "--estimators", "logistic", "--logistic.alpha", "1000") == 0
    folder = models / "m-logistic"
    report = json.loads((folder / "reports" / "1.json").read_text(encoding="utf-8"))
    manifest = json.loads((folder / "1" / "manifest.json").read_text(encoding="utf-8"))
    found = report["direction"]
    assert found["beats_base_rate"]
    assert found["brier"] == manifest["direction"]["brier_score"] < found["base_rate_brier"]
    assert found["log_loss"] == manifest["direction"]["log_loss"] < found["base_rate_log_loss"]
    assert [group["said"] for group in found["groups"]] == sorted(
        group["said"] for group in found["groups"]
    )
    page = (folder / "reports" / "1.html").read_text(encoding="utf-8")
    assert "It is better than the base rate" in page


def test_noise_is_said_not_to_beat_the_baselines_in_the_first_line(tmp_path: Path) -> None:
    assert train(write_market(tmp_path / "bars"), tmp_path / "models") == 0
    report = report_of(tmp_path / "models")
    assert not report["skill"]["beats_baselines"]
    assert kinds(report, "grave") == {"baselines"}
    assert report["worries"][0]["sentence"].startswith("It does not beat the baselines")
    heading, _, after = top_of(tmp_path / "models").partition("</h1>")
    assert "m-ridge version 1" in heading
    assert after.startswith('<p class="verdict bad"><strong>Does not beat the baselines.</strong>')


def test_a_planted_leak_is_called_one_before_anything_else(tmp_path: Path) -> None:
    assert train(write_market(tmp_path / "bars", told_by_volume=1.0), tmp_path / "models") == 0
    report = report_of(tmp_path / "models")
    assert report["leaks"]["is_suspect"]
    first = report["worries"][0]
    assert (first["kind"], first["level"]) == ("leak", "grave")
    assert first["sentence"].startswith("A leak is likely")
    top = top_of(tmp_path / "models")
    _, _, after = top.partition("</h1>")
    assert after.startswith('<p class="verdict bad"><strong>Suspect of a leak.</strong>')
    assert "take it for a leak until proven otherwise" in after.partition("</p>")[0]


def test_the_same_seed_gives_the_same_report_but_for_its_time(tmp_path: Path) -> None:
    bars = write_market(tmp_path / "bars")
    for models in ("first", "second"):
        assert train(bars, tmp_path / models, "--no-leak-check") == 0
    first, second = report_of(tmp_path / "first"), report_of(tmp_path / "second")
    assert first.pop("created_at") <= second.pop("created_at")
    assert first == second


def test_the_terminal_says_where_the_report_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bars = write_market(tmp_path / "bars")
    models = tmp_path / "models"
    for version in (1, 2):
        assert train(bars, models, "--no-leak-check") == 0
        page = models / "m-ridge" / "reports" / f"{version}.html"
        assert f"report of m-ridge version {version}: {page}\n" in capsys.readouterr().out
        assert page.is_file()
    assert "tries" in kinds(report_of(models, 2), "caution")
    assert "tries" not in kinds(report_of(models, 1), "caution")


def test_no_report_is_written_when_none_is_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = tmp_path / "models"
    bars = write_market(tmp_path / "bars")
    assert train(bars, models, "--no-leak-check", "--no-report") == 0
    assert "report of" not in capsys.readouterr().out
    assert (models / "m-ridge" / "1").is_dir()
    assert not (models / "m-ridge" / "reports").exists()


def test_a_run_whose_report_cannot_be_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ArithmeticError("a figure that cannot be had")

    monkeypatch.setattr("tickcast_trainer.pipeline.gather_reports", fail)
    with pytest.raises(ArithmeticError, match="cannot be had"):
        train(write_market(tmp_path / "bars"), tmp_path / "models", "--no-leak-check")
    assert not (tmp_path / "models").exists()


def test_a_run_on_two_processes_reports_the_same(tmp_path: Path) -> None:
    bars = write_market(tmp_path / "bars")
    assert train(bars, tmp_path / "one", "--no-leak-check") == 0
    assert train(bars, tmp_path / "two", "--no-leak-check", "--processes", "2") == 0
    one, two = report_of(tmp_path / "one"), report_of(tmp_path / "two")
    for report in (one, two):
        del report["created_at"], report["settings"]["processes"]
    assert one == two
