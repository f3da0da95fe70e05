"""What trading and borrowing cost."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.backtest.indicators import Columns

BASIS_POINT = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Rates of cost; all 0 or more."""

    commission_bps: float = 0.0
    """Basis points of the value traded, for each purchase and each sale."""

    slippage_bps: float = 0.0
    """Basis points of the value traded by which a fill is worse than the price of the bar."""

    slippage_of_range: float = 0.0
    """Share of the bar's range, high less low, by which a fill is worse besides."""

    borrow_rate: float = 0.0
    """Yearly rate on the value of short positions, for each second that they are held."""

    @property
    def commission(self) -> float:
        """Commission as a share of the value traded."""
        return self.commission_bps * BASIS_POINT

    def slippage(self, price: Columns, reach: Columns) -> NDArray[np.float64]:
        """Return slippage as a share of the value traded, shape (T, N); 0 where there is no bar.

        ``price`` is what trades fill at and ``reach`` the range of the bar, both (T, N) in units of
        price.
        """
        fixed = self.slippage_bps * BASIS_POINT
        return np.nan_to_num(fixed + self.slippage_of_range * reach / price)
