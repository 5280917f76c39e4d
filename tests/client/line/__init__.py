"""Tests of chat.client.line."""
