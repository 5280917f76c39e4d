"""Fixtures of the tests over sockets."""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_twisted
from twisted.logger import ILogObserver, LogEvent, eventAsText, globalLogPublisher
from zope.interface import implementer

from chat.limits import Limits
from chat.server import oplog
from tests.e2e.programs import Programs
from tests.e2e.support import Log, Server, eventually, is_complaint, the_reactor

StartServer = Callable[[Limits], Awaitable[Server]]


@asynccontextmanager
async def starting() -> AsyncIterator[StartServer]:
    """A function that starts servers. In the end nothing may be left in the reactor."""
    servers: list[Server] = []
    before = set(the_reactor().getDelayedCalls())

    async def start(limits: Limits) -> Server:
        server = Server(limits)
        servers.append(server)
        await server.open()
        return server

    yield start
    for server in servers:
        await server.close()
    await eventually(lambda: set(the_reactor().getDelayedCalls()) <= before)


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    """Starts programs; all of them have ended after the test."""
    programs = Programs(tmp_path)
    yield programs
    programs.clean_up()


@pytest.fixture(scope="module", autouse=True)
def every_line_is_logged() -> Iterator[None]:
    """Let no budget leave out lines that these tests look for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oplog, "SAME", 10**9)
        patch.setattr(oplog, "LINES", 10**9)
        yield


@pytest.fixture(scope="module", autouse=True)
def no_error_is_lost() -> Iterator[None]:
    """Fail the module if an error came up that nobody took; those are logged when they go."""
    complaints: list[str] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        if is_complaint(event):
            complaints.append(eventAsText(event))

    globalLogPublisher.addObserver(observe)
    yield
    gc.collect()
    globalLogPublisher.removeObserver(observe)
    assert complaints == []


@pytest.fixture
def log() -> Iterator[Log]:
    """What is logged in this process during a test; a traceback fails it."""
    log = Log()
    globalLogPublisher.addObserver(log)
    yield log
    globalLogPublisher.removeObserver(log)
    assert [eventAsText(event) for event in log.events if is_complaint(event)] == []


@pytest_twisted.async_yield_fixture()
async def start_server() -> AsyncIterator[StartServer]:
    """A function that starts a server in this process with given limits, and alice and bob on
    it."""
    async with starting() as start:
        yield start


@pytest_twisted.async_yield_fixture(scope="module")
async def shared_server() -> AsyncIterator[Server]:
    """A server for all tests of a module. It looks at its deadlines often."""
    async with starting() as start:
        yield await start(Limits(sweep_seconds=0.05, presence_seconds=0))


@pytest_twisted.async_yield_fixture()
async def server(shared_server: Server) -> AsyncIterator[Server]:
    """The module's server, with nobody on it but alice and bob."""
    size = shared_server.size()
    yield shared_server
    await shared_server.clear()
    await shared_server.settle(size)
