"""Requests: checking each one, and passing it to its handler, which answers it."""
