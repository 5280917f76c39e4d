"""What both faces at a terminal do before they run: ask for secrets, and choose a loop."""

import argparse
import asyncio
import os
from getpass import getpass

__all__ = ["ask_secrets", "install_loop"]


def ask_secrets(arguments: argparse.Namespace) -> None:
    """Replace the options that ask for a secret by what the environment has or the user types."""
    for name in ("passphrase", "password"):
        setattr(arguments, name, _secret(name) if getattr(arguments, name) else None)


def _secret(name: str) -> str:
    given = os.environ.get(f"ENCCHAT_{name.upper()}")
    return given if given is not None else getpass(f"{name.capitalize()}: ")


def install_loop() -> asyncio.AbstractEventLoop:
    """Let the reactor run on an asyncio loop; return that. Before anything imports the reactor."""
    from twisted.internet import asyncioreactor

    loop = asyncio.SelectorEventLoop()
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)
    return loop
