"""Files of lines that belong to the user alone and only ever grow.

Each line is appended in one write, so that processes which write at once lose nothing of each
other's, without locks, which differ between platforms.
"""

import os
from pathlib import Path

__all__ = ["append_line", "read_lines"]


def append_line(path: Path, line: str) -> None:
    """Append `line` and make it durable. Makes directory and file where they are missing.

    Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    with open(os.open(path, flags, 0o600), "ab", buffering=0) as file:
        file.write(f"{line}\n".encode())
        os.fsync(file.fileno())


def read_lines(path: Path) -> list[tuple[int, str]]:
    """Return number and text of each line that is neither empty nor a comment; none of no file.

    Raises OSError, UnicodeDecodeError.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return []
    return [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line and not line.startswith("#")
    ]
