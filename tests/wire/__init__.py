"""Tests of `chat.wire`, without Twisted."""
