"""Tests of chat.client.wording."""
