"""Makes ``encchat:PATH`` known to whatever takes ``--auth``."""

from chat.server.passwords.checker import ScryptFileCheckerFactory

encchat_auth = ScryptFileCheckerFactory()
