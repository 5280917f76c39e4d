"""Tests of chat.client.storage."""
