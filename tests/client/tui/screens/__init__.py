"""Tests of chat.client.tui.screens."""
