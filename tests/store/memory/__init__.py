"""Tests of `chat.store.memory`."""
