"""Tables, targets and JSON."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.common.report import Report, Table, Target, show, write_json
from benchmarks.common.rounds import Ratio

REPORT = Report(
    benchmark="predict",
    tables=[
        Table(
            title="Predict",
            rows=[
                {"in flight": 1, "ratio": Ratio(median=0.5, lowest=0.25, highest=1.0)},
                {"in flight": 32, "calls/s": 12_345.6},
            ],
        )
    ],
    targets=[
        Target(name="rate", found=0.9, at_least=0.85),
        Target(name="p50", found=1.3, at_most=1.25),
    ],
)


@pytest.mark.parametrize(
    ("found", "at_least", "at_most", "met"),
    [
        (0.85, 0.85, None, True),
        (0.84, 0.85, None, False),
        (1.25, None, 1.25, True),
        (1.26, None, 1.25, False),
        (1.0, 0.9, 1.1, True),
    ],
)
def test_a_target_is_met_up_to_and_with_its_bounds(
    found: float, at_least: float | None, at_most: float | None, met: bool
) -> None:
    assert Target(name="x", found=found, at_least=at_least, at_most=at_most).met is met


def test_people_see_every_row_and_which_targets_are_not_met() -> None:
    page = io.StringIO()

    show([REPORT], Console(file=page, width=120))

    text = page.getvalue()
    assert "0.50 (0.25 to 1.00)" in text
    assert "12,346" in text
    assert [line.count("NOT MET") for line in text.splitlines() if "p50" in line] == [1]
    assert [line.count("NOT MET") for line in text.splitlines() if "rate" in line] == [0]


def test_json_has_what_was_found_with_when_where_and_how_long(tmp_path: Path) -> None:
    path = tmp_path / "results" / "predict.json"

    write_json([REPORT], path, effort={"rounds": 3})

    written = json.loads(path.read_text())
    assert written["effort"] == {"rounds": 3}
    assert written["machine"]["processors"] > 0
    (report,) = written["reports"]
    assert report["tables"][0]["rows"][0]["ratio"]["median"] == 0.5
    assert [target["met"] for target in report["targets"]] == [True, False]
