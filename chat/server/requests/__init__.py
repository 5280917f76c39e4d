"""Requests: each one is taken to its handler, checked, and answered."""
