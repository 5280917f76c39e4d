"""Tests of chat.store, and the suite that every store must pass."""
