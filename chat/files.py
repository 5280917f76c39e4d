"""Writing files atomically: a file is complete or not there at all, even after a crash."""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

__all__ = ["create_whole", "exposure", "free_bytes", "give_to_owner_of", "home_path", "write_whole"]


def write_whole(path: Path, content: bytes) -> None:
    """Replace the file at `path`, or create it, with mode 0600. Raises OSError.

    The content and the name are durable when this returns. A file that root replaces keeps its
    owner; one that root creates belongs to the owner of the directory. Only one process at a time
    may do this; if it dies, the next one removes its temporary file.
    """
    new = path.with_name(f"{path.name}.new")
    _write(new, content)
    give_to_owner_of(path if path.exists() else path.parent, new)
    new.rename(path)
    _sync_names(path.parent)


def create_whole(path: Path, content: bytes) -> bool:
    """Create the file at `path`, with mode 0600; return False if it already exists. Raises OSError.

    Durable as `write_whole`. Any number of processes may do this at once.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    _write(new, content)
    try:
        if os.name == "posix":
            os.link(new, path)
        else:
            new.rename(path)  # On Windows this fails if `path` exists.
            return True
    except FileExistsError:
        return False
    finally:
        new.unlink(missing_ok=True)
    _sync_names(path.parent)
    return True


def give_to_owner_of(other: Path, path: Path) -> None:
    """If this process is root, give a file it created to the owner of another. Raises OSError."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        owner = other.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def home_path(variable: str, find: Callable[[], Path]) -> Path:
    """Return the directory named by an environment variable, or what `find` returns if it is unset.

    `find` is a function of platformdirs, which needs the user's home. Raises FileNotFoundError if
    there is none: neither $HOME nor a passwd entry.
    """
    named = os.environ.get(variable)
    if named:
        return Path(named)
    with suppress(RuntimeError):  # Earlier versions of platformdirs return an unexpanded "~".
        path = find()
        if path.is_absolute():
            return path
    raise FileNotFoundError(errno.ENOENT, f"there is no home directory; set ${variable}")


def exposure(path: Path) -> str | None:
    """Return what is wrong with the mode of a file that holds a secret; None if nothing is.

    Only the owner may read it. Its group may too if that is clearly intended: mode 0440, which
    mounted secrets have. Raises OSError.
    """
    found = path.stat()
    mode = stat.S_IMODE(found.st_mode)
    if not mode & 0o077 or mode == 0o440 or not stat.S_ISREG(found.st_mode):
        return None
    return (
        f"others can use {path} (mode {mode:04o}): chmod 600 {path}, or 440 if its group is to "
        "read it, as with a mounted secret"
    )


def _write(new: Path, content: bytes) -> None:
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_names(directory: Path) -> None:
    if os.name == "posix":  # Windows cannot open a directory.
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def free_bytes(path: Path) -> int:
    """Return how much space is free for us on the disk of `path`. Raises OSError."""
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize
