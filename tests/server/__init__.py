"""Tests of chat.server, through fake transports and a clock that is wound by hand."""
