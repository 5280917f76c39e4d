"""Makes ``encchat:PATH`` known to whatever takes ``--auth``."""

from chat.server.passwords.checker import PasswordFileCheckerFactory

encchat_auth = PasswordFileCheckerFactory()
