"""What follows from the figures, in sentences that promise no more than they show."""

from collections.abc import Iterator

import numpy as np

from tickcast_trainer.backtest.performance import Performance, Sharpe
from tickcast_trainer.backtest.pipeline import Backtest

# The best funds of decades stay below it; on daily bars a leak is the likelier reason.
_INCREDIBLE_SHARPE = 3.0


def verdict(backtest: Backtest) -> list[str]:
    """Return the findings, the gravest first."""
    return list(_findings(backtest))


def _findings(backtest: Backtest) -> Iterator[str]:
    found, holding = backtest.performance, backtest.buy_and_hold
    if backtest.is_in_sample and backtest.trained_until is not None:
        until = np.datetime64(backtest.trained_until, "s")
        yield (
            f"IN-SAMPLE: {backtest.strategy} was trained on bars up to {until}Z. These figures "
            "show what it remembers, not what it can forecast."
        )
        return
    if found.ruined_at is not None:
        yield f"The account was lost by {np.datetime64(found.ruined_at, 's')}Z."
    yield from _stale(found)
    if found.sharpe is None:
        yield "Equity never moved: there is nothing to judge."
        return
    yield _on_chance(found.sharpe)
    if found.sharpe.value > _INCREDIBLE_SHARPE:
        yield (
            f"A Sharpe ratio of {found.sharpe.value:.1f} is far better than real markets allow: "
            "take it for a leak until proven otherwise."
        )
    if backtest.strategy != "buy-and-hold":
        yield _beside_holding(found, holding)


def _stale(found: Performance) -> Iterator[str]:
    for one in found.symbols:
        if one.stale_since is not None:
            since = np.datetime64(one.stale_since, "s")
            yield (
                f"{one.symbol} is held at its last price, of {since}Z, when its bars end: "
                "nobody may have paid it."
            )


def _on_chance(sharpe: Sharpe) -> str:
    interval = f"The 95% interval of the Sharpe ratio, {sharpe.low:.2f} to {sharpe.high:.2f},"
    if sharpe.may_be_zero:
        return f"{interval} contains zero: chance alone may have earned this."
    if sharpe.low > 0.0:
        return (
            f"{interval} lies above zero: chance alone would rarely earn this, "
            "unless it is the best of several tries."
        )
    return f"{interval} lies below zero: this loses, and not by chance."


def _beside_holding(found: Performance, holding: Performance) -> str:
    figures = f"{found.annual_return:.1%} a year against {holding.annual_return:.1%}"
    ratios = ""
    if found.sharpe and holding.sharpe:
        ratios = f", Sharpe ratio {found.sharpe.value:.2f} against {holding.sharpe.value:.2f}"
    earned = "more" if found.annual_return > holding.annual_return else "no more"
    return f"It earned {earned} than buy-and-hold: {figures}{ratios}."
