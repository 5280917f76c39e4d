"""The terminal client: ``python -m chat.client``."""
