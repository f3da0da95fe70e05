"""`tickcast watch`: predictions as bars close, and what became of the ones before."""

from tickcast.cli.watch.command import register

__all__ = ["register"]
