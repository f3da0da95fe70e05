"""Backtests: what a rule or a model would have earned on past bars, after costs.

The straight line is ``panel`` (bars of all symbols on one clock), ``signals`` (what a rule says at
each close), ``sizing`` (how much of the account that is worth), ``execution`` (fills, costs and
equity) and ``performance`` (what it came to, and how sure one can be of it).
"""
