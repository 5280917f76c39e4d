"""Every request meets every event that can affect its asker, at each place where it waits.

Alice sends a request. The store acts only on demand, so the request stops at each thing that it
waits for. There somebody else acts on alice, on the person she asks about, or on a name, either
completely before she continues or at the same time. At the end the store has done everything it was
asked, in order, and then

* nothing that she has lost the right to took effect after the loss, and she was shown nothing that
  she was not allowed to see when it was written (`worlds.Line`);
* she got one answer, or her connection was closed;
* every logged-in session has a key of its account;
* a server that starts now has the same state, and the audit log has an entry for each action.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import pytest
from msgspec import Struct

from chat.ids import DeviceKey, MessageId
from chat.rooms.errors import NotReadError, NotStoredError
from chat.rooms.values import SERVER
from chat.server.administration import requests as c
from chat.server.requests.table import ROUTES
from chat.wire import messages as m
from tests.server.cases import EVERYTHING, READS, ServerCase, SlowPasswords
from tests.server.requests.worlds import ASKED, Line, World, identity, settled_world, snapshot

MESSAGE: Final = MessageId(b"a new message id")
NEW: Final = "a new device"

Make = Callable[[World, Line], Struct]
Key = Callable[[World], bytes]
"""Returns the beginning of an entry in `WatchedStore.done`."""


def in_den(prefix: bytes, nick: str = "") -> Key:
    """Return a key of the den, perhaps for one of its members."""
    return lambda world: prefix + world.log() + world.accounts.get(nick, b"")


def of_alice(prefix: bytes, scope: bytes = b"") -> Key:
    """Return a key of alice, perhaps in a scope."""
    return lambda world: prefix + scope + world.accounts["alice"]


def of_device(name: str, prefix: bytes = b"device/") -> Key:
    """Return the key of a device."""
    return lambda _: prefix + identity(name).public


LOSSES: Final[dict[str, tuple[Key, ...]]] = {
    "key": (of_device("alice", b"-device/"), of_alice(b"ban/", SERVER)),
    "account": (of_alice(b"ban/", SERVER),),
    "member": (in_den(b"-member/", "alice"),),
    "voice": (in_den(b"mute/", "alice"), of_alice(b"mute/", SERVER)),
    "role": (in_den(b"-role/", "alice"),),
    "hall": (lambda world: b"ban/" + world.log("hall") + world.accounts["alice"],),
}
"""Entries that show that alice has lost a right."""


class Asked(NamedTuple):
    """Alice's request, and the entries that show that it took effect."""

    make: Make
    effect: Key | None = None
    needs: tuple[str, ...] = ("key",)
    is_audited: bool = False


def _accepted(world: World) -> bytes:
    return b"member/" + world.conversation("carol", "alice").log + world.accounts["alice"]


def _declined(world: World) -> bytes:
    return b"request/" + world.conversation("carol", "alice").log + world.accounts["alice"]


SAID: Final = in_den(b"+", "alice")
SPEAKER: Final = ("key", "member", "voice")
OPERATOR: Final = ("key", "member", "role")

REQUESTS: Final[dict[type[Struct], Asked]] = {
    m.Login: Asked(
        lambda world, line: world.login(line, "alice", ASKED, password="x"),
        of_device(NEW),
        ("account",),
    ),
    m.Nick: Asked(lambda *_: m.Nick(ASKED, "alicia"), of_alice(b"account/")),
    m.Code: Asked(lambda *_: m.Code(ASKED), of_alice(b"code/")),
    m.Devices: Asked(lambda *_: m.Devices(ASKED)),
    m.Revoke: Asked(
        lambda *_: m.Revoke(ASKED, DeviceKey(identity("tablet").public)),
        of_device("tablet", b"-device/"),
    ),
    m.Logs: Asked(lambda *_: m.Logs(ASKED)),
    m.Rooms: Asked(lambda *_: m.Rooms(ASKED)),
    m.Who: Asked(lambda world, _: m.Who(ASKED, world.log())),
    m.Seen: Asked(lambda world, _: m.Seen(world.log(), 1)),
    m.History: Asked(lambda world, _: m.History(ASKED, world.log(), 1)),
    m.Search: Asked(lambda *_: m.Search(ASKED, "needle")),
    m.Join: Asked(
        lambda *_: m.Join(ASKED, "hall"),
        lambda world: b"member/" + world.log("hall") + world.accounts["alice"],
        ("key", "hall"),
    ),
    m.Private: Asked(lambda *_: m.Private(ASKED, "bob"), lambda _: b"room/"),
    m.Requests: Asked(lambda *_: m.Requests(ASKED)),
    m.Accept: Asked(
        lambda world, _: m.Accept(ASKED, world.conversation("carol", "alice").log), _accepted
    ),
    m.Decline: Asked(
        lambda world, _: m.Decline(ASKED, world.conversation("carol", "alice").log),
        _declined,
    ),
    m.Block: Asked(lambda *_: m.Block(ASKED, "bob"), of_alice(b"block/")),
    m.Unblock: Asked(lambda *_: m.Unblock(ASKED, "dave"), of_alice(b"-block/")),
    m.Blocks: Asked(lambda *_: m.Blocks(ASKED)),
    m.Contact: Asked(lambda *_: m.Contact(ASKED, "nobody"), of_alice(b"contact/")),
    m.Read: Asked(lambda world, _: m.Read(ASKED, world.log(), 0)),
    m.Leave: Asked(
        lambda world, _: m.Leave(ASKED, world.log()), in_den(b"-member/", "alice"), ("key",)
    ),
    m.Topic: Asked(lambda world, _: m.Topic(ASKED, world.log(), "news"), in_den(b"room/"), SPEAKER),
    m.Invite: Asked(
        lambda world, _: m.Invite(ASKED, world.log(), "carol"),
        in_den(b"invited/", "carol"),
        SPEAKER,
    ),
    m.Moderate: Asked(
        lambda world, _: m.Moderate(ASKED, "mute", "bob", world.log()),
        in_den(b"mute/", "bob"),
        OPERATOR,
        is_audited=True,
    ),
    m.Slow: Asked(
        lambda world, _: m.Slow(ASKED, world.log(), 5), in_den(b"room/"), OPERATOR, is_audited=True
    ),
    m.Token: Asked(
        lambda world, _: m.Token(ASKED, 1, 60, world.log()),
        lambda _: b"invitation/",
        OPERATOR,
        is_audited=True,
    ),
    m.Post: Asked(lambda world, _: m.Post(ASKED, world.log(), MESSAGE, "hello"), SAID, SPEAKER),
    m.Edit: Asked(lambda world, _: m.Edit(ASKED, world.log(), MESSAGE, 1, "ho"), SAID, SPEAKER),
    m.Delete: Asked(lambda world, _: m.Delete(ASKED, world.log(), MESSAGE, 1), SAID, SPEAKER[:2]),
    m.Typing: Asked(lambda world, _: m.Typing(world.log())),
    m.React: Asked(lambda world, _: m.React(ASKED, world.log(), MESSAGE, 1, "+"), SAID, SPEAKER),
}


# --- Actions of others meanwhile ---


class Deed(NamedTuple):
    """An action of somebody else."""

    who: str
    """The device that does it; empty for the operator."""
    make: Callable[[World], Struct]


def by_olga(action: str, room: str = "den") -> Deed:
    """Return olga's action on alice, in a room or, without one, on the server."""
    if room:
        return Deed("olga", lambda world: m.Moderate(60, action, "alice", world.log(room)))
    return Deed("olga", lambda _: m.Moderate(60, action, "alice"))


DEEDS: Final[dict[str, Deed]] = {
    "revoke": Deed("phone", lambda _: m.Revoke(60, DeviceKey(identity("alice").public))),
    "recover": Deed("", lambda _: c.Recover("alice")),
    "ban from the server": by_olga("ban", ""),
    "ban": by_olga("ban"),
    "ban from the hall": by_olga("ban", "hall"),
    "kick": by_olga("kick"),
    "mute": by_olga("mute"),
    "mute on the server": by_olga("mute", ""),
    "deop": by_olga("deop"),
    "leave": Deed("phone", lambda world: m.Leave(60, world.log())),
    "rename oneself": Deed("phone", lambda _: m.Nick(60, "allison")),
    "take the name": Deed("dave", lambda _: m.Nick(60, "alicia")),
    "rename the other": Deed("bob", lambda _: m.Nick(60, "robert")),
    "join": Deed("phone", lambda _: m.Join(60, "hall")),
    "accept": Deed("phone", lambda world: m.Accept(60, world.conversation("carol", "alice").log)),
    "be blocked": Deed("bob", lambda _: m.Block(60, "alice")),
    "converse": Deed("bob", lambda _: m.Private(60, "alice")),
}
AUDITED: Final = {"recover"} | {name for name, deed in DEEDS.items() if deed.who == "olga"}


class Scene:
    """One request from alice, and an action of somebody else."""

    def __init__(self, kind: type[Struct], deed: str = "", *, is_warm: bool) -> None:
        self.asked = REQUESTS[kind]
        self.passwords = SlowPasswords() if kind is m.Login else None
        self.world = world = settled_world(self.passwords)
        self.deed = deed
        self.is_done = False
        """Whether the other action has completed."""
        self.other = world.enter(DEEDS[deed].who) if deed and DEEDS[deed].who else None
        self.line = world.connect(NEW) if kind is m.Login else world.enter("alice")
        if is_warm:
            readers = [world.enter(name) for name in ("olga", "bob", "phone")]
            if kind not in (m.Read, m.Login):
                readers.append(self.line)
            for line in readers:
                world.ask(line, m.Read(70, world.log(), 0))
        self.audit = world.audit()
        self.before = snapshot(world.hub)
        world.store.done.clear()
        world.store.holds = EVERYTHING
        self.start()

    def start(self) -> None:
        """Send the request."""
        self.world.ask(self.line, self.asked.make(self.world, self.line))

    @property
    def waits_for(self) -> str:
        """The call that something waits for; empty when everything is done."""
        if self.passwords is not None and any(not it.called for it in self.passwords.checks):
            return "password"
        return self.world.store.waiting[0].name if self.world.store.waiting else ""

    def step(self) -> None:
        """Release that call."""
        if self.passwords is not None and self.waits_for == "password":
            self.passwords.checks[-1].callback(None)
        else:
            self.world.store.release()
        self.world.turn()

    def do_deed(self, *, at_once: bool) -> None:
        """Start the other action and, if `at_once`, complete it before anything else."""
        world = self.world
        if at_once:
            world.store.holds = READS
        request = DEEDS[self.deed].make(world)
        if self.other is not None:
            world.ask(self.other, request)
        else:
            assert isinstance(request, c.Recover)
            world.operate(request).addCallback(self._operated)
            world.turn()
        world.store.holds = EVERYTHING

    def _operated(self, _: object) -> None:
        self.is_done = True

    def finish(self) -> None:
        """Complete everything."""
        while self.waits_for:
            self.step()
        self.world.store.holds = ()
        self.world.settle()
        if self.other is not None:
            answers = self.other.answers(60)
            assert len(answers) == 1 or self.other.closed is not None, answers
            self.is_done = bool(answers) and not isinstance(answers[0], m.Refused)

    # --- Invariants at the end ---

    def places(self, *keys: Key) -> list[int]:
        """Return the places of an entry in the store's log."""
        found = tuple(key(self.world) for key in keys)
        return [at for at, it in enumerate(self.world.store.done) if it.startswith(found)]

    def check(self, kind: type[Struct]) -> None:
        """Check everything."""
        answers = self.line.answers()
        if self.line.closed is None:
            assert len(answers) == (kind not in (m.Seen, m.Typing)), answers
            assert self.line.holds == 0
        else:
            assert len(answers) <= 1, answers
        effects = [] if self.asked.effect is None else self.places(self.asked.effect)
        if self.deed == "recover" and self.is_done:  # Recovery issues a code, and removes all keys.
            if kind is m.Code:
                effects.pop()
            elif kind is m.Revoke and isinstance(answers[0], m.Refused):
                effects.clear()
        losses = self.places(*(key for need in self.asked.needs for key in LOSSES[need]))
        if effects and losses:
            assert max(effects) < min(losses), (kind, self.deed, self.world.store.done)
        if len(answers) == 1 and self.asked.effect is not None:
            is_granted = not isinstance(answers[0], m.Refused)
            others = {"rename oneself", "join", "accept", "converse", "leave"}
            if kind is m.Leave:
                others |= {"kick", "ban"}
            is_mine = self.deed not in others
            assert is_granted == bool(effects) or not is_mine, answers
        self.check_sessions()
        audited = (self.deed in AUDITED and self.is_done) + (
            self.asked.is_audited and bool(effects)
        )
        assert self.world.audit() == self.audit + audited
        self.world.check_kept()

    def check_sessions(self) -> None:
        """Check that every logged-in session has a key, and reads only what it may read."""
        context = self.world.context
        for line in context.sessions.all():
            account = context.hub.people.of_key(line.device)
            assert account is not None and account.id == line.account
            assert account.id not in context.hub.standing.banned
            assert line.reading <= account.logs


def count_places(kind: type[Struct], *, is_warm: bool) -> list[str]:
    """Return the calls a request waits for, in order, if nobody interferes."""
    scene = Scene(kind, is_warm=is_warm)
    places = []
    while scene.waits_for:
        places.append(scene.waits_for)
        scene.step()
    scene.finish()
    scene.check(kind)
    answers = scene.line.answers()
    assert not any(isinstance(it, m.Refused) for it in answers), answers
    return places


def test_every_route_is_here() -> None:
    assert set(REQUESTS) == {route.message for route in ROUTES}


@pytest.mark.parametrize("is_warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__.lower())
def test_whatever_happens_wherever_it_waits(kind: type[Struct], is_warm: bool) -> None:
    places = count_places(kind, is_warm=is_warm)
    assert bool(places) >= (REQUESTS[kind].effect is not None)
    for deed in DEEDS:
        for place in range(len(places) + 1):
            for at_once in (False, True):
                scene = Scene(kind, deed, is_warm=is_warm)
                for _ in range(place):
                    scene.step()
                scene.do_deed(at_once=at_once)
                scene.finish()
                try:
                    scene.check(kind)
                except AssertionError as error:
                    where = places[place] if place < len(places) else "nothing"
                    raise AssertionError(
                        f"{deed}, at {place} of {places}, {at_once=}: {where}: {error}"
                    ) from error


class FailingTests(ServerCase):
    """The store fails at each place: nothing has changed, and trying again works."""

    def test_nothing_has_happened_and_it_can_be_tried_again(self) -> None:
        for kind in REQUESTS:
            for is_warm in (False, True):
                places = count_places(kind, is_warm=is_warm)
                for place, name in enumerate(places):
                    if name != "password":
                        self.fail_at(kind, place, is_warm=is_warm)

    def fail_at(self, kind: type[Struct], place: int, *, is_warm: bool) -> None:
        """Make the store fail at one place, and try again."""
        scene = Scene(kind, is_warm=is_warm)
        for _ in range(place):
            scene.step()
        was_answered = bool(scene.line.answers())
        scene.world.store.refuse()
        scene.finish()
        if was_answered:  # A reader that cannot get the next records has to reconnect for them.
            assert (scene.line.closed is not None) == (kind is m.Read)
            scene.check(kind)
            return
        [answer] = scene.line.answers()
        assert isinstance(answer, m.Refused), answer
        assert answer.code in (NotStoredError.code, NotReadError.code)
        assert scene.world.store.done == []
        assert snapshot(scene.world.hub) == scene.before
        assert scene.world.audit() == scene.audit
        scene.world.check_kept()
        scene.line.sent.clear()
        scene.start()
        scene.finish()
        scene.check(kind)
        assert not any(isinstance(it, m.Refused) for it in scene.line.answers())

    def test_what_waited_behind_it_is_done(self) -> None:
        for kind in REQUESTS:
            if count_places(kind, is_warm=True)[-1:] != ["commit"]:
                continue
            for deed in DEEDS:
                scene = Scene(kind, deed, is_warm=True)
                while scene.waits_for == "password":
                    scene.step()
                scene.do_deed(at_once=False)
                scene.world.store.refuse()
                scene.finish()
                scene.check(kind)
