"""Asking again after what passes: too many requests, a server in trouble, a broken answer."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from tickcast_trainer.sources.remote import InvalidAnswer, RateLimited, RemoteSourceError

ATTEMPTS = 5
LONGEST_WAIT_SECONDS = 120.0
"""A vendor that asks for more is given up for this run, and the next source asked."""

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Passing(Exception):
    """Something that may be gone at the next attempt, and what it becomes when it is not."""

    def __init__(self, error: RemoteSourceError, *, retry_after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.retry_after = retry_after
        """Seconds that the vendor asked to wait, if it did."""


def with_retries(call: Callable[[], _T], *, sleep: Callable[[float], None]) -> _T:
    """Return what ``call`` returns, calling it again while it raises Passing.

    Waits as long as the vendor asks, else 1, 2, 4, 8 seconds and up to one more, so that clients do
    not come back together. Raises the RemoteSourceError that the last attempt raised.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(Passing),
        stop=stop_after_attempt(ATTEMPTS),
        wait=_wait,
        sleep=sleep,
        before_sleep=_note,
        reraise=True,
    )
    try:
        result: _T = retrying(_give_up_on_long_waits, call)
    except Passing as last:
        raise last.error from last
    return result


def retry_after(header: str | None, *, now: float) -> float | None:
    """Read a Retry-After header, seconds or an HTTP date; None for none or nonsense."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        instant = parsedate_to_datetime(header)
    except ValueError:
        return None
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.fromtimestamp(now, UTC)).total_seconds())


def passing_status(
    source: str, status: int, *, wait: float | None, said: str = ""
) -> Passing | None:
    """Return what to raise for an HTTP status that may pass, or None for one that will not."""
    detail = f"{source}: answered {status}{': ' + said if said else ''}"
    if status == 429:
        return Passing(RateLimited(f"{detail}, too many requests"), retry_after=wait)
    if status >= 500:
        return Passing(RemoteSourceError(detail), retry_after=wait)
    return None


def broken_answer(source: str, reason: str) -> Passing:
    """Return what to raise for an answer that was cut short or is not what it should be."""
    return Passing(InvalidAnswer(f"{source}: answered with {reason}"))


def _give_up_on_long_waits(call: Callable[[], _T]) -> _T:
    try:
        return call()
    except Passing as passing:
        asked = passing.retry_after
        if asked is not None and asked > LONGEST_WAIT_SECONDS:
            raise RateLimited(f"{passing.error}; it asks to wait {asked:.0f} s") from passing
        raise


_backoff = wait_exponential_jitter(initial=1.0, max=60.0, jitter=1.0)


def _wait(state: RetryCallState) -> float:
    assert state.outcome is not None
    error = state.outcome.exception()
    if isinstance(error, Passing) and error.retry_after is not None:
        return error.retry_after
    return _backoff(state)


def _note(state: RetryCallState) -> None:
    assert state.outcome is not None
    assert state.next_action is not None
    _log.info("%s; asked again in %.0f s", state.outcome.exception(), state.next_action.sleep)
