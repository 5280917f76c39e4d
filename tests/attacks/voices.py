"""Who may say something: one check for everything that carries words."""

import os
from collections.abc import Callable

from msgspec import Struct

from benchmarks.server import ServerProcess
from chat.ids import LogId, MessageId
from chat.wire import messages as m
from tests.attacks.arena import Arena, Fell, RawClient, attack

_Ask = Callable[[int], m.Request]


def words(client: RawClient, log: LogId, seq: int) -> dict[str, _Ask]:
    """Return what carries words to a room, by kind: the requests that say a number."""

    def new() -> tuple[int, LogId, MessageId]:
        return client.next_id(), log, MessageId(os.urandom(16))

    return {
        "post": lambda it: m.Post(*new(), f"words {it}"),
        "edit": lambda it: m.Edit(*new(), seq, f"words {it}"),
        "reaction": lambda it: m.React(*new(), seq, f"words{it}"),
        "topic": lambda it: m.Topic(client.next_id(), log, f"words {it}"),
        "nickname": lambda it: m.Nick(client.next_id(), f"words.{it}"),
    }


def heard(client: RawClient, asks: dict[str, _Ask], times: int) -> list[str]:
    """Ask everything so often; return what was not refused."""
    answers: list[tuple[str, Struct | None]] = []
    for number in range(times):
        answers += [(kind, client.ask(ask(number))) for kind, ask in asks.items()]
    return [kind for kind, answer in answers if not isinstance(answer, m.Refused)]


def enter(arena: Arena, server: ServerProcess) -> tuple[RawClient, RawClient, LogId, int]:
    """Return the owner of a room, a guest in it, the room, and what the guest has said there."""
    owner = arena.client(server, "owner")
    log = owner.join("den")
    guest = arena.client(server, "guest")
    guest.join("den")
    said = guest.say(log, "first")
    if not isinstance(said, m.Posted):
        raise Fell(f"nothing can be said: {said}")
    return owner, guest, log, said.acks[0][1]


@attack(
    "a member speaks by edits, reactions, topics and names in a room with slow mode of an hour",
    "200 edits in 1.4 s, and topics, reactions and nicknames besides",
)
def slow_words(arena: Arena) -> str:
    """Say something in every way, 20 times, behind a first post."""
    with arena.server() as server:
        owner, guest, log, seq = enter(arena, server)
        owner.ask(m.Slow(owner.next_id(), log, 3_600))
        asks = words(guest, log, seq)
        guest.ask(asks["post"](0))
        through = heard(guest, asks, 20)
        if through:
            raise Fell(f"{len(through)} of 100 were heard: {', '.join(sorted(set(through)))}")
    return "0 of 100 were heard"


@attack(
    "a muted member speaks by edits, reactions, topics, names, and names of rooms",
    "50 of 50 renames were shown to everybody",
)
def muted_words(arena: Arena) -> str:
    """Say something in every way, 20 times."""
    with arena.server() as server:
        owner, guest, log, seq = enter(arena, server)
        owner.ask(m.Moderate(owner.next_id(), "mute", "guest", log))
        through = heard(guest, words(guest, log, seq), 20)
        if through:
            raise Fell(f"{len(through)} of 100 were heard: {', '.join(sorted(set(through)))}")
    return "0 of 100 were heard"
