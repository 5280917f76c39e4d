"""Tests of chat.client.tui."""
