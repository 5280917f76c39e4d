"""Tests of chat.store, and the suite that every keeper of logs must pass."""
