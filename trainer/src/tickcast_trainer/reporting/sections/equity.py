"""The predictions as trades."""

from xml.etree.ElementTree import Element

from tickcast_trainer.reporting.charts.frame import Caption
from tickcast_trainer.reporting.charts.lines import line_chart
from tickcast_trainer.reporting.charts.scale import PLAIN, number_scale, time_scale
from tickcast_trainer.reporting.document import Account, Equity, Report
from tickcast_trainer.reporting.markup import figure, tag
from tickcast_trainer.reporting.sections.section import section
from tickcast_trainer.reporting.tables import Cell, charted, estimate, long_table, table


def equity_section(report: Report) -> Element:
    """Return the account beside buy-and-hold, after costs."""
    found = report.equity
    return section(
        "equity",
        "Traded after costs",
        tag(
            "p",
            "Every prediction was made by a model that had not seen its row. Long while it is "
            "above zero and short while below, filled at the next open, with ",
            figure(found.commission_bps, "g"),
            " bp of commission, ",
            figure(found.slippage_bps, "g"),
            " bp of slippage and ",
            figure(found.borrow_rate, ".1%"),
            " a year for shorts; buy-and-hold at the same costs.",
        ),
        tag("ul", *(tag("li", sentence) for sentence in found.findings)),
        charted(_chart(found, report.model.estimator), "Both accounts begin with 1."),
        _accounts(found, report.model.estimator),
        _contributions(found),
    )


def _chart(found: Equity, name: str) -> Element:
    curve = found.curve
    values = [value for point in curve for value in (point.strategy, point.buy_and_hold)]
    return line_chart(
        Caption(
            key="equity-chart",
            title=f"Equity of {name} and of buy-and-hold, after costs",
            description=f"From 1, {name} came to {curve[-1].strategy:.2f} and buy-and-hold to "
            f"{curve[-1].buy_and_hold:.2f}. The greatest falls from a peak were "
            f"{found.strategy.maximum_drawdown:.0%} and "
            f"{found.buy_and_hold.maximum_drawdown:.0%}.",
        ),
        time_scale(curve[0].time, curve[-1].time, "close"),
        number_scale([1.0, *values], "equity", PLAIN),
        [
            (name, [(point.time, point.strategy) for point in curve]),
            ("buy-and-hold", [(point.time, point.buy_and_hold) for point in curve]),
        ],
        reference=1.0,
    )


def _accounts(found: Equity, name: str) -> Element:
    def row(label: str, field: str, form: str) -> list[Cell]:
        both = (found.strategy, found.buy_and_hold)
        return [label, *(figure(float(getattr(account, field)), form) for account in both)]

    def sharpe(account: Account) -> Cell:
        return estimate(account.sharpe, ".2f")

    return table(
        f"After costs, {found.periods:,} periods",
        ("", name, "buy-and-hold"),
        [
            row("return a year", "annual_return", ".1%"),
            row("return in all", "total_return", ".1%"),
            row("return in all before costs", "total_gross_return", ".1%"),
            row("volatility a year", "volatility", ".1%"),
            ["Sharpe ratio", sharpe(found.strategy), sharpe(found.buy_and_hold)],
            row("greatest drawdown", "maximum_drawdown", ".1%"),
            row("turnover a year", "turnover", ".1f"),
            row("costs a year", "annual_costs", ".2%"),
            row("exposure", "exposure", ".2f"),
        ],
    )


def _contributions(found: Equity) -> Element:
    return long_table(
        "What each symbol added to the mean return of a year, after costs",
        ("symbol", "added a year"),
        [[symbol, figure(value, ".2%")] for symbol, value in found.contribution.items()],
    )
