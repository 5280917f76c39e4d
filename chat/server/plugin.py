"""What the twistd plugin needs: options, and the service made from them."""

from typing import Any, cast

from chat.limits import Limits
from chat.server.connections.proxies import Proxies
from chat.server.endpoints import parse_endpoints
from chat.server.oplog import OperatorLog
from chat.server.options import Options
from chat.server.process import Reactor, exit_cleanly_on_signals, reload_on_hangup
from chat.server.service import ChatService
from chat.server.state.retention import RetentionPolicy
from chat.server.state.timekeeper import steady_seconds

__all__ = ["Options", "makeService"]


def makeService(options: Options) -> ChatService:
    """Return the service for ``twistd encchat`` with these options."""
    # Imported here, because twistd chooses and installs the reactor first.
    from twisted.internet import reactor

    log = OperatorLog(options["log-addresses"], steady_seconds)
    proxies = Proxies(options["proxies"])
    endpoints = parse_endpoints(reactor, options["listen"], proxies, log)
    clock = cast(Reactor, reactor)
    # Twisted uses the time of day: setting the clock back an hour would stop all timers for an
    # hour.
    cast(Any, reactor).seconds = steady_seconds
    exit_cleanly_on_signals(clock)
    retention = RetentionPolicy(options["keep-days"], options["keep-records"])
    limits = Limits(**options["limits"])
    service = ChatService(
        *(endpoints, options["state"], clock, limits, retention, not options["no-search"]),
        registration=options["registration"],
        operators=options["operators"],
        proxies=proxies,
        checkers=options["credCheckers"],
        log=log,
    )
    reload_on_hangup(clock, service.reload)
    return service
