"""Probabilities of a rise against how often prices rose."""

from xml.etree.ElementTree import Element

from tickcast_trainer.reporting.charts.frame import Caption
from tickcast_trainer.reporting.charts.scale import PERCENT, number_scale
from tickcast_trainer.reporting.charts.scatter import Point, scatter_chart
from tickcast_trainer.reporting.document import Direction, Report
from tickcast_trainer.reporting.markup import figure, tag
from tickcast_trainer.reporting.sections.section import section
from tickcast_trainer.reporting.tables import charted, estimate, p_value, table


def direction_section(report: Report) -> Element:
    """Return scores beside those of the base rate, and the reliability curve."""
    found = report.direction
    heading = "Probability of a rise"
    if found is None:
        said = (
            "This model answers none itself: what is served with its predictions is read from the "
            "errors that its intervals are made of, and is not scored here."
        )
        return section("direction", heading, tag("p", said))
    verb = "is better than" if found.beats_base_rate else "is no surer than"
    return section(
        "direction",
        heading,
        tag(
            "p",
            f"It {verb} the base rate, the share of rises among the rows that a fold was trained "
            "on (p = ",
            p_value(found.p_value),
            "). Less is better: the Brier score is the mean squared distance of probability and "
            "outcome, the log loss the mean surprise, in nats.",
        ),
        _scores_table(found),
        charted(
            _chart(found),
            "Fifths of the rows by the probability that they were given: share that rose, with "
            "its 95% interval. On the dashed line prices rise as often as said.",
            figures=_groups_table(found),
        ),
    )


def _scores_table(found: Direction) -> Element:
    return table(
        "Probabilities of a rise beside the base rate",
        ("forecast", "Brier score", "log loss"),
        [
            ["this model", figure(found.brier, ".5f"), figure(found.log_loss, ".5f")],
            [
                "base rate",
                figure(found.base_rate_brier, ".5f"),
                figure(found.base_rate_log_loss, ".5f"),
            ],
        ],
    )


def _chart(found: Direction) -> Element:
    groups = found.groups
    said = [group.said for group in groups]
    ends = [end for group in groups for end in (group.rose.low, group.rose.high)]
    return scatter_chart(
        Caption(
            key="direction-chart",
            title="Share that rose by the probability of a rise",
            description=f"Where {said[0]:.1%} was said on the mean {groups[0].rose.value:.1%} "
            f"rose, and where {said[-1]:.1%} was said {groups[-1].rose.value:.1%} did.",
        ),
        number_scale(said, "mean probability of a rise", PERCENT),
        number_scale([*ends, *said], "share that rose", PERCENT),
        [
            Point(
                said=group.said,
                value=group.rose.value,
                low=group.rose.low,
                high=group.rose.high,
                told=f"said {group.said:.1%}, rose {group.rose.value:.1%}",
            )
            for group in groups
        ],
    )


def _groups_table(found: Direction) -> Element:
    return table(
        "Probabilities and rises by fifth of the probability",
        ("group", "mean probability", "share that rose"),
        [
            [str(number), figure(group.said, ".1%"), estimate(group.rose, ".1%")]
            for number, group in enumerate(found.groups, start=1)
        ],
    )
