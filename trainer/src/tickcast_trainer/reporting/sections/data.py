"""The bars."""

from xml.etree.ElementTree import Element

from tickcast_trainer.reporting.document import Report
from tickcast_trainer.reporting.markup import figure, tag
from tickcast_trainer.reporting.sections.section import section
from tickcast_trainer.reporting.tables import day, long_table


def data_section(report: Report) -> Element:
    """Return what was learned from, symbol by symbol."""
    data = report.data
    left_out = None
    if data.left_out:
        left_out = tag("p", f"Left out for too few bars: {', '.join(data.left_out)}.")
    return section(
        "data",
        "Data",
        tag(
            "p",
            figure(data.rows, ","),
            f" rows of {len(data.symbols)} symbols with {data.features} features; ",
            figure(data.tested_rows, ","),
            " of them tested, at ",
            figure(data.tested_times, ","),
            " distinct times.",
        ),
        left_out,
        long_table(
            "Bars of each symbol",
            ("symbol", "from", "to", "bars", "rows", "gaps", "missing bars"),
            [
                [
                    one.symbol,
                    day(one.start),
                    day(one.end),
                    figure(one.bars, ","),
                    figure(one.rows, ","),
                    figure(one.gaps, ","),
                    figure(one.missing_bars, ","),
                ]
                for one in data.symbols
            ],
        ),
        tag(
            "p",
            "A gap is a run of slots without a bar where the weeks around and the other symbols "
            "led to expect one.",
            class_="note",
        ),
    )
