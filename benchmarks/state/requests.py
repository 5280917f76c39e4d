"""The kinds of requests that are measured."""

import os
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from benchmarks.state.world import HALVES, World, account_id, numbered
from chat.ids import AccountId, DeviceKey, LogId
from chat.rooms import values as v
from chat.wire import messages as m

__all__ = ["NOT_TOGETHER", "Make", "requests"]

Make = Callable[[], Callable[[int], Struct]]
"""Prepares a request, and returns what makes it with a given id."""

NOT_TOGETHER: Final = "search, never in one post"
"""A search for two words of which each is in half of the posts."""


def requests(world: World) -> dict[str, Make]:
    """Return the kinds of requests by name: each call returns a new request.

    The last ones remove something from the store, which tidies up afterwards.
    """
    big, message = world.big, world.message
    middle = f"n{world.count // 2}x"
    state = {"flip": 0, "made": 0, "deleted": 0}

    def flip(on: str, off: str) -> str:
        state["flip"] ^= 1
        return on if state["flip"] else off

    def new(prefix: str) -> str:
        state["made"] += 1
        return f"{prefix}{state['made']}z"

    def act(action: str, nick: str, log: LogId | None) -> Callable[[int], Struct]:
        if log is None:
            return lambda id: m.Moderate(id, action, nick)
        return lambda id: m.Moderate(id, action, nick, log)

    def fresh(log: LogId | None, on: str, off: str) -> Callable[[int], Struct]:
        return act(flip(on, off), middle, log)

    def ban() -> Callable[[int], Struct]:
        world.context.hub.put(
            v.MembershipKey(world.invite, account_id(world.count // 2)), v.Membership()
        )
        return fresh(world.invite, "unban", "ban")

    key = DeviceKey(numbered("own", 0) * 2)

    def revoke() -> Callable[[int], Struct]:
        world.context.hub.put(v.DeviceOf(key), v.Device(world.session.account, 1))
        return lambda id: m.Revoke(id, key)

    def read() -> Callable[[int], Struct]:
        log = LogId(numbered("talk", 0))
        world.context.feeds.loaded(log).readers.drop(world.session.number)
        return lambda id: m.Read(id, log, 0)

    def join() -> Callable[[int], Struct]:
        room = world.context.hub.named_room("r1x")
        world.context.hub.put(v.MembershipKey(room.log, world.session.account), None)
        feed = world.context.feeds.loaded(room.log)
        if feed is not None:
            feed.readers.drop(world.session.number)
        return lambda id: m.Join(id, "r1x")

    def leave() -> Callable[[int], Struct]:
        log = LogId(numbered("room", 2))
        world.context.hub.put(v.MembershipKey(log, world.session.account), v.Membership())
        return lambda id: m.Leave(id, log)

    def invite() -> Callable[[int], Struct]:
        log, target = LogId(numbered("room", 3)), account_id(world.count // 2)
        world.context.hub.put(v.InvitedKey(log, target), None)
        return lambda id: m.Invite(id, log, middle)

    def private() -> Callable[[int], Struct]:
        account = AccountId(os.urandom(16))
        nick = new("p")
        world.context.hub.put(v.AccountKey(account), v.Profile(nick))
        return lambda id: m.Private(id, nick)

    def nick() -> Callable[[int], Struct]:
        name = new("a")
        return lambda id: m.Nick(id, name)

    def create() -> Callable[[int], Struct]:
        name = new("q")
        return lambda id: m.Join(id, name, "public")

    def topic() -> Callable[[int], Struct]:
        text = new("t")
        return lambda id: m.Topic(id, big, text)

    def slow() -> Callable[[int], Struct]:
        seconds = int(flip("7", "8"))
        return lambda id: m.Slow(id, big, seconds)

    def delete() -> Callable[[int], Struct]:
        state["deleted"] += 1
        return lambda id: m.Delete(id, big, message(), 10 + state["deleted"])

    def stranger(answer: type[m.Accept | m.Decline]) -> Callable[[int], Struct]:
        by, log = AccountId(os.urandom(16)), LogId(os.urandom(16))
        hub, ana = world.context.hub, world.session.account
        hub.put(v.AccountKey(by), v.Profile(new("g")))
        hub.put(v.RoomKey(log), v.RoomProfile(v.Kind.PRIVATE, "", by, ana))
        hub.put(v.MembershipKey(log, by), v.Membership())
        hub.put(v.RequestKey(log, ana), v.Requested(by, 1))
        return lambda id: answer(id, log)

    other = AccountId(numbered("other", 0))
    world.context.hub.put(v.AccountKey(other), v.Profile("other"))
    blocked = v.BlockKey(world.session.account, other)

    def block() -> Callable[[int], Struct]:
        world.context.hub.put(blocked, None)
        return lambda id: m.Block(id, "other")

    def unblock() -> Callable[[int], Struct]:
        world.context.hub.put(blocked, v.Blocked(1))
        return lambda id: m.Unblock(id, "other")

    return {
        "nick": nick,
        "devices": lambda: lambda id: m.Devices(id),
        "code": lambda: lambda id: m.Code(id),
        "revoke": revoke,
        "logs": lambda: lambda id: m.Logs(id),
        "rooms": lambda: lambda id: m.Rooms(id),
        "rooms, after one": lambda: lambda id: m.Rooms(id, "r5x"),
        "who": lambda: lambda id: m.Who(id, big),
        "who, after one": lambda: lambda id: m.Who(id, big, "n5x"),
        "history": lambda: lambda id: m.History(id, big, 10),
        "history, before one": lambda: lambda id: m.History(id, big, 10, 30),
        "search, a word in one post": lambda: lambda id: m.Search(id, "middle"),
        "search, in every post": lambda: lambda id: m.Search(id, "text"),
        "search, in every log": lambda: lambda id: m.Search(id, "everywhere"),
        "search, nothing": lambda: lambda id: m.Search(id, "nowhere"),
        NOT_TOGETHER: lambda: lambda id: m.Search(id, " ".join(HALVES)),
        "join": join,
        "join, a new room": create,
        "private, a new one": private,
        "requests": lambda: lambda id: m.Requests(id),
        "accept": lambda: stranger(m.Accept),
        "decline": lambda: stranger(m.Decline),
        "block": block,
        "unblock": unblock,
        "blocks": lambda: lambda id: m.Blocks(id),
        "contact": lambda: lambda id: m.Contact(id, "members"),
        "read": read,
        "seen": lambda: lambda _: m.Seen(LogId(numbered("talk", 1)), 1),
        "typing": lambda: lambda _: m.Typing(big),
        "leave": leave,
        "topic": topic,
        "invite": invite,
        "ban in a room": ban,
        "mute in a room": lambda: fresh(big, "unmute", "mute"),
        "mute on the server": lambda: fresh(None, "unmute", "mute"),
        "op": lambda: fresh(big, "op", "deop"),
        "slow": slow,
        "token": lambda: lambda id: m.Token(id, 1, 3600, big),
        "post": lambda: lambda id: m.Post(id, big, message(), "hello there"),
        "react": lambda: lambda id: m.React(id, big, message(), 5, "+"),
        "edit": lambda: lambda id: m.Edit(id, big, message(), 6, "hello again"),
        "delete": delete,
    }
