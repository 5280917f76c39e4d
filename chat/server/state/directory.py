"""The state directory: the server's identity, and a lock so that only one server uses it."""

import base64
import fcntl
import os
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Final

from platformdirs import user_data_path
from twisted.logger import Logger

from chat.files import exposure, give_to_owner_of, home_path, write_whole
from chat.limits import SUCCESSIONS
from chat.server.settings import ConfigurationError
from chat.wire.hostkey import HOST_KEY_BYTES, SUCCESSION_BYTES, HostKey, predecessors
from chat.wire.sealing import KEY_BYTES

__all__ = [
    "PROXIES",
    "STORE",
    "StateDirectory",
    "default_state_path",
    "read_host_key",
    "read_storage_key",
    "store_url",
]


_log = Logger()

STORE: Final = "encchat.db"
"""The database file."""
ADDRESS: Final = "address"
PROXIES: Final = "proxies"
"""The file with the trusted proxies, one per line."""
HISTORY: Final = "host_key_history"


def store_url(path: Path) -> str:
    """Return the URL of the store in a state directory (`chat.store.registry`)."""
    return f"sqlite:{path / STORE}"


def default_state_path() -> Path:
    """Return ``$ENCCHAT_STATE``, or the platform's data directory for encchat.

    Raises ConfigurationError if there is no home directory.
    """
    try:
        return home_path(
            "ENCCHAT_STATE", lambda: user_data_path("encchat", appauthor=False) / "server"
        )
    except FileNotFoundError as error:
        raise ConfigurationError(f"{error.strerror}, or name the state with --state") from None


class StateDirectory:
    """An open state directory (mode 0700), locked until `close`."""

    def __init__(self, path: Path) -> None:
        """Open `path`, creating it if needed. Raises ConfigurationError."""
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Only an empty one: a directory with other contents may serve another purpose.
            if path.stat().st_mode & 0o077 and not any(path.iterdir()):
                path.chmod(0o700)
                _log.info("Made {path} accessible to its owner only", path=path)
            lock = path / "lock"
            is_new = not lock.exists()
            self._lock = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if is_new:
                give_to_owner_of(path, lock)
        except OSError as error:
            raise ConfigurationError(
                f"the state directory {path} cannot be used: {error.strerror}"
            ) from None
        try:
            # The kernel releases this lock however the process ends, so it cannot become stale.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise ConfigurationError(
                f"another server is using the state directory {path}"
            ) from None

    def close(self) -> None:
        """Release the directory."""
        os.close(self._lock)

    def host_key(self) -> HostKey:
        """Return the host key with its successions; generate one for a new state directory.

        Raises ConfigurationError.
        """
        path = self.path / "host_key.pem"
        try:
            if not path.exists():
                self._check_new(
                    "host_key.pem",
                    "Without a backup, openssl genpkey -algorithm ed25519 makes a new one; clients "
                    "that know this server will refuse it until their users accept the new key",
                )
                write_whole(path, HostKey.generate().to_pem().encode("ascii"))
        except OSError as error:
            raise ConfigurationError(
                f"the host key {path} cannot be used: {error.strerror}"
            ) from None
        return read_host_key(self.path)

    def rotate_host_key(self) -> HostKey:
        """Replace the host key with a new one that it has signed, and return the new one.

        The old private key is deleted. Raises ConfigurationError. A failure, or a crash at any
        point, leaves a usable host key, the old or the new one.
        """
        return self.replace_host_key(self.host_key().succeed())

    def replace_host_key(self, host_key: HostKey) -> HostKey:
        """Replace the host key with a successor, as `rotate_host_key` does."""
        try:
            # In this order: a succession to a key that was never written does no harm, but clients
            # would refuse a key without its succession.
            write_whole(self._history, _encode(host_key.successions).encode("ascii"))
            write_whole(self.path / "host_key.pem", host_key.to_pem().encode("ascii"))
        except OSError as error:
            raise ConfigurationError(
                f"the host key in {self.path} cannot be replaced: {error.strerror}"
            ) from None
        return host_key

    @property
    def _history(self) -> Path:
        """The file with the successions, one per line in base64, oldest first."""
        return self.path / HISTORY

    def address(self) -> str:
        """Return where clients reach the server, as given to `set_address`; empty if never set.

        Raises ConfigurationError.
        """
        path = self.path / ADDRESS
        try:
            return path.read_text("utf-8").strip()
        except FileNotFoundError:
            return ""
        except (OSError, ValueError):
            raise ConfigurationError(f"{path} cannot be read") from None

    def set_address(self, address: str) -> None:
        """Save where clients reach the server. Raises ConfigurationError."""
        try:
            write_whole(self.path / ADDRESS, f"{address}\n".encode())
        except OSError as error:
            raise ConfigurationError(
                f"{self.path / ADDRESS} cannot be written: {error.strerror}"
            ) from None

    def proxies(self) -> list[str]:
        """Return the trusted proxies that the server was last started with.

        Raises ConfigurationError.
        """
        path = self.path / PROXIES
        try:
            return path.read_text("utf-8").split()
        except FileNotFoundError:
            return []
        except (OSError, ValueError):
            raise ConfigurationError(f"{path} cannot be read") from None

    def set_proxies(self, proxies: Sequence[str]) -> None:
        """Save the trusted proxies for `chat.admin`, which may be used when the server is stopped.

        Raises ConfigurationError.
        """
        path = self.path / PROXIES
        content = "".join(f"{it}\n" for it in proxies).encode()
        try:
            if not content:
                path.unlink(missing_ok=True)
            elif not path.exists() or path.read_bytes() != content:
                write_whole(path, content)
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None

    def storage_key(self) -> bytes:
        """Return the key that wraps the logs' keys, 64 bytes; generate one for a new state
        directory.

        Raises ConfigurationError.
        """
        path = self.path / "storage_key"
        try:
            if not path.exists():
                self._check_new(
                    "storage_key",
                    f"Without a backup, all messages are lost; move {STORE} away to start over",
                )
                write_whole(path, os.urandom(KEY_BYTES).hex().encode("ascii") + b"\n")
        except OSError as error:
            raise ConfigurationError(
                f"the storage key {path} cannot be used: {error.strerror}"
            ) from None
        return read_storage_key(self.path)

    def _check_new(self, name: str, remedy: str) -> None:
        """Refuse to generate a file next to an existing store: the file must have been lost."""
        if (self.path / STORE).exists():
            raise ConfigurationError(
                f"{name} is missing from {self.path}, next to {STORE}: "
                f"restore it from a backup. {remedy}"
            )


def read_storage_key(directory: Path) -> bytes:
    """Return the storage key in a directory, 64 bytes. Raises ConfigurationError."""
    path = directory / "storage_key"
    try:
        _check_private(path)
        key = bytes.fromhex(path.read_text("ascii"))
    except OSError as error:
        raise ConfigurationError(
            f"the storage key {path} cannot be used: {error.strerror}"
        ) from None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{path} is not a storage key: 128 hexadecimal digits")
    return key


def read_host_key(directory: Path) -> HostKey:
    """Return the host key in a directory, with its successions. Raises ConfigurationError."""
    path = directory / "host_key.pem"
    try:
        _check_private(path)
        host_key = HostKey.from_pem(path.read_text("ascii"))
    except OSError as error:
        raise ConfigurationError(f"the host key {path} cannot be used: {error.strerror}") from None
    except (ValueError, IndexError, TypeError):
        # PyCryptodome raises several errors for an invalid key.
        raise ConfigurationError(f"{path} is not an Ed25519 private key in PEM") from None
    host_key.successions = _successions(directory / HISTORY, host_key.public)
    return host_key


def _successions(path: Path, public: bytes) -> bytes:
    """Return the successions in a file that lead to the host key."""
    try:
        return _decode(path.read_text("ascii"), public)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise ConfigurationError(
            f"the history of host keys {path} cannot be used: {error.strerror}"
        ) from None
    except ValueError:
        raise ConfigurationError(
            f"{path} does not lead to the host key in host_key.pem: restore both files "
            "from the same backup, or remove it; then clients that know only an earlier key will "
            "refuse this server"
        ) from None


def _check_private(path: Path) -> None:
    """Raise ConfigurationError if others can read the key."""
    wrong = exposure(path)
    if wrong is not None:
        raise ConfigurationError(wrong)


def _encode(successions: bytes) -> str:
    """Return successions as the lines of the history."""
    starts = range(0, len(successions), SUCCESSION_BYTES)
    return "".join(
        base64.b64encode(successions[start : start + SUCCESSION_BYTES]).decode("ascii") + "\n"
        for start in starts
    )


def _decode(text: str, public: bytes) -> bytes:
    """Return the successions of a history, all of which must lead to the key `public`.

    Drops successions from that key on: it was never succeeded, because a rotation was interrupted
    or an earlier host key was restored. Raises ValueError.
    """
    lines = [base64.b64decode(line, validate=True) for line in text.splitlines()]
    kept = [*takewhile(lambda succession: succession[:HOST_KEY_BYTES] != public, lines)]
    successions = b"".join(kept)
    is_whole = all(len(succession) == SUCCESSION_BYTES for succession in lines)
    if not is_whole or len([*predecessors(public, successions)]) != len(kept):
        raise ValueError("a succession that leads nowhere")
    return successions[-SUCCESSIONS * SUCCESSION_BYTES :]
