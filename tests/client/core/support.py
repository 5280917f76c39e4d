"""A core without a face: its events are kept, and so are the outcomes of what it is asked to do."""

from collections.abc import Callable
from hashlib import sha256
from typing import TypeVar

from chat.client.core.address import Address
from chat.client.core.commands import Command
from chat.client.core.core import Core
from chat.client.core.events import Event
from chat.client.core.login import NO_CREDENTIALS, Credentials
from chat.client.core.model import Message
from chat.client.core.reconnect import Backoff
from chat.client.core.resync import LOBBY
from chat.client.core.rooms import Room
from chat.client.core.trust import HostKeyCheck
from chat.content import Content
from chat.ids import AccountId, LogId
from chat.limits import ClientLimits
from chat.rooms.names import name_key
from chat.wire.identity import Identity
from tests.client.model import ModelServer
from tests.client.support import ADDRESS, NetworkByHand

__all__ = ["CoreCase", "FakeKeys", "FakePartners", "FakePins", "only", "text"]

E = TypeVar("E", bound=Event)
T = TypeVar("T")


def text(words: str) -> Content:
    """Return what can be said."""
    return Content(words)


class FakeKeys:
    """The same key for the same nickname, always: two cases are two connections of one account."""

    def __init__(self) -> None:
        self.discarded: list[str] = []

    def identity(self, nick: str) -> Identity:
        return Identity.from_seed(sha256(nick.encode()).digest())

    def keep(self, nick: str) -> None:
        pass

    def discard(self, nick: str) -> None:
        self.discarded.append(nick)

    def rename(self, old: str, new: str) -> str | None:
        return None


class FakePins:
    """Host keys in memory."""

    name = "the test's pins"

    def __init__(self) -> None:
        self.pinned: dict[str, str] = {}

    def fingerprint(self, address: Address) -> str | None:
        return self.pinned.get(str(address))

    def pin(self, address: Address, fingerprint: str) -> None:
        self.pinned[str(address)] = fingerprint


class FakePartners:
    """Whom somebody has talked to, in memory."""

    def __init__(self) -> None:
        self.known: dict[tuple[AccountId, str], LogId] = {}

    def find(self, account: AccountId, nick: str) -> LogId | None:
        return self.known.get((account, name_key(nick)))

    def keep(self, account: AccountId, nick: str, log: LogId | None) -> None:
        if log is None:
            self.known.pop((account, name_key(nick)), None)
        else:
            self.known[account, name_key(nick)] = log


class CoreCase(NetworkByHand):
    """A core at a `ModelServer`. `hear`, if a test sets it, is told of each event as well."""

    def __init__(
        self,
        server: ModelServer | None = None,
        *,
        can_ask: bool = False,
        credentials: Credentials = NO_CREDENTIALS,
        home: str | None = LOBBY,
        catch_up: int | None = None,
        limits: ClientLimits | None = None,
    ) -> None:
        super().__init__(server)
        limits = ClientLimits() if limits is None else limits
        self.events: list[Event] = []
        self.hear: Callable[[Event], None] = lambda event: None
        self.keys = FakeKeys()
        self.backoff = Backoff(limits, lambda: 0.5)
        self.core = Core(
            self._listen,
            check=HostKeyCheck(ADDRESS, FakePins(), can_ask=can_ask),
            keys=self.keys,
            network=self,
            partners=FakePartners(),
            credentials=credentials,
            home=home,
            catch_up=catch_up,
            limits=limits,
            backoff=self.backoff,
        )

    def _listen(self, event: Event) -> None:
        self.events.append(event)
        self.hear(event)

    # --- Coming and going ---

    def register(self, nick: str = "ana") -> "CoreCase":
        """Let the server know somebody's account, with its key, before the first login."""
        self.server.accounts[self.keys.identity(nick).public] = self.server.account(nick)
        return self

    def start(self, nick: str = "ana") -> "CoreCase":
        """Come as far as a host key to decide about."""
        self.core.log_in_as(nick)
        self.connected()
        return self

    def enter(self, nick: str = "ana") -> "CoreCase":
        """Come as far as it goes without a question."""
        self.start(nick)
        self.offer()
        self.carry()
        return self

    def be_back(self) -> None:
        """Let another connection be made, and everything happen that follows."""
        self.come_back()
        self.carry()

    # --- What is asked for, and what is told ---

    def do(self, command: Command) -> list[object]:
        """Have a command carried out, and carry nothing. The list is to get the one outcome."""
        outcomes: list[object] = []
        self.core.do(command, outcomes.append)
        return outcomes

    def done(self, command: Command, kind: type[T]) -> T:
        """Have a command carried out, and carry what follows; return the one outcome."""
        outcomes = self.do(command)
        self.carry()
        return only(outcomes, kind)

    def told(self, kind: type[E]) -> list[E]:
        """Return the events of a kind since the last `forget`, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def last(self, kind: type[E]) -> E:
        """Return the last event of a kind."""
        return self.told(kind)[-1]

    def forget(self) -> None:
        """Forget the events so far."""
        self.events.clear()

    # --- The model ---

    def room(self, name: str = LOBBY) -> Room:
        """Return a room that one is in."""
        room = self.core.room(name)
        assert room is not None
        return room

    def private(self, nick: str) -> Room:
        """Return a private conversation that there is."""
        room = self.core.private(nick)
        assert room is not None
        return room

    def message(self, words: str, name: str = LOBBY) -> Message:
        """Return the one message of a room that reads like this."""
        [message] = [it for it in self.room(name).timeline if it.text == words]
        return message

    def texts(self, name: str = LOBBY) -> list[str]:
        """Return what the messages of a room say, in their order."""
        return [message.text for message in self.room(name).timeline]


def only(outcomes: list[object], kind: type[T]) -> T:
    """Return the one outcome, which is of a kind."""
    [outcome] = outcomes
    assert isinstance(outcome, kind)
    return outcome
