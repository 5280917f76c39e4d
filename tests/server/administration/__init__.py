"""Tests of `chat.server.administration`."""
