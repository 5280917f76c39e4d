"""Tests of chat.rooms: the domain, without bytes, keys or I/O."""
