"""Tests of `chat.server.fanout`."""
