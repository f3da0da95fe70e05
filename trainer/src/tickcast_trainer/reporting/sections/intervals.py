"""What intervals promised and what they held."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element

from tickcast_trainer.reporting.charts.dots import Dot, dot_chart
from tickcast_trainer.reporting.charts.frame import Caption
from tickcast_trainer.reporting.charts.scale import PERCENT, number_scale
from tickcast_trainer.reporting.document import Estimate, Intervals, Report
from tickcast_trainer.reporting.markup import figure, tag
from tickcast_trainer.reporting.sections.section import section
from tickcast_trainer.reporting.tables import charted, estimate, optional, table

_MOST_SYMBOLS = 20


def intervals_section(report: Report) -> Element:
    """Return nominal and observed coverage, overall and by group."""
    found = report.intervals
    heading = "Reliability of intervals"
    if found is None:
        said = "The folds are too short to calibrate an interval on one and test it on another."
        return section("intervals", heading, tag("p", said))
    return section(
        "intervals",
        heading,
        tag(
            "p",
            f"Built to hold {found.nominal:.0%} of the outcomes, tested on ",
            figure(found.held[found.served].rows, ","),
            f" rows. The model is served with {found.served} intervals; adaptive ones would learn "
            "from every outcome.",
        ),
        _widths_table(found),
        tag(
            "p",
            "The interval score is the width, and ",
            f"{2.0 / (1.0 - found.nominal):.3g} times how far an outcome lies outside: less is "
            "better.",
        ),
        charted(
            _groups_chart(found),
            "Dashed: what was promised. Left of it intervals were too narrow, right of it too "
            "wide. Volatility is that known beforehand, as a third of the symbol's own past.",
            _left_out_of_chart(len(found.held[found.served].by_symbol)),
            figures=_groups_table(found),
        ),
        charted(
            _reliability_chart(found),
            "What intervals built for other coverages would have held. On the dashed line they "
            "hold what they promise; left of it they are too narrow.",
            figures=_reliability_table(found),
        ),
    )


def _left_out_of_chart(symbols: int) -> str | None:
    if symbols <= _MOST_SYMBOLS:
        return None
    return f" Of {symbols} symbols, the {_MOST_SYMBOLS} that are furthest off."


def _widths_table(found: Intervals) -> Element:
    return table(
        f"Intervals built to hold {found.nominal:.0%}",
        ("kind", "held", "median width", "without an end", "interval score"),
        [
            [
                kind,
                estimate(one.overall, ".1%"),
                "infinite" if one.median_width is None else figure(one.median_width, ".2%"),
                figure(one.unbounded, ".1%"),
                optional(one.score, ".2%"),
            ]
            for kind, one in found.held.items()
        ],
    )


def _groups(found: Intervals) -> list[tuple[str, list[Estimate]]]:
    """Return all rows, regimes and the symbols that are furthest off, with every kind."""
    served, kinds = found.held[found.served], found.held.values()

    def distance(symbol: str) -> float:
        return abs(served.by_symbol[symbol].value - found.nominal)

    symbols = sorted(sorted(served.by_symbol, key=distance, reverse=True)[:_MOST_SYMBOLS])
    return [
        ("all rows", [one.overall for one in kinds]),
        *(
            (f"{regime} market", [one.by_regime[regime] for one in kinds])
            for regime in served.by_regime
        ),
        *((symbol, [one.by_symbol[symbol] for one in kinds]) for symbol in symbols),
    ]


def _groups_chart(found: Intervals) -> Element:
    groups = _groups(found)
    ends = [end for _, kinds in groups for one in kinds for end in (one.low, one.high)]
    (_, (overall, *_)), *parts = groups
    lowest = min(parts, key=lambda group: group[1][0].value)
    highest = max(parts, key=lambda group: group[1][0].value)
    return dot_chart(
        Caption(
            key="coverage",
            title=f"Observed coverage of intervals built to hold {found.nominal:.0%}",
            description=f"{found.served} intervals held {overall.value:.1%} over all; least in "
            f"{lowest[0]} with {lowest[1][0].value:.1%}, most in {highest[0]} with "
            f"{highest[1][0].value:.1%}.",
        ),
        number_scale([*ends, found.nominal], "share of outcomes held, with 95% interval", PERCENT),
        tuple(found.held),
        [(name, _dots(name, found, kinds)) for name, kinds in groups],
        reference=found.nominal,
    )


def _dots(name: str, found: Intervals, kinds: Iterable[Estimate], less: float = 0.0) -> list[Dot]:
    return [
        Dot(
            value=one.value - less,
            low=one.low - less,
            high=one.high - less,
            told=f"{name}, {kind}: {one.value:.1%}",
        )
        for kind, one in zip(found.held, kinds, strict=True)
    ]


def _groups_table(found: Intervals) -> Element:
    return table(
        f"Observed coverage of intervals built to hold {found.nominal:.0%}",
        ("rows", *found.held),
        [[name, *(estimate(one, ".1%") for one in kinds)] for name, kinds in _groups(found)],
    )


def _reliability_chart(found: Intervals) -> Element:
    levels = found.reliability
    ends = [
        end - level.nominal
        for level in levels
        for one in level.observed.values()
        for end in (one.low, one.high)
    ]
    told = ", ".join(
        f"{level.observed[found.served].value:.1%} where {level.nominal:.0%} was promised"
        for level in levels
    )
    return dot_chart(
        Caption(
            key="reliability",
            title="Observed less nominal coverage, over all rows",
            description=f"{found.served} intervals held {told}.",
        ),
        number_scale([*ends, 0.0], "observed less nominal, with 95% interval", PERCENT),
        tuple(found.held),
        [
            (
                f"built for {level.nominal:.0%}",
                _dots(
                    f"built for {level.nominal:.0%}", found, level.observed.values(), level.nominal
                ),
            )
            for level in levels
        ],
        reference=0.0,
    )


def _reliability_table(found: Intervals) -> Element:
    return table(
        "Nominal and observed coverage",
        ("nominal", *found.held),
        [
            [
                figure(level.nominal, ".0%"),
                *(estimate(one, ".1%") for one in level.observed.values()),
            ]
            for level in found.reliability
        ],
    )
