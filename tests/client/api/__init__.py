"""Tests of the API for bots."""
