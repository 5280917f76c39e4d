"""How much one account may have, and all together may make."""

import os
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from chat.ids import LogId, MessageId
from chat.wire import messages as m
from tests.attacks.arena import Arena, Fell, RawClient, attack

_NO_END: Final = 5_000


def _until_refused(limit: str, make: Callable[[int], Struct | None]) -> int:
    """Return how many were made before a refusal that names the limit."""
    for count in range(_NO_END):
        answer = make(count)
        if isinstance(answer, m.Refused):
            if f"({limit})" not in answer.text:
                raise Fell(f"refused without its name: {answer.text}")
            return count
    raise Fell(f"{_NO_END} were made, and none refused")


def _check(seen: dict[str, tuple[int, int]]) -> str:
    for limit, (count, most) in seen.items():
        if count != most:
            raise Fell(f"{limit}: {count} were made, of {most}")
    return ", ".join(f"{count} by {limit}" for limit, (count, _) in seen.items())


@attack(
    "somebody makes accounts without end, as fast as the server lets in",
    "no limit: 2,500 strangers could each be made for one message",
)
def accounts_without_end(arena: Arena) -> str:
    """Create accounts, with a limit of 50 in an hour."""
    with arena.server("accounts_per_hour=50") as server:

        def make(number: int) -> Struct | None:
            client = arena.client(server, f"stranger{number}")
            client.close()
            return client.answer

        count = _until_refused("accounts_per_hour", make)
        return _check({"accounts_per_hour": (count, 50)})


@attack(
    "an account makes rooms, conversations, invitations, links and devices without end",
    "9,000 links and 2,500 conversations; rooms alone had a limit by account",
)
def things_without_end(arena: Arena) -> str:
    """Make each until the server refuses."""
    limits = (
        "conversations_per_account=20",
        "requests_by_account=100",
        "invitations_by_account=20",
    )
    with arena.server(*limits) as server:
        for number in range(25):
            arena.client(server, f"victim{number}").close()
        eve = arena.client(server, "eve")
        log = eve.join("room")

        def link(_: int) -> Struct | None:
            issued = eve.ask(m.Code(eve.next_id()))
            if not isinstance(issued, m.CodeIssued):
                raise Fell(f"no code: {issued}")
            other = arena.client(server, "eve", code=issued.code)
            other.close()
            return other.answer

        def ask(message: Callable[[int], m.Request]) -> Callable[[int], Struct | None]:
            return lambda number: eve.ask(message(number))

        id = eve.next_id
        tries: dict[str, tuple[int, Callable[[int], Struct | None]]] = {
            "rooms_per_account": (99, ask(lambda it: m.Join(id(), f"r{it}", "public"))),
            "conversations_per_account": (20, ask(lambda it: m.Private(id(), f"victim{it}"))),
            "invitations_by_account": (20, ask(lambda it: m.Invite(id(), log, f"victim{it}"))),
            "tokens_per_account": (100, ask(lambda it: m.Token(id(), 1, 60, log))),
            "devices_per_account": (31, link),
        }
        return _check({it: (_until_refused(it, make), most) for it, (most, make) in tries.items()})


@attack(
    "an account bans, mutes and reacts without end",
    "1,500 bans of one room; no limit on bans, other actions and reactions",
)
def acts_without_end(arena: Arena) -> str:
    """Do each until the server refuses."""
    with arena.server(
        "bans_per_room=20", "bans_per_account=21", "actions_per_account=200"
    ) as server:
        victims: list[RawClient] = [arena.client(server, f"victim{it}") for it in range(22)]
        eve = arena.client(server, "eve")
        log = eve.join("room")
        for victim in victims:
            victim.join("room")

        def ban(number: int) -> Struct | None:
            return eve.ask(m.Moderate(eve.next_id(), "mute", f"victim{number}", log))

        def slow(number: int) -> Struct | None:
            return eve.ask(m.Slow(eve.next_id(), log, number + 1))

        def react(log: LogId, seq: int) -> Struct | None:
            message = MessageId(os.urandom(16))
            return eve.ask(m.React(eve.next_id(), log, message, seq, "+"))

        posted = eve.say(log, "hello")
        if not isinstance(posted, m.Posted):
            raise Fell(f"not posted: {posted}")
        seq = posted.acks[-1][1]
        return _check(
            {
                "bans_per_room": (_until_refused("bans_per_room", ban), 20),
                "actions_per_account": (_until_refused("actions_per_account", slow), 180),
                "reactions_per_message": (
                    _until_refused("reactions_per_message", lambda _: react(log, seq)),
                    20,
                ),
            }
        )
