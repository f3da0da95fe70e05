"""`tickcast doctor`: what is wrong with a server or with this machine, and what to do."""

from tickcast.cli.doctor.command import register

__all__ = ["register"]
