"""Tests of chat.client.network."""
