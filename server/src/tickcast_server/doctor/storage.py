"""Whether bars can be kept: in the embedded store's folder, or in a store of one's own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tickcast_server.doctor.finding import Finding
from tickcast_server.errors import StoreUnavailable
from tickcast_server.settings import Settings
from tickcast_server.store.traits import StoreTraits, read_traits

_GIB = 2**30
_ENOUGH = 2 * _GIB
_LITTLE = _GIB // 4

_OLDEST = {"valkey": (7, 2), "redis": (7, 0)}


def check(settings: Settings) -> Iterator[Finding]:
    """The one that the settings choose."""
    if settings.redis_url is None:
        yield from _folder(settings.data)
        return
    try:
        traits = read_traits(settings.redis_url.get_secret_value(), timeout=settings.store.timeout)
    except StoreUnavailable as error:
        yield Finding(
            "store",
            "problem",
            str(error),
            "start it, or correct TICKCAST_REDIS_URL; without it the server brings a store",
        )
        return
    yield from _traits(traits)


def _folder(folder: Path) -> Iterator[Finding]:
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    try:
        # Rights alone do not say it: the disk may be full, or mounted to be read.
        tempfile.TemporaryFile(dir=existing).close()
    except OSError as error:
        yield Finding(
            "store",
            "problem",
            f"the embedded store cannot write into {folder.absolute()}: {error.strerror}",
            f"chown $USER {existing}, or set TICKCAST_DATA to a folder of yours",
        )
        return
    yield Finding("store", "ok", f"the embedded store can write into {folder.absolute()}")
    free = shutil.disk_usage(existing).free
    says = f"{free / _GIB:.1f} GiB are free there"
    if free >= _ENOUGH:
        yield Finding("disk", "ok", says)
    else:
        yield Finding(
            "disk",
            "warning" if free >= _LITTLE else "problem",
            says,
            "free some, or set TICKCAST_DATA to a folder on another disk",
        )


def _traits(traits: StoreTraits) -> Iterator[Finding]:
    called = f"{traits.product} {'.'.join(map(str, traits.version))}"
    oldest = _OLDEST[traits.product]
    if traits.version < oldest:
        needed = ".".join(map(str, oldest))
        yield Finding(
            "store",
            "problem",
            f"{called} answers, {needed} is needed",
            f"install {needed} or later",
        )
    else:
        yield Finding("store", "ok", f"{called} answers")
    if traits.cluster:
        yield Finding(
            "store",
            "problem",
            "it is a cluster, where a bar and its event cannot be written in one step",
            "use one that is none; one process keeps thousands of symbols",
        )
    if not traits.durable:
        yield Finding(
            "store",
            "warning",
            f"appendonly is {traits.appendonly} and appendfsync {traits.appendfsync}: "
            "acknowledged bars may be lost when its machine fails",
            "redis-cli config set appendonly yes && redis-cli config set appendfsync always",
        )
    if traits.evicts:
        yield Finding(
            "store",
            "warning",
            f"maxmemory-policy is {traits.maxmemory_policy}: bars may be thrown away",
            "redis-cli config set maxmemory-policy noeviction",
        )
