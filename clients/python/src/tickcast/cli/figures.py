"""How instants and numbers read in a table. Programs are given them in full."""

from __future__ import annotations

from datetime import datetime


def instant(value: datetime | None) -> str:
    """Date alone where the time of day is midnight, as for daily bars."""
    if value is None:
        return "-"
    if not (value.hour or value.minute or value.second):
        return f"{value:%Y-%m-%d}"
    return f"{value:%Y-%m-%d %H:%M:%S}"


def price(value: float | None) -> str:
    """Cents; more digits of a small price, so that a tenth of a percent is seen."""
    if value is None:
        return "-"
    if abs(value) >= 10:
        return f"{value:,.2f}"
    return f"{value:.4f}" if abs(value) >= 0.1 else f"{value:.4g}"


def percent(value: float | None) -> str:
    """A share or a return, signed where it is a change."""
    return "-" if value is None else f"{value:+.2%}"
