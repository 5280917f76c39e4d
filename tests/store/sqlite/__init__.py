"""Tests of `chat.store.sqlite`."""
