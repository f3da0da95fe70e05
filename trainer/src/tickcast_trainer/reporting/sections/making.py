"""How the model was made: parameters, settings, versions."""

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from tickcast_trainer.reporting.document import Report
from tickcast_trainer.reporting.markup import tag
from tickcast_trainer.reporting.sections.section import section
from tickcast_trainer.reporting.tables import table


def making_section(report: Report) -> Element:
    """Return what it takes to make the model again."""
    model = report.model
    parameters = {
        "feature set": model.feature_set,
        "seed": str(model.seed),
        **{name: str(value) for name, value in model.parameters.items()},
    }
    return section(
        "making",
        "How it was made",
        _pairs("Parameters of the model", parameters),
        tag("details", tag("summary", "Settings of the run"), _pairs("Settings", report.settings)),
        _pairs("Libraries", report.libraries),
    )


def _pairs(caption: str, pairs: Mapping[str, str]) -> Element:
    return table(caption, ("name", "value"), [[name, value] for name, value in pairs.items()])
