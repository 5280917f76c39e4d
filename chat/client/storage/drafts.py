"""What was typed and not sent, by server, account and room, so that it outlives the client.

One small file for each, for the user alone. Its name is a hash: names of servers come from links,
and never become part of a path.
"""

import hashlib
from pathlib import Path
from typing import Final

from chat.client.core.address import Address
from chat.client.core.interfaces import StorageError
from chat.files import write_whole
from chat.ids import AccountId, LogId

__all__ = ["DRAFT_BYTES", "Drafts"]

DRAFT_BYTES: Final = 65_536
"""Of one draft, in UTF-8. The rest of a longer one is not kept."""

_FILES_MOST: Final = 1_000
"""Beyond it the oldest drafts are removed: 64 MB, if all of them are as long as they can be."""


class Drafts:
    """Drafts in a directory. `note` what changes, and `save` about once a second.

    Saving waits for the disk, so it may be called in a thread, one at a time.
    """

    def __init__(self, home: Path) -> None:
        self._directory = home / "drafts"
        self._changed: dict[Path, str] = {}

    def read(self, server: Address, account: AccountId, log: LogId) -> str:
        """Return what was typed; empty if nothing was. Raises StorageError."""
        path = self._path(server, account, log)
        if path in self._changed:
            return self._changed[path]
        try:
            with open(path, "rb") as file:
                return file.read(DRAFT_BYTES).decode(errors="ignore")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}") from None

    def note(self, server: Address, account: AccountId, log: LogId, text: str) -> None:
        """Note a draft, to be saved; an empty one is to be removed."""
        self._changed[self._path(server, account, log)] = text

    @property
    def is_saved(self) -> bool:
        """Whether everything that was noted is on disk."""
        return not self._changed

    def save(self) -> None:
        """Write what was noted. What cannot be written stays noted. Raises StorageError."""
        for path, text in list(self._changed.items()):
            try:
                self._write(path, text)
            except OSError as error:
                raise StorageError(f"{path} cannot be written: {error.strerror}") from None
            # In another thread it may have changed meanwhile, and has to be written again then.
            if self._changed.get(path) == text:
                del self._changed[path]

    def _write(self, path: Path, text: str) -> None:
        if not text.strip():
            path.unlink(missing_ok=True)
            return
        content = text.encode(errors="ignore")[:DRAFT_BYTES]
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_new = not path.exists()
        write_whole(path, content.decode(errors="ignore").encode())
        if is_new:
            self._remove_oldest()

    def _remove_oldest(self) -> None:
        files = list(self._directory.iterdir())
        if len(files) > _FILES_MOST:
            files.sort(key=lambda it: it.stat().st_mtime)
            for path in files[: len(files) - _FILES_MOST]:
                path.unlink(missing_ok=True)

    def _path(self, server: Address, account: AccountId, log: LogId) -> Path:
        # The lengths of the ids are fixed, so no two keys have the same bytes.
        whole = f"{server}\n".encode(errors="surrogatepass") + account + log
        return self._directory / hashlib.sha256(whole).hexdigest()[:32]
