"""Tests of `chat.server.passwords.file`."""
