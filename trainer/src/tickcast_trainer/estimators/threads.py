"""Linear algebra on one thread: how many there are changes the order of sums, and so the digest."""

from contextlib import AbstractContextManager


def one_thread() -> AbstractContextManager[object]:
    """Hold the libraries of linear algebra to one thread while the context lasts."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits
