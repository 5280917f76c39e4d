"""Registers ``encchat:PATH`` with programs that have ``--auth``."""

from chat.server.passwords.checker import PasswordFileCheckerFactory

encchat_auth = PasswordFileCheckerFactory()
