"""What outlives the application: drafts, and where one was."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from chat.client.core.interfaces import StorageError
from chat.client.core.rooms import Room
from chat.client.storage.servers import Visit
from chat.client.tui.client import RoomsClient
from chat.client.tui.files import Files

__all__ = ["Memory"]


class Memory:
    """Keeps it in files. `say` is told what cannot be read or written."""

    def __init__(self, files: Files, say: Callable[[StorageError], None]) -> None:
        self._files = files
        self._say = say
        self._is_saving = False

    def visits(self) -> Sequence[Visit]:
        """Return where the user was, the latest place first."""
        try:
            return self._files.servers.read()
        except StorageError as error:
            self._say(error)
            return ()

    def went_to(self, client: RoomsClient, room: Room) -> None:
        """Remember where the user is, for the next start."""
        name = f"@{room.name}" if room.is_private else room.name
        try:
            self._files.servers.note(Visit(client.address, client.nick, name))
        except StorageError as error:
            self._say(error)

    def draft(self, client: RoomsClient, room: Room) -> str:
        """Return what was written for a room, before a restart if need be."""
        if room.draft:
            return room.draft
        try:
            account = client.core.account.account
            text = self._files.drafts.read(client.address, account, room.log)
        except StorageError as error:
            self._say(error)
            return ""
        client.core.set_draft(room, text)
        return text

    def keep_draft(self, client: RoomsClient, room: Room, text: str) -> None:
        """Keep what is written for a room; `save` writes it."""
        if text != room.draft:
            client.core.set_draft(room, text)
            account = client.core.account.account
            self._files.drafts.note(client.address, account, room.log, text)

    @property
    def is_to_save(self) -> bool:
        """Whether there is something to `save` that is not being saved."""
        return not self._is_saving and not self._files.drafts.is_saved

    async def save(self) -> None:
        """Write drafts, in a thread: to be called about once a second."""
        if not self.is_to_save:
            return
        self._is_saving = True
        try:
            await asyncio.to_thread(self._files.drafts.save)
        except StorageError as error:
            self._say(error)
        finally:
            self._is_saving = False

    def save_now(self) -> None:
        """Write drafts at the end."""
        with suppress(StorageError):  # There is nobody left to tell.
            self._files.drafts.save()
