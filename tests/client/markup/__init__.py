"""Tests of the Markdown of chat."""
