"""The error over time, and symbol by symbol."""

from xml.etree.ElementTree import Element

from tickcast_trainer.reporting.charts.frame import Caption
from tickcast_trainer.reporting.charts.lines import line_chart
from tickcast_trainer.reporting.charts.scale import PERCENT, number_scale, time_scale
from tickcast_trainer.reporting.document import Report
from tickcast_trainer.reporting.markup import figure, tag
from tickcast_trainer.reporting.sections.section import section
from tickcast_trainer.reporting.tables import charted, estimate, long_table


def course_section(report: Report) -> Element:
    """Return how the gain over the best baseline came about."""
    return section(
        "course",
        "Error over time",
        charted(
            _chart(report),
            "While the curve rises, the model errs less than the baseline. One steep rise is luck "
            "or an event; knowledge rises again and again.",
        ),
        _symbols(report),
        tag(
            "p",
            "Of all: the same squared error as a share of the baseline's on the rows of all "
            "symbols. These add up to what the model saves.",
            class_="note",
        ),
    )


def _chart(report: Report) -> Element:
    best, course = report.skill.best_baseline, report.course
    saved = [point.saved for point in course]
    return line_chart(
        Caption(
            key="course-chart",
            title=f"Squared error of {best} saved so far",
            description=f"The share ends at {saved[-1]:.2%}; on the way it was between "
            f"{min(saved):.2%} and {max(saved):.2%}.",
        ),
        time_scale(course[0].time, course[-1].time, "as-of time of the tested row"),
        number_scale(
            [0.0, *saved], f"share of the squared error of {best} over all times", PERCENT
        ),
        [(report.model.estimator, [(point.time, point.saved) for point in course])],
        reference=0.0,
    )


def _symbols(report: Report) -> Element:
    best = report.skill.best_baseline
    return long_table(
        f"Each symbol beside {best}",
        ("symbol", "rows", "RMSE", f"RMSE of {best}", "squared error saved", "of all"),
        [
            [
                one.symbol,
                figure(one.rows, ","),
                figure(one.rmse, "#.5g%"),
                figure(one.baseline_rmse, "#.5g%"),
                estimate(one.saved, ".2%"),
                figure(one.saved_of_all, ".3%"),
            ]
            for one in report.symbols
        ],
    )
