"""The state directory: who this server is, and that only one server at a time is it."""

import fcntl
import os
from pathlib import Path

from platformdirs import user_data_path

from chat.wire.hostkey import HostKey
from chat.wire.sealing import KEY_BYTES

__all__ = ["ConfigurationError", "State", "default_state_path"]


class ConfigurationError(Exception):
    """Something the operator has to change; the text says what."""


def default_state_path() -> Path:
    """Return ``$ENCCHAT_STATE``, or the platform's data directory for encchat."""
    named = os.environ.get("ENCCHAT_STATE")
    return Path(named) if named else user_data_path("encchat", appauthor=False) / "server"


class State:
    """An open state directory (mode 0700), locked until `close`."""

    def __init__(self, path: Path) -> None:
        """Open `path`, which is made if need be. Raises ConfigurationError."""
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not any(path.iterdir()):  # Never a directory that serves something else as well.
                path.chmod(0o700)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigurationError(
                f"the state directory {path} cannot be used: {error.strerror}"
            ) from None
        try:
            # The kernel lets go of this lock however the process ends, so nothing stale can remain.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise ConfigurationError(
                f"another server is using the state directory {path}"
            ) from None

    def close(self) -> None:
        """Let another server have the directory."""
        os.close(self._lock)

    def host_key(self) -> HostKey:
        """Return the host key, made when there is none yet. Raises ConfigurationError."""
        path = self.path / "host_key.pem"
        try:
            if not path.exists():
                self._write(path, HostKey.generate().to_pem())
            return HostKey.from_pem(path.read_text("ascii"))
        except OSError as error:
            raise ConfigurationError(
                f"the host key {path} cannot be used: {error.strerror}"
            ) from None
        except (ValueError, IndexError, TypeError):
            # PyCryptodome has no one error for what is no key.
            raise ConfigurationError(f"{path} is not an Ed25519 private key in PEM") from None

    def storage_key(self) -> bytes:
        """Return the key that wraps the logs' keys, 64 bytes; made when there is none yet.

        Raises ConfigurationError.
        """
        path = self.path / "storage_key"
        try:
            if not path.exists():
                self._write(path, os.urandom(KEY_BYTES).hex() + "\n")
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

    def _write(self, path: Path, text: str) -> None:
        """Write a file that is there whole or not at all, and for nobody else to read."""
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
