"""The JSON Schema of ``report.json``, for programs that read it without this one.

It lies beside this file. After a change of ``document``::

    python -m tickcast_trainer.reporting.schema
"""

import json
from importlib.resources import files
from pathlib import Path

from tickcast_trainer.reporting.document import Report

FILE = "report.schema.json"


def schema_text() -> str:
    """Return the schema of the document as it is now."""
    return json.dumps(Report.model_json_schema(mode="serialization"), indent=1) + "\n"


def stored_schema() -> str:
    """Return the schema as it was last written."""
    return files(__package__).joinpath(FILE).read_text(encoding="utf-8")


if __name__ == "__main__":
    Path(__file__).with_name(FILE).write_text(schema_text(), encoding="utf-8")
