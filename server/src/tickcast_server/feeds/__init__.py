"""Bars on their way: in, through checks and the store, and out to every subscriber."""
