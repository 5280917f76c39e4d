"""Backups of a state directory: one file with everything needed to restore the server.

The first line says whether the rest is plain or sealed (`sealed.py`). The rest is a tar archive
whose first member lists the others, with their sizes and SHA-256 hashes. The server may run while a
backup is made. The backup is read back before it gets its name, and restored completely or not at
all.
"""

import hashlib
import os
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final, cast

import msgspec
from msgspec import Struct

from chat.files import give_to_owner_of, write_whole
from chat.server.administration.requests import ControlError
from chat.server.administration.sealed import Opening, SealedError, Sealing
from chat.server.fanout.epochs import open_epoch
from chat.server.settings import ConfigurationError
from chat.server.state.directory import (
    STORE,
    StateDirectory,
    read_host_key,
    read_storage_key,
    store_url,
)
from chat.store.interface import Epoch, StoreError
from chat.store.registry import check_copy, copy_store

__all__ = ["Contents", "back_up", "is_sealed", "restore", "verify"]

_PLAIN: Final = b"encchat-backup 1 plain\n"
_SEALED: Final = b"encchat-backup 1 sealed\n"
_LIST: Final = "files.json"
_LIST_BYTES: Final = 2**20
"""Upper bound on the size of the list of files."""
_NEEDED: Final = frozenset({STORE, "host_key.pem", "storage_key"})
_PASSING: Final = ("lock", "*-wal", "*-shm", "*-journal", "*.new", "*.pid", "*.log", "*.log.*")
"""Files that only a running server or twistd needs."""
_PIECE: Final = 2**20


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    size: int
    sha256: str


class Contents(Struct, frozen=True, forbid_unknown_fields=True):
    """The contents of a backup."""

    time: int
    """When it was made, in milliseconds since 1970 UTC."""
    fingerprint: str
    """Fingerprint of the host key."""
    records: int
    """Number of records in all rooms and conversations."""
    files: dict[str, _File]


def back_up(state: Path, target: Path, passphrase: str | None) -> Contents:
    """Write a backup of a state directory, verify it, and return its contents.

    `target` is replaced atomically: it holds either what was there before or a complete backup.
    Raises ControlError.
    """
    if state.resolve() in target.resolve().parents:
        raise ControlError(f"{target} would be in the state directory. Write it to another disk.")
    if target.is_dir():
        raise ControlError(f"{target} is a directory; name a file.")
    with _sentences(), _place_beside(target) as place:
        database = place / STORE
        copy_store(store_url(state), database)
        # The key before its history: see `StateDirectory.replace_host_key`.
        contents = {"host_key.pem": (state / "host_key.pem").read_bytes()}
        for path in sorted(state.iterdir()):
            if path.name not in (STORE, *contents) and _is_kept(path):
                contents[path.name] = path.read_bytes()
        if not {STORE, *contents} >= _NEEDED:
            raise ControlError(
                f"{', '.join(_NEEDED - {STORE, *contents})} is missing from {state}."
            )
        for name, content in contents.items():
            write_whole(place / name, content)
        names = [STORE, *contents]
        listed = Contents(
            time.time_ns() // 1_000_000,
            read_host_key(place).fingerprint,
            _check_database(place),
            {name: _describe(place / name) for name in names},
        )
        new = place / "backup"
        with open(new, "xb") as file:
            _write(file, place, listed, passphrase)
            file.flush()
            os.fsync(file.fileno())
        for name in names:
            (place / name).unlink()
        if verify(new, passphrase) != listed:
            raise ControlError("The backup differs from what was written. Check the disk.")
        new.chmod(0o600)
        new.replace(target)
        _sync(target.parent)
    return listed


def is_sealed(source: Path) -> bool:
    """Return whether a backup needs a passphrase. Raises ControlError if it is not a backup."""
    with _sentences(), open(source, "rb") as file:
        return _begin(file, source)


def verify(source: Path, passphrase: str | None) -> Contents:
    """Read a whole backup and return its contents. Raises ControlError if anything is wrong."""
    with _sentences(), _place_beside(source) as place:
        return _extract(source, passphrase, place)


def restore(source: Path, state: Path, passphrase: str | None) -> Contents:
    """Restore a backup to a state directory that is empty or missing. Raises ControlError.

    An existing directory keeps its owner; a new one belongs to the owner of its parent.
    """
    with _sentences():
        found = [it.name for it in state.iterdir()] if state.exists() else []
        if set(found) - {"lock"}:
            raise ControlError(
                f"{state} is not empty. Move it away, or restore to another directory (--state)."
            )
        state.parent.mkdir(parents=True, exist_ok=True)
        owner = state if state.exists() else state.parent
        with _place_beside(state) as place:
            contents = _extract(source, passphrase, place)
            for path in (*place.iterdir(), place):
                give_to_owner_of(owner, path)
            if found:
                StateDirectory(state).close()  # Check that nobody uses it.
                (state / "lock").unlink()
            _sync(place)
            place.rename(state)
            _sync(state.parent)
    return contents


# --- The file ---


def _write(file: IO[bytes], place: Path, listed: Contents, passphrase: str | None) -> None:
    file.write(_PLAIN if passphrase is None else _SEALED)
    stream = file if passphrase is None else cast(IO[bytes], Sealing(file, passphrase))
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        (place / _LIST).write_bytes(msgspec.json.format(msgspec.json.encode(listed)))
        for name in (_LIST, *listed.files):
            archive.add(place / name, name, recursive=False, filter=_anonymous)
    if stream is not file:
        stream.close()


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def _extract(source: Path, passphrase: str | None, place: Path) -> Contents:
    """Write the files of a backup to a directory, and return its contents."""
    with open(source, "rb") as file:
        if _begin(file, source):
            if not passphrase:
                raise ControlError(f"{source} is encrypted and needs its passphrase.")
            stream = cast(IO[bytes], Opening(file, passphrase))
        else:
            stream = file
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            listed = _read_list(archive)
            missing = {**listed.files}
            while (member := archive.next()) is not None:
                expected = missing.pop(member.name, None)
                if expected is None or not member.isreg() or member.size != expected.size:
                    raise ControlError(
                        f"{source} is damaged: it contains {member.name!r}, which it does not list."
                    )
                _write_member(archive, member, place / member.name)
                if _describe(place / member.name) != expected:
                    raise ControlError(f"{source} is damaged: {member.name} has changed.")
        if missing:
            raise ControlError(f"{source} is damaged: {', '.join(missing)} is missing.")
    if read_host_key(place).fingerprint != listed.fingerprint:
        raise ControlError(f"{source} is damaged: its host key is not the one it lists.")
    if _check_database(place) != listed.records:
        raise ControlError(f"{source} is damaged: its number of records is not the one it lists.")
    return listed


def _begin(file: IO[bytes], source: Path) -> bool:
    line = file.readline(64)
    if line not in (_PLAIN, _SEALED):
        raise ControlError(f"{source} is not a backup of encchat, or comes from a later version.")
    return line == _SEALED


def _read_list(archive: tarfile.TarFile) -> Contents:
    member = archive.next()
    file = archive.extractfile(member) if member is not None and member.name == _LIST else None
    if file is None:
        raise ControlError("The backup is damaged: it does not begin with a list of its files.")
    listed = msgspec.json.decode(file.read(_LIST_BYTES), type=Contents)
    for name in listed.files:
        if name != os.path.basename(name) or name in ("", ".", "..", _LIST):
            raise ControlError(f"The backup is damaged: {name!r} is not a file name.")
    if not listed.files.keys() >= _NEEDED:
        raise ControlError("The backup is damaged: it is incomplete.")
    return listed


def _write_member(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    file = archive.extractfile(member)
    assert file is not None
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
        while piece := file.read(_PIECE):
            new.write(piece)
        new.flush()
        os.fsync(new.fileno())


def _describe(path: Path) -> _File:
    with open(path, "rb") as file:
        return _File(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _check_database(place: Path) -> int:
    """Check the database in a directory, with the storage key there; return how many records it
    has. Raises StoreError, ConfigurationError."""
    key = read_storage_key(place)

    def check(epoch: Epoch) -> None:
        try:
            open_epoch(epoch, key)
        except StoreError:
            raise StoreError(
                f"the storage key does not open the messages in {STORE}: it is another server's,"
                " or damaged"
            ) from None

    return check_copy(store_url(place), check)


def _is_kept(path: Path) -> bool:
    return path.is_file() and not any(path.match(passing) for passing in _PASSING)


@contextmanager
def _place_beside(path: Path) -> Iterator[Path]:
    """Yield a new directory on the same disk, and remove it afterwards."""
    place = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.absolute().parent))
    try:
        yield place
    finally:
        with suppress(FileNotFoundError):
            for left in place.iterdir():
                left.unlink()
            place.rmdir()


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn errors about files and their contents into ControlError."""
    try:
        yield
    except OSError as error:
        raise ControlError(f"{error.filename or 'A file'}: {error.strerror}.") from None
    except (SealedError, StoreError, ConfigurationError) as error:
        raise ControlError(f"{error}.") from None
    except (tarfile.TarError, msgspec.MsgspecError, EOFError, ValueError) as error:
        raise ControlError(f"The backup is damaged: {error}.") from None


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
