"""What speaks against a model, read off its report in plain sentences, each with its figures.

A sentence is said when its figure passes a threshold named here. That nothing is said proves
nothing: these are the ways in which models are known to disappoint, not all there are.
"""

from collections.abc import Iterator, Mapping, Sequence
from statistics import NormalDist

from tickcast_trainer.reporting.document import Estimate, Report, Worry

_NORMAL = NormalDist()

FEW_TIMES = 500
"""Distinct tested times below which any score is mostly luck."""

COVERAGE_SLACK = 0.02
"""What a coverage may be off by, besides its interval, before it is spoken of."""

CONCENTRATION = 0.6
"""Share of the gain that one symbol of several may have."""

FEATURE_CONCENTRATION = 0.5
"""Share of all importance that one feature may have."""

DEEP_DRAWDOWN = 0.2
"""Fall from a peak, as a share of it."""

MOST_NAMED = 10
"""Symbols that a sentence names."""

MISSING_BARS = 0.01
"""Share of the bars that were to be expected."""


def worries_of(report: Report) -> tuple[Worry, ...]:
    """Return the worries of a report, the gravest first."""
    found = [worry for say in _SAYERS for worry in say(report)]
    return tuple(sorted(found, key=lambda worry: worry.level != "grave"))


def _baselines(report: Report) -> Iterator[Worry]:
    skill = report.skill
    own = skill.scores[0]
    figures = (
        f"it saves {_share(skill.saved.value)} of {skill.best_baseline}'s squared error "
        f"({_range(skill.saved)}), p = {own.p_value:.3f}"
    )
    if report.leaks.is_suspect:
        yield _grave(
            "baselines",
            f"Suspect as it is, it does not count as beating the baselines: {figures}.",
        )
    elif not skill.beats_baselines:
        yield _grave("baselines", f"It does not beat the baselines: {figures}.")
    elif skill.saved.low <= 0.0:
        yield _caution("baselines", f"Its lead is thin: {figures}.")


def _leak(report: Report) -> Iterator[Worry]:
    leaks = report.leaks
    if leaks.is_suspect:
        sentence = (
            f"A leak is likely, and then no other figure here means anything. {leaks.verdict}."
        )
        yield _grave("leak", sentence)
    elif not leaks.refitted:
        yield _caution(
            "leak",
            f"Leaks were not looked for by fitting again: {len(leaks.findings)} checks were made, "
            "those that cost nothing.",
        )


def _tries(report: Report) -> Iterator[Worry]:
    own, count = report.skill.scores[0], report.skill.models_compared
    if count > 1 and own.p_value is not None and own.holm_p_value is not None:
        yield _caution(
            "tries",
            f"{count} models were tried on the same rows: p, {own.p_value:.3f} alone, is "
            f"{own.holm_p_value:.3f} when that is allowed for (Holm).",
        )
    if report.model.version > 1:
        yield _caution(
            "tries",
            f"This is version {report.model.version}: where the {report.model.version - 1} before "
            "it were judged on these bars too, p means less than it says.",
        )


def _rows(report: Report) -> Iterator[Worry]:
    times, rows = report.data.tested_times, report.data.tested_rows
    independent = times // report.model.horizon
    if independent < FEW_TIMES:
        own = report.skill.scores[0].r2
        yield _caution(
            "rows",
            f"Few rows: {rows:,} rows at {times:,} times were tested, {independent:,} of these "
            f"without overlap, so that R2 may be anything {_between(own)}.",
        )


def _bars(report: Report) -> Iterator[Worry]:
    data = report.data
    missing = sum(one.missing_bars for one in data.symbols)
    expected = sum(one.expected_bars for one in data.symbols)
    if missing > MISSING_BARS * expected:
        worst = max(data.symbols, key=lambda one: one.missing_bars)
        yield _caution(
            "gaps",
            f"{missing:,} of {expected:,} expected bars ({_share(missing / expected)}) are "
            f"missing, {worst.missing_bars:,} of them of {worst.symbol}: returns span the gaps.",
        )
    if data.left_out:
        yield _caution(
            "left_out",
            f"{len(data.left_out)} symbols were left out for too few bars: "
            f"{_names(data.left_out)}.",
        )


def _direction(report: Report) -> Iterator[Worry]:
    own, up = report.skill.scores[0].direction, report.skill.always_up
    if own and up and own.low <= up.value:
        yield _caution(
            "direction",
            f"Its direction is no surer than always up: right {own.value:.1%} of the time "
            f"({_range(own, 1)}), always up {up.value:.1%}.",
        )


def _folds(report: Report) -> Iterator[Worry]:
    worse = sum(fold.saved.value <= 0.0 for fold in report.folds)
    if report.skill.saved.value > 0.0 and 3 * worse >= len(report.folds):
        yield _caution(
            "folds",
            f"It errs no less than {report.skill.best_baseline} in {worse} of "
            f"{len(report.folds)} folds.",
        )


def _symbols(report: Report) -> Iterator[Worry]:
    total = report.skill.saved.value
    if len(report.symbols) < 2 or total <= 0.0:
        return
    first = max(report.symbols, key=lambda one: one.saved_of_all)
    if first.saved_of_all > CONCENTRATION * total:
        yield _caution(
            "one_symbol",
            f"{first.symbol} carries it: of the {_share(total)} of squared error saved, "
            f"{_share(first.saved_of_all)} are its own, {_share(total - first.saved_of_all)} those "
            f"of the other {len(report.symbols) - 1}.",
        )


def _features(report: Report) -> Iterator[Worry]:
    counted = [one for one in report.importance.features if one.increase.value > 0.0]
    total = sum(one.increase.value for one in counted)
    if len(counted) < 2 or report.skill.saved.value <= 0.0:
        return
    first = counted[0]
    if first.increase.low > 0.0 and first.increase.value > FEATURE_CONCENTRATION * total:
        yield _caution(
            "one_feature",
            f"One feature carries it: {first.feature} has {first.increase.value / total:.0%} of "
            "all importance.",
        )


def _calibration(report: Report) -> Iterator[Worry]:
    if report.calibration is None:
        yield _caution("calibration", "It predicts the same return for every row.")
        return
    slope = report.calibration.slope
    if slope.low <= 1.0 <= slope.high:
        return
    bold = "bold" if slope.value < 1.0 else "timid"
    yield _caution(
        "calibration",
        f"Predictions are too {bold}: 1% predicted was followed by {slope.value:.2f}% "
        f"({slope.low:.2f} to {slope.high:.2f}).",
    )


def _coverage(report: Report) -> Iterator[Worry]:
    if report.intervals is None:
        yield _caution("coverage", "The folds are too short to say how often intervals hold.")
        return
    nominal, held = report.intervals.nominal, report.intervals.held[report.intervals.served]
    groups: tuple[tuple[str, Mapping[str, Estimate]], ...] = (
        ("over all rows", {"": held.overall}),
        ("by symbol", held.by_symbol),
        ("by volatility", held.by_regime),
    )
    for what, shares in groups:
        off = {name: one for name, one in shares.items() if _is_off(one, nominal, len(shares))}
        if off:
            told = "; ".join(
                f"{name} {one.value:.1%} ({_range(one, 1)})".strip()
                for name, one in sorted(off.items(), key=lambda item: item[1].value)[:5]
            )
            more = f"; and {len(off) - 5} more" if len(off) > 5 else ""
            yield _caution(
                "coverage", f"Intervals built to hold {nominal:.0%} held, {what}: {told}{more}."
            )
    if held.unbounded > 0.0:
        yield _caution("coverage", f"{held.unbounded:.1%} of the intervals have no end.")


def _is_off(share: Estimate, nominal: float, among: int) -> bool:
    # Of many symbols some are off by chance: intervals are as wide as their number asks for
    # (Bonferroni), so that one in twenty reports without a fault speaks of any.
    wider = _NORMAL.inv_cdf(1.0 - 0.025 / among) / _NORMAL.inv_cdf(0.975)
    low = share.value - wider * (share.value - share.low)
    high = share.value + wider * (share.high - share.value)
    return not low <= nominal <= high and abs(share.value - nominal) > COVERAGE_SLACK


def _costs(report: Report) -> Iterator[Worry]:
    account = report.equity.strategy
    if account.total_gross_return <= 0.0:
        yield _caution(
            "trading",
            f"Traded by its sign it loses even without costs: {account.total_gross_return:.1%} "
            "in all.",
        )
    elif account.total_return <= account.total_gross_return / 2:
        yield _caution(
            "costs",
            "Costs eat half of it or more: traded by its sign it earns "
            f"{account.total_gross_return:.1%} in all "
            f"before costs and {account.total_return:.1%} after; they take "
            f"{account.annual_costs:.1%} a year at a turnover of {account.turnover:.0f}.",
        )


def _trading(report: Report) -> Iterator[Worry]:
    account, holding = report.equity.strategy, report.equity.buy_and_hold
    if account.annual_return <= holding.annual_return:
        yield _caution(
            "trading",
            f"After costs it earns {account.annual_return:.1%} a year, buy-and-hold "
            f"{holding.annual_return:.1%}.",
        )
    if account.sharpe and account.sharpe.low <= 0.0 <= account.sharpe.high:
        yield _caution(
            "trading",
            f"Its Sharpe ratio of {account.sharpe.value:.2f} may be zero: {account.sharpe.low:.2f} "
            f"to {account.sharpe.high:.2f}.",
        )
    if report.equity.stale:
        yield _caution(
            "stale",
            f"{len(report.equity.stale)} of {len(report.equity.contribution)} symbols are held at "
            f"their last price after their bars end, which nobody may have paid: "
            f"{_names(report.equity.stale)}.",
        )
    if account.maximum_drawdown > DEEP_DRAWDOWN:
        yield _caution(
            "drawdown",
            f"Its account fell by {account.maximum_drawdown:.0%} from a peak, buy-and-hold's by "
            f"{holding.maximum_drawdown:.0%}.",
        )


_SAYERS = (
    _leak,
    _baselines,
    _tries,
    _rows,
    _bars,
    _direction,
    _folds,
    _symbols,
    _features,
    _calibration,
    _coverage,
    _costs,
    _trading,
)


def _grave(kind: str, sentence: str) -> Worry:
    return Worry(kind=kind, level="grave", sentence=sentence)


def _caution(kind: str, sentence: str) -> Worry:
    return Worry(kind=kind, level="caution", sentence=sentence)


def _names(symbols: Sequence[str]) -> str:
    more = f" and {len(symbols) - MOST_NAMED} more" if len(symbols) > MOST_NAMED else ""
    return ", ".join(symbols[:MOST_NAMED]) + more


def _share(value: float) -> str:
    return f"{value:.2%}"


def _range(estimate: Estimate, digits: int = 2) -> str:
    return f"{100 * estimate.low:.{digits}f} to {100 * estimate.high:.{digits}f}%"


def _between(estimate: Estimate) -> str:
    return f"from {estimate.low:.2%} to {estimate.high:.2%}"
