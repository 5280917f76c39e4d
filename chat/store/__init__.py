"""Logs, where they are kept. The rest of the server knows only `chat.store.interface`."""
