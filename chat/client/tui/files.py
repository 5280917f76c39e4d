"""What the application keeps on disk: settings, keys, drafts, and where one was."""

from dataclasses import dataclass
from pathlib import Path

from chat.client.storage.bindings import BindingsFile
from chat.client.storage.drafts import Drafts
from chat.client.storage.servers import Servers
from chat.client.storage.settings import SettingsFile
from chat.client.tui.keys import usual_keys

__all__ = ["Files"]


@dataclass(frozen=True, slots=True)
class Files:
    """The files in the client's directory."""

    settings: SettingsFile
    bindings: BindingsFile
    drafts: Drafts
    servers: Servers

    @classmethod
    def at(cls, home: Path) -> "Files":
        """Return those in a directory."""
        return cls(
            SettingsFile(home), BindingsFile(home, usual_keys()), Drafts(home), Servers(home)
        )
