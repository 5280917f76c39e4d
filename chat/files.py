"""Files that are there whole or not at all, whatever happens while they are written."""

import os
from pathlib import Path

__all__ = ["create_whole", "write_whole"]


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in the place of whatever is there, readable by its owner alone. Raises OSError.

    It is durable, and so is its name, when this returns. What root replaces stays its owner's. One
    process at a time may do this; what it leaves if it dies, the next one removes.
    """
    new = path.with_name(f"{path.name}.new")
    _write(new, content)
    if path.exists() and hasattr(os, "geteuid") and os.geteuid() == 0:
        owner = path.stat()
        os.chown(new, owner.st_uid, owner.st_gid)
    new.rename(path)
    _sync_names(path.parent)


def create_whole(path: Path, content: bytes) -> bool:
    """Do the same unless there is a file already; return whether there was none.

    Any number of processes may do this at once. Raises OSError.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    _write(new, content)
    try:
        if os.name == "posix":
            os.link(new, path)
        else:
            new.rename(path)  # Which refuses to replace anything.
            return True
    except FileExistsError:
        return False
    finally:
        new.unlink(missing_ok=True)
    _sync_names(path.parent)
    return True


def _write(new: Path, content: bytes) -> None:
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_names(directory: Path) -> None:
    if os.name == "posix":  # Elsewhere a directory cannot be opened.
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
