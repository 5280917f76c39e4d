"""Tests of `chat.server.state.directory`."""
