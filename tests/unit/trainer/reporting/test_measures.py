"""The other figures of a report: they add up, and known answers come out."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from tickcast_trainer.evaluation import Evaluator, OutOfFold
from tickcast_trainer.reporting.document import Report
from tickcast_trainer.reporting.measure.calibration import measure_calibration
from tickcast_trainer.reporting.measure.data import measure_data
from tickcast_trainer.reporting.measure.equity import measure_equity
from tickcast_trainer.reporting.measure.estimates import mean_of
from tickcast_trainer.reporting.measure.parts import measure_course, measure_symbols
from tickcast_trainer.reporting.measure.scored import ScoredRows
from tickcast_trainer.reporting.measure.thinning import spread


def forecast(evaluator: Evaluator, share: float) -> OutOfFold:
    """What a model would say that knows a share of every move."""
    return OutOfFold(name="model", is_baseline=False, prediction=share * evaluator.target)


def scored(evaluator: Evaluator, share: float) -> ScoredRows:
    return ScoredRows.of(evaluator, forecast(evaluator, share), "zero")


@pytest.mark.parametrize(("share", "slope"), [(1.0, 1.0), (0.5, 2.0), (2.0, 0.5), (-1.0, -1.0)])
def test_the_slope_says_how_bold_predictions_are(
    evaluator: Evaluator, share: float, slope: float
) -> None:
    found = measure_calibration(scored(evaluator, share))
    assert found is not None
    assert found.slope.value == pytest.approx(slope)
    assert sum(group.rows for group in found.groups) == len(evaluator.rows)
    assert len(found.groups) == 10
    for group in found.groups:
        assert group.realised.low < group.realised.high
        assert group.realised.value == pytest.approx(slope * group.predicted)


def test_a_constant_prediction_has_no_calibration(evaluator: Evaluator) -> None:
    assert measure_calibration(scored(evaluator, 0.0)) is None


def test_what_symbols_save_adds_up_and_the_course_ends_there(evaluator: Evaluator) -> None:
    # Knowing half of each move saves three quarters of its square.
    found = scored(evaluator, 0.5)
    symbols = measure_symbols(found, evaluator.dataset.symbols)
    assert [one.symbol for one in symbols] == ["AAA", "BBB"]
    assert sum(one.saved_of_all for one in symbols) == pytest.approx(0.75)
    assert all(one.saved.value == pytest.approx(0.75) for one in symbols)
    course = measure_course(found)
    assert course[-1].saved == pytest.approx(0.75)
    assert course[-1].time == evaluator.dataset.as_of_time[evaluator.rows].max()
    assert all(later.saved >= earlier.saved for earlier, later in pairwise(course))


def test_the_figures_of_a_run_agree_with_each_other(report: Report) -> None:
    skill = report.skill
    assert [score.role for score in skill.scores] == [
        "this model",
        "other model",
        "baseline",
        "baseline",
        "baseline",
    ]
    assert skill.scores[0].name == report.model.estimator
    assert sum(one.saved_of_all for one in report.symbols) == pytest.approx(skill.saved.value)
    assert report.course[-1].saved == pytest.approx(skill.saved.value)
    rows = np.array([fold.test_rows for fold in report.folds])
    errors = np.array([fold.rmse[report.model.estimator] for fold in report.folds])
    pooled = np.sqrt((rows * errors**2).sum() / rows.sum())
    assert pooled == pytest.approx(skill.scores[0].rmse.value)
    assert sum(rows) == report.data.tested_rows
    assert report.intervals is not None
    assert report.intervals.nominal in [one.nominal for one in report.intervals.reliability]


def test_every_figure_lies_in_its_interval(report: Report) -> None:
    for score in report.skill.scores:
        for one in (score.rmse, score.r2, score.direction):
            assert one is None or one.low <= one.value <= one.high


def test_whoever_knows_tomorrow_gets_rich_and_costs_take_their_part(evaluator: Evaluator) -> None:
    found = measure_equity(evaluator, forecast(evaluator, 1.0))
    assert found.curve[0].strategy == found.curve[0].buy_and_hold == 1.0
    assert found.strategy.annual_return > 5.0
    assert found.strategy.total_return < found.strategy.total_gross_return
    assert found.strategy.annual_return > found.buy_and_hold.annual_return
    assert set(found.contribution) == {"AAA", "BBB"}
    assert any("leak" in sentence for sentence in found.findings)


def test_symbols_whose_bars_end_while_held_are_named_once(evaluator: Evaluator) -> None:
    dataset = evaluator.dataset
    first, second = dataset.series
    ended = replace(dataset, series=(first, second.slice(0, len(second) - 50)))
    gone = (dataset.series_index == 1) & (dataset.as_of_time >= second.close_time[-60])
    folds = [replace(fold, test=fold.test[~gone[fold.test]]) for fold in evaluator.folds]
    shorter = Evaluator(ended, folds, coverage=0.9)
    found = measure_equity(shorter, forecast(shorter, 1.0))
    assert found.stale == ("BBB",)
    assert not any("last price" in sentence for sentence in found.findings)


def test_the_environment_of_backtests_changes_no_report(
    evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = measure_equity(evaluator, forecast(evaluator, 1.0))
    monkeypatch.setenv("TICKCAST_BACKTEST_COMMISSION_BPS", "500")
    assert measure_equity(evaluator, forecast(evaluator, 1.0)) == before


def test_bars_that_are_missing_are_counted(evaluator: Evaluator) -> None:
    dataset = evaluator.dataset
    whole = dataset.series[0]
    kept = np.r_[0:500, 510 : len(whole)]
    holed = replace(
        whole,
        open_time=whole.open_time[kept],
        close_time=whole.close_time[kept],
        ohlcv=whole.ohlcv[kept],
    )
    gapped = replace(dataset, series=(holed, *dataset.series[1:]))
    data = measure_data(Evaluator(gapped, evaluator.folds, coverage=0.9))
    first, second = data.symbols
    assert (first.gaps, first.missing_bars, first.expected_bars) == (1, 10, len(whole))
    assert (second.gaps, second.missing_bars) == (0, 0)


def test_the_interval_of_a_mean_is_wide_where_symbols_move_together() -> None:
    moves = np.random.default_rng(4).normal(0.0, 1.0, 400)
    alone = mean_of(moves, np.arange(400), horizon=1)
    together = mean_of(np.repeat(moves, 5), np.repeat(np.arange(400), 5), horizon=1)
    assert together.value == pytest.approx(alone.value)
    # Five symbols that are one tell no more than one.
    assert together.high - together.low == pytest.approx(alone.high - alone.low)
    assert alone.high - alone.low == pytest.approx(2 * 1.96 / 20, rel=0.25)


@pytest.mark.parametrize(("count", "most"), [(1, 5), (5, 5), (1000, 7)])
def test_a_thinned_curve_keeps_both_ends(count: int, most: int) -> None:
    kept = spread(count, most)
    assert (kept[0], kept[-1], len(kept)) == (0, count - 1, min(count, most))
    assert kept == sorted(set(kept))
