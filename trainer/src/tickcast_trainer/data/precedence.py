"""Which source is believed where two have the same bar.

The folder's file ``precedence`` names sources, one a line, the first one believed first. Sources
that it does not name follow in the default order: files that a user brought on purpose, exchanges
(their own trades), vendors of adjusted prices, those that aggregate, and any other by name.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tickcast_modelkit.durable_files import replace_durably

from tickcast_trainer.data.errors import InvalidPrecedence
from tickcast_trainer.data.layout import PRECEDENCE

DEFAULT_PRECEDENCE = (
    "csv",
    "parquet",
    "coinbase",
    "kraken",
    "binance",
    "yfinance",
    "fmp",
    "alphavantage",
    "coingecko",
    "bundled",
)


def read_precedence(root: Path) -> tuple[str, ...]:
    """Return the sources in order, the believed first. Raises InvalidPrecedence."""
    path = root / PRECEDENCE
    try:
        named = tuple(line.strip() for line in path.read_text().splitlines() if line.strip())
    except FileNotFoundError:
        named = ()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPrecedence(
            f"{path}: was unreadable ({error}), needed one source a line"
        ) from error
    if len(set(named)) < len(named):
        raise InvalidPrecedence(f"{path}: was {', '.join(named)}, needed each source once")
    return (*named, *(name for name in DEFAULT_PRECEDENCE if name not in named))


def write_precedence(root: Path, names: Sequence[str]) -> None:
    """Put ``names`` before all others in this folder."""
    root.mkdir(parents=True, exist_ok=True)
    replace_durably(root / PRECEDENCE, "".join(f"{name}\n" for name in names).encode())


def by_precedence(sources: Iterable[str], precedence: Sequence[str]) -> list[str]:
    """Order sources, the believed first."""
    ranks = {name: rank for rank, name in enumerate(precedence)}
    return sorted(sources, key=lambda name: (ranks.get(name, len(ranks)), name))
