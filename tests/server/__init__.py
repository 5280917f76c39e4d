"""Tests of chat.server, with fake transports and a manual clock."""
