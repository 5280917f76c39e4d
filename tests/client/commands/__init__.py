"""Tests of chat.client.commands."""
