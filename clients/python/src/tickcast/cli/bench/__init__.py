"""`tickcast bench`: what the user's own server carries, as this machine can ask for it."""

from tickcast.cli.bench.command import register

__all__ = ["register"]
