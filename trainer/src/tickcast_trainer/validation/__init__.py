"""Checks of the checks: leaks, splits, comparisons, intervals and searches (docs/validation.md)."""
