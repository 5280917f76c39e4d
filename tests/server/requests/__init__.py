"""Tests of `chat.server.requests.dispatcher`."""
