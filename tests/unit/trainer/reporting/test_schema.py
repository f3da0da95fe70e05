"""The schema beside the code is that of the code, and reports follow it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from tickcast_trainer.pipeline import TrainingRun
from tickcast_trainer.reporting import schema
from tickcast_trainer.reporting.document import SCHEMA_VERSION, Report


def check(report: Path) -> subprocess.CompletedProcess[str]:
    stored = Path(schema.__file__).with_name(schema.FILE)
    command = ["-m", "check_jsonschema", "--schemafile", str(stored), str(report)]
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)


def test_the_schema_is_that_of_the_code() -> None:
    again = "python -m tickcast_trainer.reporting.schema writes it anew"
    assert schema.stored_schema() == schema.schema_text(), again


def test_a_report_follows_the_schema(run: TrainingRun) -> None:
    for page in run.reports:
        done = check(page.with_suffix(".json"))
        assert done.returncode == 0, done.stdout


def test_a_report_with_a_field_too_many_or_too_few_does_not(
    run: TrainingRun, tmp_path: Path
) -> None:
    document = json.loads(run.reports[0].with_suffix(".json").read_text())
    for wrong in (
        {**document, "extra": 1},
        {name: value for name, value in document.items() if name != "verdict"},
        {**document, "schema_version": SCHEMA_VERSION + 1},
    ):
        file = tmp_path / "report.json"
        file.write_text(json.dumps(wrong))
        assert check(file).returncode == 1
        with pytest.raises(ValidationError):
            Report.model_validate_json(file.read_bytes())


def test_a_figure_that_is_not_finite_is_refused(report: Report) -> None:
    parity = report.parity.model_dump() | {"maximum_difference": float("inf")}
    with pytest.raises(ValidationError, match="finite"):
        type(report.parity).model_validate(parity)


def test_fields_are_described_in_the_schema() -> None:
    described = json.loads(schema.stored_schema())["$defs"]["Score"]["properties"]
    assert described["p_value"]["description"].startswith("How often chance alone leads")
