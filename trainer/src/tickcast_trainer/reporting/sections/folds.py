"""The walk forward: when was trained and tested, and the error of each fold."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from tickcast_trainer.reporting.charts.dots import Dot, dot_chart
from tickcast_trainer.reporting.charts.frame import Caption
from tickcast_trainer.reporting.charts.scale import PERCENT, number_scale, time_scale
from tickcast_trainer.reporting.charts.timeline import Stretch, timeline
from tickcast_trainer.reporting.document import Fold, Report
from tickcast_trainer.reporting.markup import figure
from tickcast_trainer.reporting.sections.section import section
from tickcast_trainer.reporting.tables import charted, day, day_text, estimate, table


def folds_section(report: Report) -> Element:
    """Return the timeline and the errors by fold."""
    folds, best = report.folds, report.skill.best_baseline
    own = report.skill.scores[0].name
    return section(
        "folds",
        "Folds",
        charted(
            _timeline(folds),
            "Each fold's model is fitted anew, to rows whose targets were known before its test "
            "began.",
            figures=_timeline_table(folds),
        ),
        charted(
            _rmse_chart(folds, own, best),
            f"Errors by fold follow the market's volatility: compare within a fold. {best} is the "
            "best baseline over all folds.",
            figures=_rmse_table(folds),
        ),
        charted(
            _saved_chart(folds, own, best),
            "Above zero the model errs less. Each fold alone says little: look at how many are on "
            "which side.",
            figures=_saved_table(folds, best),
        ),
    )


def _timeline(folds: Sequence[Fold]) -> Element:
    first, last = folds[0], folds[-1]
    return timeline(
        Caption(
            key="timeline",
            title="What each fold trained on and tested",
            description=f"{len(folds)} folds. The first trains on "
            f"{day_text(first.train_start)} to {day_text(first.train_end)} and tests up to "
            f"{day_text(first.test_end)}; the last trains on {day_text(last.train_start)} to "
            f"{day_text(last.train_end)} and tests up to {day_text(last.test_end)}.",
        ),
        time_scale(first.train_start, last.test_end, "time"),
        [
            Stretch(
                label=f"fold {number}",
                train=(fold.train_start, fold.train_end),
                test=(fold.test_start, fold.test_end),
            )
            for number, fold in enumerate(folds, start=1)
        ],
    )


def _timeline_table(folds: Sequence[Fold]) -> Element:
    return table(
        "Folds",
        ("fold", "trained from", "to", "rows", "tested from", "to", "rows"),
        [
            [
                str(number),
                day(fold.train_start),
                day(fold.train_end),
                figure(fold.train_rows, ","),
                day(fold.test_start),
                day(fold.test_end),
                figure(fold.test_rows, ","),
            ]
            for number, fold in enumerate(folds, start=1)
        ],
    )


def _rmse_chart(folds: Sequence[Fold], own: str, best: str) -> Element:
    names = (own, best)
    values = [fold.rmse[name] for fold in folds for name in names]
    nearer = sum(fold.rmse[own] < fold.rmse[best] for fold in folds)
    return dot_chart(
        Caption(
            key="rmse-by-fold",
            title=f"RMSE by fold: {own} beside {best}",
            description=f"{own} errs less than {best} in {nearer} of {len(folds)} folds. Its RMSE "
            f"is from {min(fold.rmse[own] for fold in folds):.3%} to "
            f"{max(fold.rmse[own] for fold in folds):.3%}.",
        ),
        number_scale(values, "RMSE of the log return", PERCENT),
        names,
        [
            (
                f"fold {number}",
                [_plain(f"{name}, fold {number}", fold.rmse[name]) for name in names],
            )
            for number, fold in enumerate(folds, start=1)
        ],
    )


def _plain(told: str, value: float) -> Dot:
    return Dot(value=value, low=value, high=value, told=f"{told}: {100 * value:#.5g}%")


def _rmse_table(folds: Sequence[Fold]) -> Element:
    names = list(folds[0].rmse)
    return table(
        "RMSE by fold",
        ("fold", *names),
        [
            [str(number), *(figure(fold.rmse[name], "#.5g%") for name in names)]
            for number, fold in enumerate(folds, start=1)
        ],
    )


def _saved_chart(folds: Sequence[Fold], own: str, best: str) -> Element:
    ends = [end for fold in folds for end in (fold.saved.low, fold.saved.high, 0.0)]
    above = sum(fold.saved.value > 0.0 for fold in folds)
    return dot_chart(
        Caption(
            key="saved-by-fold",
            title=f"Squared error of {best} that {own} saves, by fold",
            description=f"{own} saves something in {above} of {len(folds)} folds: from "
            f"{min(fold.saved.value for fold in folds):.2%} to "
            f"{max(fold.saved.value for fold in folds):.2%} of the error of {best}.",
        ),
        number_scale(ends, f"share of the squared error of {best}, with 95% interval", PERCENT),
        (own,),
        [
            (
                f"fold {number}",
                [
                    Dot(
                        value=fold.saved.value,
                        low=fold.saved.low,
                        high=fold.saved.high,
                        told=f"fold {number}: {fold.saved.value:.2%}",
                    )
                ],
            )
            for number, fold in enumerate(folds, start=1)
        ],
        reference=0.0,
    )


def _saved_table(folds: Sequence[Fold], best: str) -> Element:
    return table(
        f"Share of the squared error of {best} that is saved, by fold",
        ("fold", "saved"),
        [[str(number), estimate(fold.saved, ".2%")] for number, fold in enumerate(folds, start=1)],
    )
