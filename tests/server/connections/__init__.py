"""Tests of `chat.server.connections`."""
