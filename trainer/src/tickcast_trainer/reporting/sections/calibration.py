"""Predictions against outcomes."""

from xml.etree.ElementTree import Element

from tickcast_trainer.reporting.charts.frame import Caption
from tickcast_trainer.reporting.charts.scale import PERCENT, number_scale
from tickcast_trainer.reporting.charts.scatter import Point, scatter_chart
from tickcast_trainer.reporting.document import Calibration, Report
from tickcast_trainer.reporting.markup import figure, tag
from tickcast_trainer.reporting.sections.section import section
from tickcast_trainer.reporting.tables import charted, estimate, table


def calibration_section(report: Report) -> Element:
    """Return whether outcomes follow predictions in size."""
    found = report.calibration
    if found is None:
        said = tag("p", "Every row has the same prediction: there is nothing to compare.")
        return section("calibration", "Calibration of predictions", said)
    return section(
        "calibration",
        "Calibration of predictions",
        tag(
            "p",
            "The slope of outcomes on predictions is ",
            estimate(found.slope, ".2f"),
            ": 1 means that sizes are right, less that they are too bold, 0 that they mean "
            "nothing.",
        ),
        charted(
            _chart(found),
            "Deciles of the prediction: mean outcome with its 95% interval. On the dashed line "
            "outcomes are as predicted.",
            figures=_table(found),
        ),
    )


def _chart(found: Calibration) -> Element:
    groups = found.groups
    predicted = [group.predicted for group in groups]
    ends = [end for one in groups for end in (one.realised.low, one.realised.high)]
    return scatter_chart(
        Caption(
            key="calibration-chart",
            title="Mean outcome by decile of the prediction",
            description=f"In the lowest decile {predicted[0]:.3%} was predicted and "
            f"{groups[0].realised.value:.3%} came, in the highest {predicted[-1]:.3%} was "
            f"predicted and {groups[-1].realised.value:.3%} came.",
        ),
        number_scale(predicted, "mean prediction, log return", PERCENT),
        number_scale([*ends, *predicted], "mean outcome, log return", PERCENT),
        [
            Point(
                said=group.predicted,
                value=group.realised.value,
                low=group.realised.low,
                high=group.realised.high,
                told=f"predicted {group.predicted:.3%}, came {group.realised.value:.3%}",
            )
            for group in groups
        ],
    )


def _table(found: Calibration) -> Element:
    return table(
        "Predictions and outcomes by decile of the prediction",
        ("group", "rows", "mean prediction", "mean outcome"),
        [
            [
                str(number),
                figure(group.rows, ","),
                figure(group.predicted, "#.3g%"),
                estimate(group.realised, "#.3g%"),
            ]
            for number, group in enumerate(found.groups, start=1)
        ],
    )
