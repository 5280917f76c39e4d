"""Connections to a server, for `chat.client.core`."""
