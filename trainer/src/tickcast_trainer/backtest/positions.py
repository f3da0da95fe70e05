"""Positions: stretches in which a symbol was held without a break, and what each earned."""

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.backtest.ledger import Ledger


def position_results(ledger: Ledger, column: int) -> NDArray[np.float64]:
    """Return what each position in one symbol earned after costs, in order, (k,).

    In units of the account's first equity. A position is held from the fill that opens it to the
    fill that closes it or turns it around; the costs of turning belong to the one that ends. One
    that is open at the end counts with what it earned so far.
    """
    earlier = np.concatenate([[ledger.start.equity], ledger.equity[:-1]])
    sign = np.sign(ledger.weight[:, column])
    sign_before = np.concatenate([[np.sign(ledger.start.weight[column])], sign[:-1]])
    cost = ledger.cost[:, column]
    ending = (sign_before != 0.0) & (sign_before != sign)
    # Each period is two stretches, which may belong to two positions: up to the fill, and after it.
    signs = np.column_stack([sign_before, sign]).ravel()
    gains = np.column_stack(
        [
            ledger.before_fill[:, column] - np.where(ending, cost, 0.0),
            ledger.after_fill[:, column] - np.where(ending, 0.0, cost),
        ]
    )
    money = (gains * earlier[:, np.newaxis]).ravel()
    begins = np.flatnonzero(np.diff(signs, prepend=0.0) != 0.0)
    if not len(begins):
        return np.zeros(0)
    sums = np.add.reduceat(money, begins)
    return np.asarray(sums[signs[begins] != 0.0])
