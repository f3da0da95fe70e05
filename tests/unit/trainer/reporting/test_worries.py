"""Each worry is said when its figure calls for it, with the figure, and not otherwise."""

from collections.abc import Callable
from typing import TypeAlias

import pytest
from tickcast_trainer.reporting.document import (
    Account,
    Calibration,
    Estimate,
    Held,
    Intervals,
    Leaks,
    Part,
    Report,
    Skill,
)
from tickcast_trainer.reporting.worries import worries_of

Change: TypeAlias = Callable[[Report], Report]


def estimate(value: float, low: float, high: float) -> Estimate:
    return Estimate(value=value, low=low, high=high)


def changed(report: Report, part: str, **fields: object) -> Report:
    """The report with other fields in one of its parts."""
    old: Part = getattr(report, part)
    return report.model_copy(update={part: old.model_copy(update=fields)})


def account(**fields: object) -> Account:
    good = Account(
        annual_return=0.2,
        total_return=0.8,
        total_gross_return=0.9,
        volatility=0.1,
        sharpe=estimate(2.0, 1.0, 3.0),
        maximum_drawdown=0.05,
        turnover=10.0,
        annual_costs=0.01,
        exposure=1.0,
    )
    return good.model_copy(update=fields)


def held(**fields: object) -> Held:
    good = Held(
        overall=estimate(0.9, 0.89, 0.91),
        by_symbol={"AAA": estimate(0.9, 0.88, 0.92), "BBB": estimate(0.9, 0.88, 0.92)},
        by_regime={"calm": estimate(0.9, 0.88, 0.92)},
        median_width=0.05,
        unbounded=0.0,
        score=0.08,
        rows=5000,
    )
    return good.model_copy(update=fields)


def with_split(report: Report, split: Held) -> Report:
    promised = Intervals(nominal=0.9, served="split", held={"split": split}, reliability=())
    return report.model_copy(update={"intervals": promised})


def with_own_score(report: Report, **fields: object) -> Report:
    own, *others = report.skill.scores
    return changed(report, "skill", scores=(own.model_copy(update=fields), *others))


@pytest.fixture
def good(report: Report) -> Report:
    """A report that leaves nothing to worry about."""
    own, *_, baseline = report.skill.scores
    skill = Skill(
        best_baseline="zero",
        beats_baselines=True,
        saved=estimate(0.01, 0.005, 0.015),
        scores=(
            own.model_copy(update={"direction": estimate(0.55, 0.54, 0.56), "p_value": 0.001}),
            baseline,
        ),
        always_up=estimate(0.51, 0.5, 0.52),
        models_compared=1,
    )
    fold, symbol, feature = report.folds[0], report.symbols[0], report.importance.features[0]
    half = symbol.model_copy(update={"saved_of_all": 0.005})
    useful = feature.model_copy(update={"increase": estimate(0.01, 0.005, 0.015)})
    return report.model_copy(
        update={
            "skill": skill,
            "data": report.data.model_copy(update={"tested_times": 2000, "left_out": ()}),
            "folds": (fold.model_copy(update={"saved": skill.saved}),) * 4,
            "symbols": (half, half.model_copy(update={"symbol": "BBB"})),
            "importance": report.importance.model_copy(update={"features": (useful, useful)}),
            "calibration": Calibration(slope=estimate(1.0, 0.8, 1.2), groups=()),
            "intervals": with_split(report, held()).intervals,
            "equity": report.equity.model_copy(
                update={
                    "strategy": account(),
                    "buy_and_hold": account(annual_return=0.1),
                    "stale": (),
                }
            ),
            "leaks": Leaks(is_suspect=False, refitted=True, verdict="clean", findings=()),
        }
    )


def test_a_good_report_has_no_worries(good: Report) -> None:
    assert worries_of(good) == ()


def one_symbol(report: Report) -> Report:
    first, second = report.symbols
    carrier = first.model_copy(update={"saved_of_all": 0.009})
    rest = second.model_copy(update={"saved_of_all": 0.001})
    return report.model_copy(update={"symbols": (carrier, rest)})


def lost_folds(report: Report) -> Report:
    lost = report.folds[0].model_copy(update={"saved": estimate(-0.01, -0.02, 0.0)})
    return report.model_copy(update={"folds": (lost, lost, *report.folds[2:])})


def one_feature(report: Report) -> Report:
    first, second = report.importance.features
    little = second.model_copy(update={"increase": estimate(0.002, 0.001, 0.003)})
    return changed(report, "importance", features=(first, little))


def missing_bars(report: Report) -> Report:
    first, *others = report.data.symbols
    holed = first.model_copy(update={"missing_bars": 200, "expected_bars": 1200})
    whole = [one.model_copy(update={"missing_bars": 0, "expected_bars": 800}) for one in others]
    return changed(report, "data", symbols=(holed, *whole))


CASES: dict[str, tuple[Change, str, str]] = {
    "a lead that may be chance": (
        lambda r: with_own_score(changed(r, "skill", beats_baselines=False), p_value=0.2),
        "baselines",
        "does not beat the baselines: it saves 1.00% of zero's squared error (0.50 to 1.50%), "
        "p = 0.200",
    ),
    "a lead whose interval holds zero": (
        lambda r: changed(r, "skill", saved=estimate(0.01, -0.001, 0.02)),
        "baselines",
        "thin: it saves 1.00% of zero's squared error (-0.10 to 2.00%)",
    ),
    "leaks not looked for": (lambda r: changed(r, "leaks", refitted=False), "leak", "not looked"),
    "several models": (
        lambda r: with_own_score(changed(r, "skill", models_compared=3), holm_p_value=0.003),
        "tries",
        "3 models were tried on the same rows: p, 0.001 alone, is 0.003",
    ),
    "earlier versions": (
        lambda r: changed(r, "model", version=4),
        "tries",
        "version 4: where the 3",
    ),
    "few times": (lambda r: changed(r, "data", tested_times=120), "rows", "at 120 times"),
    "missing bars": (missing_bars, "gaps", "200 of 2,000 expected bars (10.00%) are missing"),
    "symbols left out": (
        lambda r: changed(r, "data", left_out=("NEW",)),
        "left_out",
        "1 symbols were left out for too few bars: NEW",
    ),
    "no surer than always up": (
        lambda r: changed(r, "skill", always_up=estimate(0.545, 0.53, 0.56)),
        "direction",
        "right 55.0% of the time (54.0 to 56.0%), always up 54.5%",
    ),
    "folds that lose": (lost_folds, "folds", "in 2 of 4 folds"),
    "one symbol": (one_symbol, "one_symbol", "of the 1.00% of squared error saved, 0.90% are"),
    "one feature": (one_feature, "one_feature", "has 83% of all importance"),
    "bold predictions": (
        lambda r: changed(r, "calibration", slope=estimate(0.4, 0.2, 0.6)),
        "calibration",
        "too bold: 1% predicted was followed by 0.40% (0.20 to 0.60)",
    ),
    "timid predictions": (
        lambda r: changed(r, "calibration", slope=estimate(2.0, 1.5, 2.5)),
        "calibration",
        "too timid",
    ),
    "one prediction for all": (
        lambda r: r.model_copy(update={"calibration": None}),
        "calibration",
        "the same return for every row",
    ),
    "coverage off over all": (
        lambda r: with_split(r, held(overall=estimate(0.85, 0.84, 0.86))),
        "coverage",
        "built to hold 90% held, over all rows: 85.0% (84.0 to 86.0%)",
    ),
    "coverage off for a symbol": (
        lambda r: with_split(r, held(by_symbol={"AAA": estimate(0.8, 0.75, 0.85)})),
        "coverage",
        "by symbol: AAA 80.0% (75.0 to 85.0%)",
    ),
    "coverage off in a regime": (
        lambda r: with_split(r, held(by_regime={"calm": estimate(0.96, 0.95, 0.97)})),
        "coverage",
        "by volatility: calm 96.0% (95.0 to 97.0%)",
    ),
    "intervals without an end": (
        lambda r: with_split(r, held(unbounded=0.02)),
        "coverage",
        "2.0% of the intervals have no end",
    ),
    "no intervals": (
        lambda r: r.model_copy(update={"intervals": None}),
        "coverage",
        "too short to say how often intervals hold",
    ),
    "costs": (
        lambda r: changed(r, "equity", strategy=account(total_return=0.3)),
        "costs",
        "90.0% in all before costs and 30.0% after",
    ),
    "losses without costs": (
        lambda r: changed(r, "equity", strategy=account(total_gross_return=-0.1)),
        "trading",
        "loses even without costs: -10.0%",
    ),
    "less than buy-and-hold": (
        lambda r: changed(r, "equity", strategy=account(annual_return=0.05)),
        "trading",
        "earns 5.0% a year, buy-and-hold 10.0%",
    ),
    "a Sharpe ratio that may be zero": (
        lambda r: changed(r, "equity", strategy=account(sharpe=estimate(0.5, -0.3, 1.3))),
        "trading",
        "0.50 may be zero: -0.30 to 1.30",
    ),
    "symbols whose bars end": (
        lambda r: changed(r, "equity", stale=("AAA",)),
        "stale",
        "1 of 2 symbols are held at their last price after their bars end, which nobody may have "
        "paid: AAA.",
    ),
    "a deep drawdown": (
        lambda r: changed(r, "equity", strategy=account(maximum_drawdown=0.34)),
        "drawdown",
        "fell by 34% from a peak",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_said_with_its_figure(good: Report, case: str) -> None:
    change, kind, figure = CASES[case]
    (worry,) = worries_of(change(good))
    assert worry.kind == kind
    assert figure in worry.sentence


def test_a_coverage_off_by_chance_or_by_little_is_not_spoken_of(good: Report) -> None:
    wide = estimate(0.8, 0.65, 0.95)
    near = estimate(0.889, 0.885, 0.893)
    assert worries_of(with_split(good, held(by_symbol={"AAA": wide, "BBB": near}))) == ()


def test_a_suspect_is_said_to_be_one_and_to_beat_nothing(good: Report) -> None:
    verdict = "suspect: far better than real markets allow: R2 9.00%"
    leak, baselines = worries_of(changed(good, "leaks", is_suspect=True, verdict=verdict))
    assert leak.sentence == (
        f"A leak is likely, and then no other figure here means anything. {verdict}."
    )
    assert baselines.sentence.startswith("Suspect as it is, it does not count as beating")


def test_of_many_names_some_are_counted(good: Report) -> None:
    names = tuple(f"S{number}" for number in range(12))
    (worry,) = worries_of(changed(good, "data", left_out=names))
    assert worry.sentence.endswith("S0, S1, S2, S3, S4, S5, S6, S7, S8, S9 and 2 more.")


def test_of_many_symbols_some_may_be_off_by_chance(good: Report) -> None:
    off = {"AAA": estimate(0.87, 0.845, 0.89)}
    assert len(worries_of(with_split(good, held(by_symbol=off)))) == 1
    others = {f"S{number}": estimate(0.9, 0.88, 0.92) for number in range(60)}
    assert worries_of(with_split(good, held(by_symbol=off | others))) == ()


def test_the_gravest_come_first(good: Report) -> None:
    deep = changed(good, "equity", strategy=account(maximum_drawdown=0.34))
    lost = changed(deep, "skill", beats_baselines=False)
    suspect = changed(lost, "leaks", is_suspect=True, verdict="suspect: too good")
    found = worries_of(suspect)
    assert [(one.kind, one.level) for one in found] == [
        ("leak", "grave"),
        ("baselines", "grave"),
        ("drawdown", "caution"),
    ]
