"""The Python reference: which objects it shows; mkdocstrings reads their docstrings."""

SDK = """\
# Python SDK

Every public name of the distribution `tickcast`. How it is used:
[python.md](../python.md).

::: tickcast
"""

FEATURES = """\
# Feature sets in Python

What a [feature set of one's own](../features.md) is declared with, and what it is held to.

::: tickcast_modelkit.features

## Columns of bars

::: tickcast_modelkit.features.columns

## Checks

::: tickcast_modelkit.checks
"""
