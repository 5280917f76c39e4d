"""``python -m benchmarks.counted FILE ...``: twistd that counts calls into C code.

Every method of a socket, an epoll object or a database connection, every hash and every cipher is a
call into C code. They are counted by name, in all threads. SIGUSR1 writes the counts to FILE. The
counts are the same on every machine, however busy.
"""

import json
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType

__all__ = ["main"]

_calls: Counter[str] = Counter()


def _count(frame: FrameType, event: str, called: object) -> None:
    if event == "c_call":
        _calls[str(getattr(called, "__qualname__", called))] += 1


def main() -> None:
    """Run twistd with counting."""
    path = Path(sys.argv.pop(1))

    def write(number: int, frame: object) -> None:
        part = path.with_suffix(".part")
        part.write_text(json.dumps(dict(_calls)))
        part.rename(path)

    signal.signal(signal.SIGUSR1, write)
    from twisted.scripts.twistd import run

    threading.setprofile(_count)
    sys.setprofile(_count)
    run()


if __name__ == "__main__":
    main()
