"""Passwords: the checkers, and encchat's own password file."""
