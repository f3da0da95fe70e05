"""What features are worth."""

from xml.etree.ElementTree import Element

from tickcast_trainer.reporting.charts.dots import Dot, dot_chart
from tickcast_trainer.reporting.charts.frame import Caption
from tickcast_trainer.reporting.charts.scale import PERCENT, number_scale
from tickcast_trainer.reporting.document import Importance, Report
from tickcast_trainer.reporting.markup import figure, tag
from tickcast_trainer.reporting.sections.section import section
from tickcast_trainer.reporting.tables import charted, estimate, table

_MOST = 20


def importance_section(report: Report) -> Element:
    """Return the features that count most, and all of them to unfold."""
    found = report.importance
    return section(
        "importance",
        "Importance of features",
        tag(
            "p",
            "By how much the squared error grows when a feature is taken from other times, on ",
            figure(found.rows, ","),
            f" test rows, mean of {found.repeats} permutations. All symbols of a time change "
            "places together. Below zero the model would do better without it; features that tell "
            "the same each look small.",
        ),
        charted(
            _chart(found),
            f"The {min(_MOST, len(found.features))} of {len(found.features)} features that count "
            "most, with 95% intervals.",
            figures=_table(found),
        ),
    )


def _chart(found: Importance) -> Element:
    shown = found.features[:_MOST]
    ends = [end for one in shown for end in (one.increase.low, one.increase.high, 0.0)]
    sure = sum(one.increase.low > 0.0 for one in found.features)
    first = shown[0]
    return dot_chart(
        Caption(
            key="importance-chart",
            title="Growth of the squared error without a feature",
            description=f"{first.feature} counts most, with {first.increase.value:.3%}. Of "
            f"{len(found.features)} features, {sure} count for sure: their 95% interval lies above "
            "zero.",
        ),
        number_scale(ends, "growth of the squared error", PERCENT),
        ("importance",),
        [
            (
                one.feature,
                [
                    Dot(
                        value=one.increase.value,
                        low=one.increase.low,
                        high=one.increase.high,
                        told=f"{one.feature}: {one.increase.value:.3%}",
                    )
                ],
            )
            for one in shown
        ],
        reference=0.0,
    )


def _table(found: Importance) -> Element:
    return table(
        "Growth of the squared error without a feature",
        ("feature", "growth"),
        [[one.feature, estimate(one.increase, ".3%")] for one in found.features],
    )
