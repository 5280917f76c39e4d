"""Tests of chat.client.core."""
