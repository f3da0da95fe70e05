"""The straight line from settings to figures, and the only place that wires it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from tickcast_modelkit.bars import BarSeries

from tickcast_trainer.backtest.costs import Costs
from tickcast_trainer.backtest.errors import InSample, NothingToTest
from tickcast_trainer.backtest.execution import Execution, execute
from tickcast_trainer.backtest.indicators import Columns
from tickcast_trainer.backtest.model import PackagedModel, load_model
from tickcast_trainer.backtest.panel import Panel
from tickcast_trainer.backtest.performance import Performance, measure
from tickcast_trainer.backtest.settings import BacktestSettings
from tickcast_trainer.backtest.signals import (
    MacdCross,
    PredictionRule,
    RsiReversal,
    Rule,
    SmaCross,
    buy_and_hold,
)
from tickcast_trainer.backtest.sizing import Limits, target_weights
from tickcast_trainer.progress import Progress
from tickcast_trainer.sources.source import find_source


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """A strategy beside buy-and-hold: the same bars, weights of a full position and costs."""

    strategy: str
    """Its name, with the model's name and version where it is one."""

    symbols: tuple[str, ...]
    left_out: tuple[str, ...]
    """Symbols without a bar between start and end."""

    timeframe: str
    performance: Performance
    buy_and_hold: Performance

    trained_until: int | None
    """Last instant that the model was trained on, seconds since the epoch; None for a rule."""

    @property
    def is_in_sample(self) -> bool:
        """Whether the model was trained on some of what it was tested on."""
        return self.trained_until is not None and self.performance.start < self.trained_until


def backtest(settings: BacktestSettings, progress: Progress) -> Backtest:
    """Read bars, decide, execute and measure.

    Raises TrainerError, and ModelkitError for a timeframe or a package that cannot be used.
    """
    model = None
    if settings.model_package is not None:
        model = load_model(settings.model_package, features=settings.features)
    every = find_source(settings.source)(settings.path, timeframe=settings.timeframe)
    series = _between(every, settings)
    panel = Panel.of(series)
    tested = slice(_first_row(panel, settings.start), len(panel))
    if model is not None and not settings.in_sample:
        _refuse_in_sample(model, int(panel.close_time[tested.start]))
    signal = _signal(settings, panel, series, model, progress)
    with progress.step("strategy and buy-and-hold", 2) as advance:
        performance = _run(signal, panel, tested, settings)
        advance(1)
        holding = _run(buy_and_hold(panel), panel, tested, settings)
        advance(1)
    return Backtest(
        strategy=_title(settings, model),
        symbols=panel.symbols,
        left_out=tuple(one.symbol for one in every if one.symbol not in panel.symbols),
        timeframe=str(panel.timeframe),
        performance=performance,
        buy_and_hold=holding,
        trained_until=model.manifest.training.end if model else None,
    )


def _between(series: Sequence[BarSeries], settings: BacktestSettings) -> list[BarSeries]:
    # What came before the start stays, for indicators to warm up on.
    start, end = (
        None if instant is None else int(instant.timestamp())
        for instant in (settings.start, settings.end)
    )
    used = []
    for one in series:
        cut = one if end is None else one.closed_by(end)
        if len(cut) and (start is None or cut.open_time[-1] >= start):
            used.append(cut)
    if not used:
        first = min((int(one.open_time[0]) for one in series if len(one)), default=0)
        last = max((int(one.close_time[-1]) for one in series if len(one)), default=0)
        raise NothingToTest(
            f"bars: were none between start and end, needed some; there are bars from "
            f"{np.datetime64(first, 's')}Z to {np.datetime64(last, 's')}Z"
        )
    return used


def _first_row(panel: Panel, start: datetime | None) -> int:
    return 0 if start is None else int(np.searchsorted(panel.open_time, int(start.timestamp())))


def _refuse_in_sample(model: PackagedModel, first_close: int) -> None:
    trained_until = model.manifest.training.end
    if first_close < trained_until:
        raise InSample(
            f"start: was {np.datetime64(first_close, 's')}Z, the first close tested; needed "
            f"{np.datetime64(trained_until, 's')}Z or later, as {model.manifest.name} version "
            f"{model.manifest.version} was trained on bars up to then; train with --until on less, "
            "or give --in-sample to see what it remembers"
        )


def _signal(
    settings: BacktestSettings,
    panel: Panel,
    series: Sequence[BarSeries],
    model: PackagedModel | None,
    progress: Progress,
) -> Columns:
    if model is not None:
        rule = PredictionRule(**settings.model.model_dump())
        return rule.signal(model.forecast(panel, series, progress))
    rules: dict[str, Rule] = {
        "rsi": RsiReversal(**settings.rsi.model_dump()),
        "sma-cross": SmaCross(**settings.sma_cross.model_dump()),
        "macd": MacdCross(**settings.macd.model_dump()),
        "buy-and-hold": buy_and_hold,
    }
    return rules[settings.strategy](panel)


def _run(signal: Columns, panel: Panel, tested: slice, settings: BacktestSettings) -> Performance:
    symbol_limit = settings.symbol_limit or settings.gross_limit / len(panel.symbols)
    limits = Limits(symbol=symbol_limit, gross=settings.gross_limit, long_only=settings.long_only)
    execution = Execution(
        costs=Costs(
            commission_bps=settings.commission_bps,
            slippage_bps=settings.slippage_bps,
            slippage_of_range=settings.slippage_of_range,
            borrow_rate=settings.borrow_rate,
        ),
        fill=settings.fill,
        rebalance=settings.rebalance,
    )
    targets = target_weights(signal, limits)[tested]
    return measure(execute(panel.slice(tested.start, tested.stop), targets, execution))


def _title(settings: BacktestSettings, model: PackagedModel | None) -> str:
    if model is None:
        return settings.strategy
    return f"{model.manifest.name} version {model.manifest.version}"
