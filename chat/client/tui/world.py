"""Puts the conductor together: clock, network, files. Imported after the first paint."""

import argparse
import os
import time
from collections.abc import Callable

from msgspec import UNSET
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from chat.client.arguments import THIS_MACHINE
from chat.client.core.address import Address
from chat.client.core.core import Core
from chat.client.core.events import Event
from chat.client.core.login import Credentials
from chat.client.core.resync import LOBBY
from chat.client.network.assemble import assemble
from chat.client.storage.home import kept_in
from chat.client.storage.known_hosts import default_home
from chat.client.tui.app import ChatApp
from chat.client.tui.conductor import Conductor
from chat.client.tui.entrance import Start
from chat.client.tui.files import Files
from chat.client.tui.zone import LocalZone
from chat.limits import ClientLimits

__all__ = ["make_conductor"]


def make_conductor(app: ChatApp, arguments: argparse.Namespace, reactor: IReactorTime) -> Conductor:
    """Return what runs the application, for what was asked for on the command line."""
    address: Address = arguments.address
    asked = Start(
        address,
        arguments.nick,
        arguments.room or address.room,
        credentials=Credentials(
            arguments.link or UNSET, address.token or UNSET, arguments.password or UNSET
        ),
        identity=arguments.identity,
        passphrase=arguments.passphrase,
    )
    is_anything_asked = address is not THIS_MACHINE or asked != Start(THIS_MACHINE)

    def make_core(listener: Callable[[Event], None], start: Start) -> Core:
        return assemble(
            reactor,
            listener,
            start.address,
            **kept_in(default_home(), start.address, start.identity, start.passphrase),
            can_ask=True,
            trust_new=arguments.trust_new,
            credentials=start.credentials,
            home=None if start.room else LOBBY,
            catch_up=ClientLimits().catch_up,
        )

    conductor = Conductor(
        app,
        asked if is_anything_asked else None,
        make_core,
        Files.at(default_home()),
        seconds=reactor.seconds,
        milliseconds=lambda: round(time.time() * 1_000),
        zone=LocalZone(),
        environment=os.environ,
    )
    ticker = LoopingCall(lambda: app.call(conductor.tick))
    ticker.clock = reactor
    ticker.start(1.0, now=False)
    return conductor
