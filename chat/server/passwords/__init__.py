"""Passwords: who checks them, and the file that has them."""
