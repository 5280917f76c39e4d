"""Tests of chat.client."""
